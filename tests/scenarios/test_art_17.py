#!/usr/bin/python3
"""Resources are given back and taken back, by every way in (Article 17). smoke: yes"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import demo, eventually, main, message, message_class, refused  # noqa: E402

ATTESTED = {"offline": True, "migrated": True, "backed_up": True}
OP_2 = "core-op-2"
COURSE = (
    ("assign", demo.OP, {}, "reviewing"),
    ("review", demo.OP, {"result": "accept", "comment": "nothing depends on it"}, "accepted"),
    ("start", demo.OP, {}, "reclaiming"),
    ("complete", demo.OP, {"reading": "quantity=3"}, "reclaimed"),
    ("confirm", demo.DU, {}, "closed"),
)


def in_service(client):
    """A resource of four block storages; its name."""
    name = demo.file(client).name
    demo.walk(client, name, "closed")
    return demo.get(client, name).resources[0]


def give_back(client, resource, as_=demo.DU, submit=True, purpose="", **reclaim):
    made = message_class("Application")(kind=3, resource=resource, purpose=purpose)
    for key, value in (reclaim or ATTESTED).items():
        setattr(made.reclaim, key, value)
    return client.call("CreateApplication", as_=as_, application=made, submit=submit)


def get_resource(client, name):
    return client.call("GetResource", as_=demo.DU, name=name)


def test_a_return_from_the_request_to_its_end(server):
    client = server.client()
    resource = in_service(client)
    with refused("ATTESTATION_MISSING", "FAILED_PRECONDITION", 17) as caught:
        give_back(client, resource, migrated=True)
    assert [v[0] for v in caught[0].violations] == ["reclaim.offline", "reclaim.backed-up"], caught[0].violations
    case = give_back(client, resource)
    assert case.state == "submitted" and case.department == demo.DEPARTMENT and case.system == demo.SYSTEM, case
    assert [(c.term, c.statutory, c.due_date) for c in case.clocks] == [("reclaim", True, "2026-11-27")], case.clocks
    assert get_resource(client, resource).open_case == case.name
    with refused("RESOURCE_BUSY", "FAILED_PRECONDITION"):
        give_back(client, resource)
    for action, who, form, state in COURSE[:3]:
        assert demo.act(client, case.name, action, who, **form).state == state
    assert get_resource(client, resource).state == "reclaiming"
    assert demo.quota(client)["quantity"][1:] == (0, 4)
    demo.act(client, case.name, "complete", demo.OP, reading="quantity=3")
    assert demo.quota(client)["quantity"][1:] == (0, 0)
    with refused("WRONG_STATE", "FAILED_PRECONDITION", 17):
        demo.act(client, case.name, "complete", demo.OP, reading="quantity=3")
    entries = client.list("ListLedgerEntries", as_=demo.CA, parent=f"quotas/{demo.DEPARTMENT}/block-storage")
    assert [e.cause for e in entries if e.movement == "release"] == [case.name], entries
    record = get_resource(client, resource)
    assert record.state == "reclaimed" and not record.open_case, record
    assert dict(record.reading.figures) == {"quantity": "3"} and record.reading.reader == f"principals/{demo.OP}", record
    demo.act(client, case.name, "confirm", demo.DU)
    assert not demo.get(client, case.name).open


def test_the_same_with_the_command_line(server):
    client = server.client()
    resource = in_service(client)
    text = f"kind=reclaim\nresource={resource.split('/')[1]}\nreclaim.offline=true\nreclaim.migrated=true\n"
    ran = server.zwy("submit", "-", as_="principals/core-du", stdin=text + "submit\n")
    assert ran.status == 1 and "reclaim.backed-up=true" in ran.err and "17" in ran.err, ran
    ran = server.zwy("submit", "-", as_="principals/core-du", stdin=text + "reclaim.backed-up=true\nsubmit\n")
    assert ran.status == 0, ran
    case = ran.out.strip()
    for action, who, form, state in COURSE:
        why = server.zwy("why", case, as_=f"principals/{who}")
        assert why.status == 0 and action in why.out, why
        ran = server.zwy("act", case, action, *(f"{key}={value}" for key, value in form.items()), as_=f"principals/{who}")
        assert ran.status == 0, ran
        assert f"state={state}" in server.zwy("get", case, as_="principals/core-du").out.splitlines()
    ran = server.zwy("get", resource, as_="principals/core-du")
    assert "state=reclaimed" in ran.out.splitlines() and "reading.figures.quantity=3" in ran.out, ran.out


def test_what_is_late_is_overdue_and_nobodys_silence_keeps_it_open(server):
    client = server.client()
    resource = in_service(client)
    case = give_back(client, resource).name
    for action, who, form, _ in COURSE[:3]:
        demo.act(client, case, action, who, **form)
    server.set_clock("2026-11-28T00:00:01+08:00")
    eventually(lambda: demo.get(client, case).clocks[0].overdue, "the clock to be overdue")
    assert client.call("Explain", as_=demo.OP, name=case).overdue
    demo.act(client, case, "complete", demo.OP, reading="quantity=0")
    server.set_clock("2026-12-05T00:00:01+08:00")
    eventually(lambda: demo.get(client, case).state == "closed", "the case to be closed")


def test_a_process_says_who_applies_and_who_decides(server):
    process = server.client().call("GetProcess", as_=demo.DU, name="reclaim")
    assert (list(process.applicants), list(process.deciders)) == (["op", "du"], ["op"]), process


def test_the_operator_takes_back_and_the_data_are_kept(server):
    client = server.client()
    resource = in_service(client)
    client.call("CreatePrincipal", principal=message("Principal", name=f"principals/{OP_2}", roles=[2], level=1,
                                                     region="320000", organisation="jiangsu-bigdata-centre"))
    with refused("WRONG_ROLE", "PERMISSION_DENIED", 17):
        give_back(client, resource, origin=4, purpose="x")
    with refused("WRONG_ROLE", "PERMISSION_DENIED", 17):
        give_back(client, resource, as_=demo.OP, purpose="x", origin=1)
    text = f"kind=reclaim\nresource={resource.split('/')[1]}\nreclaim.origin=sp_exit\npurpose=the provider leaves\nsubmit\n"
    ran = server.zwy("submit", "-", as_="principals/core-du", stdin=text)
    assert ran.status == 4 and "WRONG_ROLE" in ran.err, ran
    ran = server.zwy("submit", "-", as_="principals/core-op", stdin=text)
    assert ran.status == 0, ran
    case = f"applications/{ran.out.strip()}"
    assert get_resource(client, resource).preserve_until == "2026-11-27"
    with refused("SELF_DECISION", "PERMISSION_DENIED"):
        demo.act(client, case, "assign", demo.OP)
    demo.act(client, case, "assign", OP_2)
    demo.act(client, case, "review", OP_2, result="accept")
    demo.act(client, case, "start", OP_2)
    with refused("DATA_PRESERVED", "FAILED_PRECONDITION", 17):
        demo.act(client, case, "complete", OP_2, reading="quantity=4")
    explained = client.call("Explain", as_=demo.DU, name=case)
    assert [n.action for n in explained.next] == ["consent"]
    assert any("2026-11-27" in why.text for why in explained.why), explained
    demo.act(client, case, "consent", demo.DU)
    assert demo.get(client, case).reclaim.consenter == f"principals/{demo.DU}"
    demo.act(client, case, "complete", OP_2, reading="quantity=4")
    record = get_resource(client, resource)
    assert (record.state, record.preserve_until) == ("reclaimed", "2026-11-27"), record


if __name__ == "__main__":
    main()
