#!/usr/bin/python3
"""Test and temporary resources with the tools that people use: asked for, extended, and ended. smoke: yes"""
from fstest import demo, eventually, main, mounted, ok, shell
from zwytest import with_server

START = "2025-11-30T10:00:00+08:00"  # three months end on 2026-02-28; the last day for an extension is 2026-02-02
ASK = r"""
set -e
exec 3<>applications/new
echo "{line}" >&3
read -r id <&3
echo $id
"""
ALLOCATE = r"""
set -e
case=applications/{id}
echo > $case/actions/assign
echo "decision=approve" > $case/actions/decide
echo "endpoint=10.9.0.1" > $case/actions/allocate
cat $case/state
"""
SHOWN = r"""
resource=resources/$(basename $(cat applications/{id}/items/1/resource))
echo $resource $(cat $resource/end-date $resource/last-extension-date $resource/extensions 2>/dev/null)
"""
TEMPORARY = "kind=temporary system=finance-portal zone=extranet block-storage=2 purpose=flood urgency='a flood'"
PROOF = f"document.project-establishment='{demo.digests(('project-establishment',))['project-establishment']}'"
TEST = f"kind=test system=budget-analysis zone=extranet block-storage=2 purpose=trial {PROOF} months=2"


def asked(mount, line):
    return ok(mount, ASK.format(line=line), as_=demo.DU).strip()


def in_use(mount, line):
    case = asked(mount, line)
    assert ok(mount, ALLOCATE.format(id=case), as_=demo.OP) == "allocated\n"
    return case


def reaches(mount, case, state):
    eventually(lambda: mount.read(f"applications/{case}/state") == state + "\n", f"it to be {state}")


@with_server(clock=START)
def test_a_temporary_resource_is_extended_in_time_and_not_after_it(server):
    with mounted(server, shared=True) as mount:
        case = in_use(mount, TEMPORARY)
        resource, end, last, *_ = ok(mount, SHOWN.format(id=case), as_=demo.DU).split()
        assert (end, last) == ("2026-02-28", "2026-02-02")
        assert last in ok(mount, f"cat applications/{case}/why", as_=demo.DU)
        following = ok(mount, f"cat applications/{case}/next", as_=demo.DU)
        assert f"kind=extension\tresource={resource.partition('/')[2]} months=1" in following and last in following, following
        assert "kind=" not in ok(mount, f"cat applications/{case}/next", as_=demo.OP)
        assert case not in ok(mount, "ls inbox/", as_=demo.DU)
        server.set_clock("2026-01-27T10:00:00+08:00")
        reaches(mount, case, "expiring")
        eventually(lambda: f"2026-02-02--{case}" in ok(mount, "ls inbox/", as_=demo.DU), "it to wait for the department")
        extension = asked(mount, f"kind=extension resource={resource.partition('/')[2]} months=1 purpose=longer")
        assert f"applications/{extension}" in ok(mount, f"cat {resource}/open-extension", as_=demo.DU)
        ok(mount, f"echo > applications/{extension}/actions/assign; echo decision=grant > applications/{extension}/actions/decide",
           as_=demo.OP)
        assert ok(mount, f"cat applications/{extension}/state {resource}/end-date {resource}/extensions", as_=demo.DU).split() == [
            "applied", "2026-03-28", "1"]
        ran = shell(mount, ASK.format(line=f"kind=extension resource={resource.partition('/')[2]} purpose=again"), as_=demo.DU)
        assert ran.status != 0, ran
        assert "ext.max_count" in ok(mount, "cat results/new/error", as_=demo.DU)
        server.set_clock("2026-03-29T00:00:01+08:00")
        reaches(mount, case, "expired")
        assert ok(mount, f"cat {resource}/state", as_=demo.DU) == "frozen\n"


@with_server(clock=START)
def test_a_test_resource_lives_its_term_and_is_taken_back(server):
    with mounted(server, shared=True) as mount:
        ran = shell(mount, ASK.format(line=TEST.replace("block-storage=2", "elastic-ip=1")), as_=demo.DU)
        assert ran.status != 0, ran
        assert "serves the public" in ok(mount, "cat results/new/error", as_=demo.DU)
        case = in_use(mount, TEST)
        resource, end, *_ = ok(mount, SHOWN.format(id=case), as_=demo.DU).split()
        assert end == "2026-01-30", end
        ok(mount, f"echo reason=seen > applications/{case}/actions/suspend", as_=demo.OP)
        assert ok(mount, f"cat applications/{case}/state {resource}/state", as_=demo.DU).split() == ["suspended", "restricted"]
        ok(mount, f"echo > applications/{case}/actions/resume", as_=demo.OP)
        server.set_clock("2026-01-31T00:00:01+08:00")
        reaches(mount, case, "expired")
        taken = ok(mount, f"cat {resource}/open-case", as_=demo.DU).strip()
        ok(mount, f"cd {taken}/actions && echo > assign && echo result=accept > review && echo > start", as_=demo.OP)
        server.set_clock("2026-02-10T10:00:00+08:00")
        ok(mount, f"echo \"reading='quantity=1'\" > {taken}/actions/complete", as_=demo.OP)
        assert ok(mount, f"cat applications/{case}/state {resource}/state", as_=demo.DU).split() == ["reclaimed", "reclaimed"]


@with_server(clock=START)
def test_a_test_resource_by_the_command_line(server):
    def zwy(*words, as_=demo.DU, **options):
        ran = server.zwy(*words, as_=f"principals/{as_}", **options)
        assert ran.status == 0, ran
        return ran.out
    text = "\n".join(("kind=test", "system=budget-analysis", "zone=extranet", "purpose=trial", PROOF.replace("'", ""),
                      "[items]", "service=block-storage", "quantity=2", "submit", ""))
    name = "applications/" + zwy("submit", "-", stdin=text).strip()
    for action, *form in (("assign",), ("decide", "decision=approve"), ("allocate", "endpoint=10.9.0.1")):
        zwy("act", name, action, *form, as_=demo.OP)
    said = zwy("get", name).splitlines()
    assert "state=allocated" in said and "end-date=2026-02-28" in said, said
    assert "the last day of the term is 2026-02-28" in zwy("why", name)
    assert "kind=reclaim resource=R-" in zwy("why", name)
    server.set_clock("2026-02-27T10:00:00+08:00")
    eventually(lambda: "state=expiring" in zwy("get", name).splitlines(), "it to be expiring")
    assert name.rpartition("/")[2] in zwy("inbox")


if __name__ == "__main__":
    main()
