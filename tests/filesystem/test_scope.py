#!/usr/bin/python3
"""Exemptions and the like as files: made by a request, moved by their actions. smoke: yes"""
from fstest import demo, main, mounted, ok, shell

DIGEST = "sha256:" + "0123456789abcdef" * 4
CLAIM = f"name=exemptions/budget\nsystem=budget-analysis\nbasis=预算法\ndocument=basis.pdf {DIGEST}\nsubmit\n"


def test_art_05_an_exemption_is_claimed_and_confirmed_with_cat_and_echo(server):
    with mounted(server) as mount:
        text = CLAIM.replace("basis=预算法\n", "")
        ran = shell(mount, f"printf '%s' '{text}' > requests/none.req")
        assert ran.status != 0, ran
        assert "basis is missing" in mount.read("results/none.req/error")
        ok(mount, f"printf '%s' '{CLAIM}' > requests/claim.req")
        assert mount.read("results/claim.req/id").strip() == "budget"
        assert mount.read("exemptions/budget/state").strip() == "claimed"
        assert "the authority confirms or refuses" in mount.read("exemptions/budget/why")
        with mounted(server, "as=" + demo.CA) as authority:
            assert "confirm" in ok(authority, "ls exemptions/budget/actions")
            ok(authority, "echo comment=同意 > exemptions/budget/actions/confirm")
        assert mount.read("systems/budget-analysis/exempt").strip() == "true"
        assert "budget" in ok(mount, "ls exemptions")


if __name__ == "__main__":
    main()
