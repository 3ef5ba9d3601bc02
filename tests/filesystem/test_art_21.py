#!/usr/bin/python3
"""A forecast as files, from the request to the operator's support. smoke: yes"""
from fstest import demo, main, mounted, ok, shell

DIGEST = "sha256:" + "0123456789abcdef" * 4
PLACE = f"forecasts/{demo.DEPARTMENT}/2027"
REQUEST = f"""name={PLACE}
plan=年度计划
items.service=block-storage
items.quantity=16
submit
"""


def test_art_21_a_forecast_goes_its_way_with_cat_and_echo(server):
    with mounted(server) as mount, mounted(server, "as=" + demo.OP) as operator:
        ok(mount, f"cat > requests/need.req <<'EOF'\n{REQUEST}EOF")
        assert mount.read("results/need.req/state").strip() == "draft"
        assert mount.read("results/need.req/id").strip() == PLACE
        assert "demand-intent is missing" in mount.read(PLACE + "/why")
        assert ok(mount, f"ls {PLACE}/actions").strip() == ""
        ok(mount, f"printf 'name={PLACE}\\ndemand-intent=i.pdf {DIGEST}\\nsubmit\\n' > requests/more.req")
        assert ok(mount, f"ls {PLACE}/actions").strip() == "submit"
        ok(mount, f"echo > {PLACE}/actions/submit")
        assert mount.read(PLACE + "/state").strip() == "submitted"
        assert "assign" in operator.read(PLACE + "/next")
        link = "inbox/2027-12-31--" + PLACE.replace("/", "--")
        assert ok(operator, f"cat {link}/state").strip() == "submitted"
        assert link.split("/")[1] not in ok(mount, "ls inbox").split()
        ok(operator, f"echo > {PLACE}/actions/assign")
        assert shell(operator, f"echo result=adjust > {PLACE}/actions/opinion").status != 0
        ok(operator, f"echo 'result=adjust comment=太多' > {PLACE}/actions/opinion")
        assert "太多" in mount.read(PLACE + "/why")
        ok(mount, f"(sed s/quantity=16/quantity=12/ {PLACE}/record; echo submit) > requests/less.req")
        ok(mount, f"echo > {PLACE}/actions/revise")
        ok(operator, f"echo > {PLACE}/actions/assign && echo result=support > {PLACE}/actions/opinion")
        assert mount.read(PLACE + "/state").strip() == "opinion_support"
        assert mount.read(PLACE + "/reviewed-items/1/quantity").strip() == "12"
        assert "opinion_support" in mount.read(PLACE + "/history")
        ok(mount, f"cat > requests/portal.req <<'EOF'\nforecast=2027\n{demo.text()}EOF")
        case = "applications/" + mount.read("results/portal.req/id").strip()
        assert mount.read(PLACE + "/state").strip() == "consumed"
        for file in ("why", "status"):
            assert "asked, 12 forecast, 0 taken by other applications" in operator.read(f"{case}/{file}")


if __name__ == "__main__":
    main()
