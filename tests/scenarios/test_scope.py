#!/usr/bin/python3
"""Articles 4, 5, 6 and 9 at a server: exemptions, clouds of before, zones, guidance. smoke: yes"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import demo, eventually, main, refused  # noqa: E402

DIGEST = "sha256:" + "0123456789abcdef" * 4
DU, CA, OP = (f"principals/{who}" for who in (demo.DU, demo.CA, demo.OP))


def claim(client, name="budget"):
    return client.call("CreateExemption", as_=demo.DU, exemption={
        "name": f"exemptions/{name}", "system": "budget-analysis", "basis": "预算法 第一条",
        "document": "basis.pdf " + DIGEST})


def act(client, service, name, action, as_, **form):
    return client.call(f"{service}.Act", as_=as_, name=name, action=action, form=form)


def test_art_05_a_confirmed_exemption_keeps_a_system_out_and_a_claimed_one_does_not(server):
    client = server.client()
    claim(client)
    demo.file(client, system="budget-analysis")
    with refused("WRONG_STATE", "FAILED_PRECONDITION"):
        claim(client, "again")
    with refused("WRONG_ROLE", "PERMISSION_DENIED"):
        act(client, "ExemptionService", "exemptions/budget", "confirm", demo.OP)
    said = client.call("Explain", as_=demo.CA, name="exemptions/budget")
    assert said.state == "claimed" and {n.action for n in said.next} == {"confirm", "refuse"}, said
    answer = act(client, "ExemptionService", "exemptions/budget", "confirm", demo.CA)
    assert answer.state == "confirmed"
    system = client.call("GetSystem", as_=demo.DU, name="systems/budget-analysis")
    assert system.exempt and system.exemption == "exemptions/budget", system
    with refused("SYSTEM_EXEMPT", "FAILED_PRECONDITION"):
        demo.file(client, system="budget-analysis")
    events = client.list("ListEvents", as_=demo.CA, parent="exemptions/budget")
    assert [(e.from_state, e.to_state) for e in events] == [("", "claimed"), ("claimed", "confirmed")], events


def test_art_05_the_demonstration_has_an_exempt_system_with_its_basis(server):
    client = server.client()
    exemption = client.call("GetExemption", as_=demo.DU, name="exemptions/treasury-ledger")
    assert exemption.state == "confirmed" and exemption.basis and exemption.document
    assert client.call("GetSystem", as_=demo.DU, name="systems/treasury-ledger").exempt


def cloud(client, create=True, **fields):
    made = {"name": "legacy-clouds/old", "department": demo.DEPARTMENT, "name_zh": "旧云", "tenure": "leased",
            "vcpu": 64, "platform": "OpenStack Queens", "end_date": "2026-12-31", **fields}
    method = "CreateLegacyCloud" if create else "UpdateLegacyCloud"
    return client.call(method, as_=demo.DU, legacy_cloud=made)


def test_art_06_a_legacy_cloud_is_frozen_and_retires_by_itself(server):
    client = server.client()
    cloud(client)
    act(client, "LegacyCloudService", "legacy-clouds/old", "freeze", demo.CA)
    for growth in ({"vcpu": 65}, {"end_date": "2027-12-31"}, {"platform": "OpenStack Caracal"}):
        with refused("CLOUD_FROZEN", "FAILED_PRECONDITION"):
            cloud(client, create=False, **growth)
    assert cloud(client, create=False, vcpu=32).vcpu == 32
    said = client.call("Explain", as_=demo.DU, name="legacy-clouds/old")
    assert said.due == "2026-12-31" and said.state == "frozen", said
    server.set_clock("2027-01-01T00:00:01+08:00")
    read = lambda: client.call("GetLegacyCloud", as_=demo.DU, name="legacy-clouds/old")  # noqa: E731
    eventually(lambda: read().state == "retiring", "the lease to end")
    assert read().lease == "ended"
    assert act(client, "LegacyCloudService", "legacy-clouds/old", "retire", demo.DU).state == "retired"
    events = [e for e in client.list("ListEvents", as_=demo.CA, parent="legacy-clouds/old") if e.kind == "clock"]
    assert len(events) == 1 and events[0].article == "6", events


def test_art_09_a_link_across_the_zones_needs_an_approved_exchange(server):
    client = server.client()
    made = demo.application()
    made.items[0].link = 2
    with refused("LINK_UNAPPROVED", "FAILED_PRECONDITION"):
        client.call("CreateApplication", as_=demo.DU, application=made, submit=True)
    client.call("CreateExchange", as_=demo.DU, exchange={
        "name": "exchanges/out", "from_system": demo.SYSTEM, "from_zone": 1, "to_system": demo.SYSTEM, "to_zone": 2,
        "purpose": "notices, one way", "valid_until": "2027-06-30"})
    made.items[0].exchange = "exchanges/out"
    with refused("LINK_UNAPPROVED", "FAILED_PRECONDITION"):
        client.call("CreateApplication", as_=demo.DU, application=made, submit=True)
    assert act(client, "ExchangeService", "exchanges/out", "approve", demo.CA).state == "approved"
    filed = client.call("CreateApplication", as_=demo.DU, application=made, submit=True)
    assert filed.state == "submitted" and filed.items[0].exchange == "out", filed


def test_art_04_a_city_without_both_bodies_says_that_it_is_unready(server):
    client = server.client()
    said = client.call("Explain", as_=demo.CA, name="nodes/suqian")
    assert said.state == "unready" and said.why[0].reason == "NODE_UNREADY", said
    assert client.call("Explain", as_=demo.CA, name="nodes/suzhou").state == "ready"


def test_art_04_a_citys_bodies_are_designated_with_a_document(server):
    client = server.client()
    node = client.call("GetNode", as_=demo.CA, name="nodes/suqian")
    node.operator = "suqian-data-bureau"
    with refused("DOCUMENT_MISSING", text="designation"):
        client.call("UpdateNode", as_="bootstrap", node=node)
    node.designation = "suqian.pdf " + DIGEST
    assert client.call("UpdateNode", as_="bootstrap", node=node).ready


def test_art_04_the_provinces_operator_guides_a_city_and_decides_nothing(server):
    client = server.client()
    note = {"name": "guidance/suzhou-1", "about": "nodes/suzhou", "text": "mind the construction plan"}
    with refused("WRONG_JURISDICTION", "PERMISSION_DENIED"):
        client.call("CreateGuidance", as_=demo.CITY_OP, guidance=note)
    made = client.call("CreateGuidance", as_=demo.OP, guidance=note)
    assert made.node == "suzhou" and made.author == OP, made
    assert client.call("GetGuidance", as_="suzhou-op", name="guidance/suzhou-1").text == note["text"]
    with refused("FOREIGN_RECORD", "PERMISSION_DENIED"):
        client.call("GetGuidance", as_="nanjing-op", name="guidance/suzhou-1")


def test_by_command_line_too(server):
    text = f"name=exemptions/cli\nsystem=budget-analysis\nbasis=预算法\ndocument=basis.pdf {DIGEST}\nsubmit\n"
    ran = server.zwy("submit", "-", as_=DU, stdin=text)
    assert ran.status == 0 and ran.out.strip() == "cli", ran
    assert "confirm" in server.zwy("why", "exemptions/cli", as_=CA).out
    ran = server.zwy("act", "exemptions/cli", "refuse", "reason=no such rule", as_=CA)
    assert ran.status == 0 and "refused" in ran.out, ran
    assert "exemptions/cli" in server.zwy("list", "exemptions", as_=DU).out
    rows = f"name,department,name-zh,tenure,vcpu,end-date\nlegacy-clouds/a,{demo.DEPARTMENT},旧云,owned,8,2027-12-31\n"
    ran = server.zwy("import", "legacy-clouds", "-", as_=DU, stdin=rows)
    assert ran.status == 0, ran
    ran = server.zwy("import", "legacy-clouds", "-", as_=DU, stdin=rows.replace(",8,", ",9,"))
    assert ran.status == 1 and "不再扩容" in ran.err, ran


if __name__ == "__main__":
    main()
