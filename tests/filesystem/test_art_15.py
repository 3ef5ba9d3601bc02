#!/usr/bin/python3
"""A change as files, from the request to the confirmation, and a major one to its linked draft. smoke: yes"""
from fstest import demo, main, mounted, ok, shell


def in_service(client):
    name = demo.file(client, items=(("cloud-server", 2, {"vcpu": 8, "gib": 32}),)).name
    demo.walk(client, name, "closed")
    return demo.get(client, name).resources[0].split("/")[1]


def test_art_15_a_change_goes_its_way_with_cat_and_echo(server):
    id_ = in_service(server.client())
    with mounted(server) as mount, mounted(server, "as=" + demo.OP) as operator:
        ok(mount, "cat > requests/less.req <<'EOF'\n"
                  f"kind=change\nresource={id_}\npurpose=fewer users\nchange.spec.vcpu=6\nsubmit\nEOF")
        case = "applications/" + mount.read("results/less.req/id").strip()
        assert mount.read(case + "/state").strip() == "submitted"
        assert mount.read(case + "/items/1/takes-over").strip() == id_
        assert "2026-11-25" in mount.read(case + "/status"), mount.read(case + "/status")
        assert mount.read(f"resources/{id_}/open-case").strip() == case
        assert "assign" in operator.read(case + "/next")
        ok(operator, f"echo \"reading='vcpu=13 gib=20'\" > {case}/actions/assign")
        assert shell(operator, f"echo result=pass > {case}/actions/review").status != 0
        assert "13 are in use" in operator.read(case + "/why")
        ok(mount, f"echo > {case}/actions/consent")
        ok(operator, f"echo result=pass > {case}/actions/review; echo > {case}/actions/start")
        assert mount.read(f"resources/{id_}/state").strip() == "changing"
        ok(operator, f"echo \"reason='no host'\" > {case}/actions/fail; echo > {case}/actions/retry")
        ok(operator, f"echo > {case}/actions/complete")
        ok(mount, f"echo > {case}/actions/confirm")
        assert mount.read(case + "/state").strip() == "closed"
        assert mount.read(f"resources/{id_}/spec/vcpu").strip() == "6"
        assert mount.read(f"resources/{id_}/state").strip() == "active"
        assert "complete" in mount.read(case + "/history")


def test_art_15_a_major_change_leads_to_its_draft(server):
    id_ = in_service(server.client())
    with mounted(server) as mount:
        ok(mount, f"printf 'kind=change\\nresource={id_}\\nchange.zone=internet\\nsubmit\\n' > requests/far.req")
        case = "applications/" + mount.read("results/far.req/id").strip()
        assert mount.read(case + "/state").strip() == "escalated_major"
        why = mount.read(case + "/why")
        assert "from the zone extranet to internet (change.major.zone)" in why, why
        made = next(line.split()[-1] for line in why.splitlines() if "made from it: " in line)
        assert mount.read(made + "/items/1/takes-over").strip() == id_
        assert "construction-plan" in mount.read(made + "/why")
        refused = shell(mount, f"printf 'kind=change\\nresource={id_}\\nitems.service=nlp\\nsubmit\\n' > requests/bad.req")
        assert refused.status != 0 and "leave them out" in mount.read("results/bad.req/error")


if __name__ == "__main__":
    main()
