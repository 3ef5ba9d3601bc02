#!/usr/bin/python3
"""Line files: one line is one command, and its answer is read on the same handle. smoke: yes"""
import errno
import os

from fstest import LINE, applications, demo, main, mounted, ok, result, shell


def write(mount, path, text):
    fd = os.open(mount / path, os.O_WRONLY)
    try:
        return os.write(fd, text.encode())
    finally:
        try:
            os.close(fd)
        except OSError:
            pass


def test_the_id_is_read_where_the_line_was_written(server):
    with mounted(server) as mount:
        out = ok(mount, f'exec 3<>applications/new; echo "{LINE}" >&3; read -r id <&3; echo "$id"')
        assert out.startswith("A-2026-") and mount.read(f"applications/{out.strip()}/purpose") == "two words\n", out
        assert mount.read(f"applications/{out.strip()}/items/1/quantity") == "2\n"
        assert result(mount, "new") == {"state": "accepted", "id": out.strip(), "error": ""}


def test_every_line_of_one_write_is_carried_out_in_order(server):
    with mounted(server) as mount:
        out = ok(mount, f'exec 3<>applications/new; printf "%s\\n# comment\\n%s\\n" "{LINE}" "{LINE}" >&3; read -r a <&3; read -r b <&3; echo $a $b')
        first, second = out.split()
        assert first < second and len(applications(server)) == 2
        # what was carried out before a refused line is told by the count
        fd = os.open(mount / "applications/new", os.O_RDWR)
        good = LINE + "\n"
        assert os.write(fd, (good + "kind=regular system=nothing\n").encode()) == len(good.encode())
        try:
            os.write(fd, b"kind=regular system=nothing\n")
            raise AssertionError("a refused line was taken")
        except OSError as error:
            assert error.errno == errno.EBADMSG, error
        assert os.read(fd, 4096).decode().splitlines()[0].startswith("A-2026-")
        os.close(fd)
        assert len(applications(server)) == 3


def test_an_unterminated_line_is_never_carried_out(server):
    with mounted(server) as mount:
        ran = shell(mount, f'printf "%s" "{LINE}" | tee applications/new > /dev/null')
        assert ran.status != 0 and "Bad message" in ran.err, ran
        assert applications(server) == []


def test_a_fresh_handle_explains_every_key(server):
    name = demo.file(server.client()).name
    with mounted(server, "as=" + demo.OP) as mount:
        template = mount.read("applications/new")
        for key in ("kind", "system", "zone", "items", "cloud-plan.architecture", "purpose"):
            assert key in template, key
        assert "clocks" not in template.replace("# ", "")
        demo.act(server.client(), name, "accept", demo.CA)
        demo.act(server.client(), name, "assign", demo.OP)
        template = mount.read(f"{name}/actions/opinion")
        for key in ("result=", "complexity=", "configuration=", "architecture=", "Article 13"):
            assert key in template, template


def test_a_refusal_says_why_and_the_reason_stays(server):
    name = demo.file(server.client()).name
    with mounted(server, "as=" + demo.OP) as mount:
        ran = shell(mount, f"exec 3<>{name}/actions/decide; echo decision=approve >&3 || cat <&3")
        assert ran.out.startswith("error: "), ran
        ran = shell(mount, f"echo decision=approve > {name}/actions/decide")
        assert ran.status != 0 and ("not permitted" in ran.err or "denied" in ran.err), ran
        assert "refused: decide: " in mount.read(f"{name}/why")
        ran = shell(mount, f"echo > {name}/actions/nonsense")
        assert ran.status != 0 and "Bad message" in ran.err, ran
        ran = shell(mount, "echo 'kind=regular sistem=x' > applications/new")
        assert ran.status != 0 and "sistem" in mount.read("results/new/error"), ran


def test_a_stale_revision_is_refused(server):
    client = server.client()
    name = demo.file(client).name
    with mounted(server, "as=" + demo.CA) as mount:
        revision = mount.read(f"{name}/revision").strip()
        ran = shell(mount, f"echo revision=1 > {name}/actions/accept")
        assert ran.status != 0 and "temporarily unavailable" in ran.err, ran
        ok(mount, f"echo revision={revision} > {name}/actions/accept")
        assert mount.read(f"{name}/state") == "accepted\n"


if __name__ == "__main__":
    main()
