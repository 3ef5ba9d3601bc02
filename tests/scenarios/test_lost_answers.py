#!/usr/bin/python3
"""Connections that end after the server has done its work and before anybody hears of it: what the
program asks for again happens once. smoke: yes"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import Cutter, Mount, demo, main, run_zwy, with_server  # noqa: E402

DU, CA = demo.DU, demo.CA


def applications(server):
    return server.client().list("ListApplications", as_=DU)


@with_server(tcp_as="demo")
def test_a_submission_whose_answer_is_lost_is_found_again(server):
    with Cutter(server.tcp, cuts=2) as cutter:
        ran = run_zwy(cutter.target, "submit", "-", as_=DU, stdin=demo.text())
        assert ran.status == 0 and cutter.cut == 2, (ran, cutter.cut)
    assert [a.name for a in applications(server)] == [f"applications/{ran.out.strip()}"]


@with_server(tcp_as="demo")
def test_a_step_whose_answer_is_lost_is_taken_once(server):
    name = demo.file(server.client()).name
    with Cutter(server.tcp, cuts=1) as cutter:
        ran = run_zwy(cutter.target, "act", name, "accept", as_=CA)
        assert ran.status == 0 and "state=accepted" in ran.out and cutter.cut == 1, ran
    history = [e.action for e in server.client().list("ListEvents", as_=CA, parent=name)]
    assert history.count("accept") == 1, history


@with_server(tcp_as="demo")
def test_an_import_whose_answer_is_lost_is_made_once(server):
    rows = server.zwy("export", "catalogue", as_=CA).out
    assert rows.count("\n") == 45
    changed = rows.replace("云服务器", "云服务器二")
    with Cutter(server.tcp, cuts=1) as cutter:
        ran = run_zwy(cutter.target, "import", "catalogue", "-", as_=CA, stdin=changed)
        assert ran.status == 0 and cutter.cut == 1, ran
    assert "0 created, 1 updated, 43 unchanged" in ran.out, ran
    record = server.client().call("GetService", as_=CA, name="catalogue/cloud-server")
    assert record.name_zh == "云服务器二" and record.revision > 1, record


@with_server(tcp_as="demo")
def test_answers_that_never_come_leave_the_outcome_unknown(server):
    with Cutter(server.tcp, cuts=1000) as cutter:
        ran = run_zwy(cutter.target, "submit", "-", "--timeout", "3", as_=DU, stdin=demo.text())
        assert ran.status == 7 and "not known" in ran.err, ran
        assert cutter.cut > 1, cutter.cut
        ran = run_zwy(cutter.target, "get", "catalogue/cloud-server", "--timeout", "3", as_=DU)
        assert ran.status == 6, ran
    assert len(applications(server)) == 1


@with_server(tcp_as="demo")
def test_a_request_written_to_a_mount_is_accepted_once(server):
    with Cutter(server.tcp, cuts=0) as cutter:
        mount = Mount(server, f"as={DU}", target=cutter.target)
        try:
            assert DU in mount.read("whoami")
            cutter.cuts = 1
            for sock in list(cutter.sockets):
                cutter.end(sock)  # so that the next connection is one that is cut
            (mount / "requests/a.req").write_text(demo.text(), encoding="utf-8")
            assert mount.read("results/a.req/state").strip() == "accepted"
            assert cutter.cut == 1
        finally:
            mount.close()
    assert len(applications(server)) == 1


@with_server(tcp_as="demo")
def test_reading_goes_on_after_a_loss(server):
    with Cutter(server.tcp, cuts=2) as cutter:
        ran = run_zwy(cutter.target, "list", "catalogue", "--output", "json", "--page-size", "7", as_=DU)
        assert ran.status == 0 and ran.out.count("\n") == 44 and cutter.cut == 2, ran


if __name__ == "__main__":
    main()
