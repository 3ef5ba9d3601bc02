#!/usr/bin/python3
"""Article 15: a resource is changed by every way in, and a major change goes the long way. smoke: yes"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import demo, eventually, main, refused  # noqa: E402
from zwytest.contract import message_class  # noqa: E402

SIZE = {"vcpu": 8, "gib": 32}


def in_service(client, items=(("cloud-server", 2, SIZE),)):
    """The id of a resource that a regular application brought."""
    name = demo.file(client, items=items).name
    demo.walk(client, name, "closed")
    return demo.get(client, name).resources[0].split("/")[1]


def resource(client, id_):
    return client.call("GetResource", as_=demo.DU, name=f"resources/{id_}")


def wish(id_, spec=None, **change):
    made = message_class("Application")(kind=2, resource=id_, purpose="more users")
    made.change.SetInParent()
    for key, value in change.items():
        setattr(made.change, key, value)
    for key, value in (spec or {}).items():
        made.change.spec[key] = str(value)
    return made


def ask(client, id_, spec=None, submit=True, **change):
    return client.call("CreateApplication", as_=demo.DU, application=wish(id_, spec, **change), submit=submit)


def carry_out(client, name, reading="", **review):
    for action, who, form, state in (
            ("assign", demo.OP, {"reading": reading} if reading else {}, "reviewing"),
            ("review", demo.OP, {"result": "pass"} | review, "review_passed"),
            ("start", demo.OP, {}, "applying"),
            ("complete", demo.OP, {}, "changed"),
            ("confirm", demo.DU, {}, "closed")):
        assert demo.act(client, name, action, who, **form).state == state, action


def test_a_resource_is_changed_in_place(server):
    client = server.client()
    id_ = in_service(client)
    record = ask(client, id_, {"vcpu": 10})
    assert record.state == "submitted" and record.items[0].takes_over == id_, record
    assert dict(record.items[0].spec) == {"vcpu": "10", "gib": "32"}, record.items
    review = record.clocks[0]
    assert (review.term, review.due_date, review.statutory, review.article) == ("review", "2026-11-25", True, "15"), review
    assert demo.quota(client, "cloud-server")["vcpu"][1:] == (4, 16)
    assert resource(client, id_).open_case == record.name
    with refused("RESOURCE_BUSY", "FAILED_PRECONDITION", 15):
        ask(client, id_, {"vcpu": 11})
    with refused("WRONG_ROLE", "PERMISSION_DENIED"):
        demo.act(client, record.name, "assign", demo.CA)
    carry_out(client, record.name, reading="vcpu=12 gib=40")
    after = resource(client, id_)
    assert (after.state, after.spec["vcpu"], after.open_case) == ("active", "10", ""), after
    assert [(f.dimension, f.before, f.after) for f in after.changes[0].figures] == [("vcpu", 16, 20)], after.changes
    assert after.reading.figures["gib"] == "40", after.reading
    assert demo.quota(client, "cloud-server")["vcpu"][1:] == (0, 20)
    apply = next(c for c in demo.get(client, record.name).clocks if c.term == "apply")
    assert apply.statutory and apply.HasField("stop_time") and not apply.overdue, apply
    actions = [e.action for e in client.list("ListEvents", as_=demo.CA, parent=f"resources/{id_}")]
    assert actions[-4:] == ["submit", "read", "start", "complete"], actions


def test_a_draft_follows_its_resource_and_can_be_written_back(server):
    client = server.client()
    id_ = in_service(client)
    draft = ask(client, id_, {"gib": 40}, submit=False)
    other = ask(client, id_, {"vcpu": 10})
    carry_out(client, other.name)
    read = demo.get(client, draft.name)
    read.change.spec["gib"] = "36"
    written = client.call("UpdateApplication", as_=demo.DU, application=read)
    assert written.items[0].spec["gib"] == "36" and written.items[0].spec["vcpu"] == "10", written.items
    assert demo.act(client, draft.name, "submit", demo.DU).state == "submitted"
    assert demo.quota(client, "cloud-server")["vcpu"][1] == 0
    read = demo.get(client, draft.name)
    read.items.add(service="cloud-server", quantity=1)
    with refused("WRONG_STATE", "FAILED_PRECONDITION"):
        client.call("UpdateApplication", as_=demo.DU, application=read)


def test_its_clocks_pass_by_themselves_and_it_can_still_be_done(server):
    client = server.client()
    id_ = in_service(client)
    name = ask(client, id_, {"vcpu": 10}).name

    def clock(term):
        return next(c for c in demo.get(client, name).clocks if c.term == term)

    server.set_clock("2026-11-26T00:00:00+08:00")
    eventually(lambda: clock("review").overdue, "the review to be overdue")
    answer = client.call("Explain", as_=demo.OP, name=name)
    assert answer.overdue and answer.statutory and answer.due == "2026-11-25", answer
    demo.act(client, name, "assign", demo.OP)
    demo.act(client, name, "review", demo.OP, result="pass")
    assert clock("apply").due_date == "2026-11-30" and clock("review").HasField("stop_time")
    demo.act(client, name, "start", demo.OP)
    demo.act(client, name, "fail", demo.OP, reason="no host is free")
    server.set_clock("2026-12-01T00:00:00+08:00")
    eventually(lambda: clock("apply").overdue, "the change to be overdue")
    demo.act(client, name, "retry", demo.OP)
    demo.act(client, name, "complete", demo.OP)
    server.set_clock("2026-12-09T00:00:00+08:00")
    eventually(lambda: demo.get(client, name).state == "closed", "it to close by itself")
    assert resource(client, id_).spec["vcpu"] == "10"


def test_items_and_other_words_beside_change_are_refused(server):
    client = server.client()
    id_ = in_service(client)
    asked = wish(id_, {"vcpu": 10})
    asked.items.add(service="cloud-server", quantity=9)
    with refused("INVALID_FIELD", "INVALID_ARGUMENT", 15) as caught:
        client.call("CreateApplication", as_=demo.DU, application=asked)
    assert "change.spec" in str(caught[0]), caught[0]
    with refused("INVALID_FIELD", "INVALID_ARGUMENT", 15):
        ask(client, id_, {"vcpu": 8})
    with refused("UNKNOWN_RESOURCE", "FAILED_PRECONDITION", 15):
        ask(client, "R-2026-999999", {"vcpu": 8})


def test_less_than_is_in_use_needs_consent(server):
    client = server.client()
    id_ = in_service(client)
    name = ask(client, id_, {"vcpu": 6}).name
    demo.act(client, name, "assign", demo.OP)
    with refused("FORM_INCOMPLETE", "INVALID_ARGUMENT", 15) as caught:
        demo.act(client, name, "review", demo.OP, result="pass")
    assert "reading=vcpu=" in str(caught[0]), caught[0]
    with refused("BELOW_USE", "FAILED_PRECONDITION", 15):
        demo.act(client, name, "review", demo.OP, result="pass", reading="vcpu=14")
    demo.act(client, name, "consent", demo.DU)
    demo.act(client, name, "review", demo.OP, result="pass", reading="vcpu=14")
    demo.act(client, name, "start", demo.OP)
    demo.act(client, name, "complete", demo.OP)
    assert demo.quota(client, "cloud-server")["vcpu"][1:] == (0, 12)
    assert resource(client, id_).reading.figures["vcpu"] == "14"


def test_a_major_change_becomes_a_regular_application_about_the_same_resource(server):
    client = server.client()
    id_ = in_service(client)
    draft = ask(client, id_, {"vcpu": 16}, submit=False)
    why = [w.text for w in client.call("Explain", as_=demo.DU, name=draft.name).why]
    assert any("vcpu 16 → 32: 100.0 % more, above change.major.percent=50" in text for text in why), why
    assert demo.act(client, draft.name, "submit", demo.DU).state == "escalated_major"
    record = demo.get(client, draft.name)
    assert not record.open and len(record.linked) == 1 and record.change.major, record
    why = [w.text for w in client.call("Explain", as_=demo.DU, name=draft.name).why]
    assert f"made from it: {record.linked[0]}" in why, why
    assert resource(client, id_).open_case == ""
    made = demo.get(client, record.linked[0])
    assert (made.state, made.kind, made.origin) == ("draft", 1, record.name), made
    missing = {w.reason for w in client.call("Explain", as_=demo.DU, name=made.name).why}
    assert missing >= {"PLAN_INCOMPLETE", "DOCUMENT_MISSING"}, missing
    submit_regular(client, made.name)
    assert demo.quota(client, "cloud-server")["vcpu"][1:] == (16, 16)
    demo.walk(client, made.name, "in_service")
    after = resource(client, id_)
    assert (after.spec["vcpu"], after.application, after.state) == ("16", made.name, "active"), after
    assert demo.quota(client, "cloud-server")["vcpu"][1:] == (0, 32)
    assert demo.quota(client, "cloud-server")["quantity"][1:] == (0, 2)
    assert demo.get(client, made.name).resources == [f"resources/{id_}"]


def submit_regular(client, name):
    """Completes a linked draft and hands it in."""
    made = demo.get(client, name)
    for key, value in demo.PLAN.items():
        setattr(made.cloud_plan, key, value)
    for kind, value in demo.digests().items():
        made.document[kind] = value
    client.call("UpdateApplication", as_=demo.DU, application=made)
    demo.act(client, name, "submit", demo.DU)


def test_a_temporary_resource_keeps_its_term_and_a_major_change_makes_it_regular(server):
    client = server.client()
    asked = demo.application(items=(("cloud-server", 2, SIZE),), documents=(), urgency="a flood")
    asked.kind = 5
    asked.document["urgency-justification"] = demo.digests()["construction-plan"]
    name = client.call("CreateApplication", as_=demo.DU, application=asked, submit=True).name
    demo.act(client, name, "assign", demo.OP)
    demo.act(client, name, "decide", demo.OP, decision="approve")
    demo.act(client, name, "allocate", demo.OP)
    id_ = demo.get(client, name).resources[0].split("/")[1]
    before = resource(client, id_)
    assert before.end_date and before.kind == 3, before
    carry_out(client, ask(client, id_, {"vcpu": 10}).name)
    after = resource(client, id_)
    assert (after.end_date, after.kind, after.application, after.spec["vcpu"]) == (before.end_date, 3, name, "10"), after
    linked = ask(client, id_, {"vcpu": 20}).linked[0]
    submit_regular(client, linked)
    demo.walk(client, linked, "in_service")
    after = resource(client, id_)
    assert (after.end_date, after.kind, after.application, after.spec["vcpu"]) == ("", 1, linked, "20"), after
    assert demo.get(client, name).state == "converted"
    assert demo.quota(client, "cloud-server")["vcpu"][1:] == (0, 40)


def test_another_subcategory_ends_in_another_service_of_the_same_resource(server):
    client = server.client()
    id_ = in_service(client, (("block-storage", 10),))
    record = ask(client, id_, service="catalogue/relational-db")
    assert record.state == "escalated_major" and "change.major.subcategory" in "".join(record.change.major), record
    assert record.change.service == "relational-db"
    submit_regular(client, record.linked[0])
    demo.walk(client, record.linked[0], "in_service")
    assert resource(client, id_).service == "relational-db"
    assert demo.quota(client)["quantity"][1:] == (0, 0)
    assert demo.quota(client, "relational-db")["quantity"][1:] == (0, 10)


def test_the_operator_may_find_a_change_major(server):
    client = server.client()
    id_ = in_service(client)
    name = ask(client, id_, {"vcpu": 10}).name
    demo.act(client, name, "assign", demo.OP)
    with refused("FORM_INCOMPLETE", "INVALID_ARGUMENT", 15):
        demo.act(client, name, "review", demo.OP, result="major")
    demo.act(client, name, "review", demo.OP, result="major", comment="a new purpose")
    record = demo.get(client, name)
    assert record.state == "escalated_major" and "a new purpose" in record.change.major[-1], record
    assert demo.get(client, record.linked[0]).items[0].takes_over == id_
    assert demo.quota(client, "cloud-server")["vcpu"][1:] == (0, 16)


def test_small_changes_add_up_in_the_window(server):
    client = server.client()
    id_ = in_service(client)
    for vcpu in (10, 12):
        carry_out(client, ask(client, id_, {"vcpu": vcpu}).name)
    record = ask(client, id_, {"vcpu": 13})
    assert record.state == "escalated_major", record
    assert "with the changes since 2026-11-" in record.change.major[0], record.change.major


def test_with_the_command_line(server):
    client = server.client()
    id_ = in_service(client)
    text = f"kind=change\nresource={id_}\npurpose=more users\nchange.spec.vcpu=10\nsubmit\n"
    ran = server.zwy("submit", "-", as_="principals/core-du", stdin=text)
    assert ran.status == 0, ran
    name = "applications/" + ran.out.strip()
    for who, action, form, state in (("core-op", "assign", ("reading=vcpu=12",), "reviewing"),
                                     ("core-op", "review", ("result=pass",), "review_passed"),
                                     ("core-op", "start", (), "applying"), ("core-op", "complete", (), "changed"),
                                     ("core-du", "confirm", (), "closed")):
        ran = server.zwy("why", name, as_=f"principals/{who}")
        assert ran.status == 0 and action in ran.out, (action, ran)
        ran = server.zwy("act", name, action, *form, as_=f"principals/{who}")
        assert ran.status == 0, ran
        assert f"state={state}" in server.zwy("get", name, as_="principals/core-du").out.splitlines()
    major = server.zwy("submit", "-", as_="principals/core-du", stdin=text.replace("vcpu=10", "vcpu=99"))
    assert major.status == 0, major
    ran = server.zwy("why", "applications/" + major.out.strip(), as_="principals/core-du")
    assert "change.major.vcpu=32" in ran.out and "made from it: applications/A-" in ran.out, ran
    ran = server.zwy("rules", "--dot", "change")
    assert ran.status == 0 and "escalated_major" in ran.out, ran
    ran = server.zwy("submit", "-", as_="principals/core-du", stdin="# once more\n" + text)
    assert ran.status == 1 and "nothing" in ran.err, ran


if __name__ == "__main__":
    main()
