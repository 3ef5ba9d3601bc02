#!/usr/bin/python3
"""A resource is given back with the tools that people use, at a mount that all share. smoke: yes"""
from fstest import demo, main, mounted, ok, shell

GIVE_BACK = r"""
set -e
resource=$(grep -l '^active$' resources/*/state | head -n 1); resource=${resource%/state}
exec 3<>applications/new
echo "kind=reclaim resource=${resource#resources/} reclaim.offline=true reclaim.migrated=true reclaim.backed-up=true" >&3
read -r id <&3
cat applications/$id/why applications/$id/status >&2
echo $id $resource
"""
TAKE = r"""
set -e
case=applications/{id}
grep -q assign $case/next
echo > $case/actions/assign
echo "result=accept comment='nothing depends on it'" > $case/actions/review
echo > $case/actions/start
cat {resource}/state
echo "reading='quantity=3'" > $case/actions/complete
cat $case/state {resource}/state {resource}/reading/figures/quantity
"""


def test_a_return_from_the_line_to_the_last_reading(server):
    client = server.client()
    name = demo.file(client).name
    demo.walk(client, name, "closed")
    with mounted(server, shared=True) as mount:
        ran = shell(mount, "echo kind=reclaim resource=R-2026-000001 > applications/new", as_=demo.DU)
        assert ran.status != 0, ran
        ran = shell(mount, GIVE_BACK, as_=demo.DU)
        assert ran.status == 0 and "2026-11-27" in ran.err and "Article 17" in ran.err, ran
        case, resource = ran.out.split()
        assert ok(mount, f"cat {resource}/open-case", as_=demo.DU).strip() == f"applications/{case}"
        assert ok(mount, TAKE.format(id=case, resource=resource), as_=demo.OP).split() == [
            "reclaiming", "reclaimed", "reclaimed", "3"]
        ran = shell(mount, f"echo \"reading='quantity=3'\" > applications/{case}/actions/complete", as_=demo.OP)
        assert ran.status != 0, ran
        ok(mount, f"echo > applications/{case}/actions/confirm", as_=demo.DU)
        assert ok(mount, f"cat applications/{case}/state {resource}/state", as_=demo.DU).split() == ["closed", "reclaimed"]


if __name__ == "__main__":
    main()
