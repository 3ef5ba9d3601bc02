#!/usr/bin/python3
"""Test and temporary resources, their terms and extensions (Articles 19 and 20). smoke: yes"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import demo, eventually, main, message, refused, with_server  # noqa: E402

TEST, TEMPORARY = 4, 5
START = "2025-11-30T10:00:00+08:00"  # three months end on 2026-02-28; the last day for an extension is 2026-02-02
APPROACH, LAST_DAY, END = "2026-01-26", "2026-02-02", "2026-02-28"


def request(kind, items=(("block-storage", 4),), **fields):
    system, documents = (("budget-analysis", ("project-establishment",)) if kind == TEST else (demo.SYSTEM, ()))
    made = demo.application(system=system, items=items, documents=documents)
    made.ClearField("cloud_plan")
    made.kind = kind
    if kind == TEMPORARY:
        made.urgency = "flood control"
    for key, value in fields.items():
        setattr(made, key, value)
    return made


def create(client, made):
    return client.call("CreateApplication", as_=demo.DU, application=made, submit=True)


def allocated(client, kind, **fields):
    name = create(client, request(kind, **fields)).name
    for action, form in (("assign", {}), ("decide", {"decision": "approve"}), ("allocate", {"endpoint": "10.9.0.1"})):
        demo.act(client, name, action, demo.OP, **form)
    return name


def resource_of(client, name):
    return client.call("GetResource", as_=demo.DU, name=demo.get(client, name).resources[0])


def waits_for(client, name, state):
    return eventually(lambda: demo.get(client, name).state == state, f"it to be {state}")


@with_server(clock=START)
def test_the_last_days_stand_in_the_case_and_in_the_resource_from_the_first_day(server):
    client = server.client()
    name = allocated(client, TEMPORARY)
    record, resource = demo.get(client, name), resource_of(client, name)
    assert record.state == "allocated" and (record.end_date, record.last_extension_date) == (END, LAST_DAY), record
    assert (resource.end_date, resource.last_extension_date, resource.kind) == (END, LAST_DAY, 3), resource
    assert demo.quota(client)["quantity"][1:] == (0, 4)
    term = next(c for c in record.clocks if c.term == "term")
    assert term.statutory and term.article == "20" and term.months == 3 and not term.HasField("stop_time"), term
    made = [e for e in client.list("ListEvents", as_=demo.OP, parent=resource.name)]
    assert [(e.action, e.article) for e in made] == [("allocate", "20")], made


@with_server(clock=START)
def test_it_is_warned_of_three_times_and_ends_frozen(server):
    client = server.client()
    name = allocated(client, TEST)
    approach = next(c for c in demo.get(client, name).clocks if c.term == "approach").due_date
    server.set_clock(f"{approach}T00:00:01+08:00")
    waits_for(client, name, "expiring")
    server.set_clock(f"{END}T23:59:59+08:00")
    events = eventually(lambda: (lambda found: found if len(found) == 2 else None)(
        [e for e in client.list("ListEvents", as_=demo.OP, parent=name) if e.action == "warn"]), "two warnings")
    assert all(e.actor == "system" for e in events), events
    assert demo.get(client, name).state == "expiring"
    server.set_clock("2026-03-01T00:00:00+08:00")
    waits_for(client, name, "expired")
    assert resource_of(client, name).state == "frozen"


@with_server(clock=START)
def test_a_term_that_ends_while_the_server_is_away_is_carried_out_in_order(server):
    client = server.client()
    name = allocated(client, TEMPORARY)
    assert server.stop() == 0
    server._write_clock("2026-03-20T10:00:00+08:00")  # pylint: disable=protected-access
    server.start()
    client = server.client()
    waits_for(client, name, "expired")
    said = [e.action for e in client.list("ListEvents", as_=demo.OP, parent=name) if e.kind == "clock"]
    assert said[:4] == ["approach", "warn", "warn", "expire"], said
    # Its resource is taken back by a case of its own, which holds it.
    (linked,) = demo.get(client, name).linked
    taken = demo.get(client, linked)
    assert (taken.kind, taken.state, taken.reclaim.origin) == (3, "submitted", 2), taken
    assert resource_of(client, name).open_case == linked


def extension(client, resource, **fields):
    made = message("Application", kind=6, resource=resource.rpartition("/")[2], purpose="not over yet", **fields)
    return client.call("CreateApplication", as_=demo.DU, application=made, submit=True)


@with_server(clock=START)
def test_an_extension_in_time_prolongs_the_term(server):
    client = server.client()
    name = allocated(client, TEMPORARY)
    resource = resource_of(client, name).name
    server.set_clock(f"{LAST_DAY}T23:59:59+08:00")
    asked = extension(client, resource, months=2).name
    assert resource_of(client, name).open_extension == asked
    demo.act(client, asked, "assign", demo.OP)
    with refused("WRONG_ROLE"):
        demo.act(client, asked, "decide", demo.CA, decision="grant")
    answer = demo.act(client, asked, "decide", demo.OP, decision="grant")
    assert answer.state == "applied", answer
    record, after = demo.get(client, name), resource_of(client, name)
    assert (record.state, record.end_date, after.end_date, after.extensions) == ("allocated", "2026-04-28", "2026-04-28", 1), after
    assert after.open_extension == "" and after.last_extension_date == "", after
    server.set_clock("2026-03-01T00:00:01+08:00")  # the old end passes and nothing happens
    assert demo.get(client, name).state in ("allocated", "expiring")
    server.set_clock("2026-04-29T00:00:00+08:00")
    waits_for(client, name, "expired")


@with_server(clock=START)
def test_a_late_extension_is_refused_leaves_no_record_and_is_audited(server):
    client = server.client()
    name = allocated(client, TEMPORARY)
    resource = resource_of(client, name).name
    server.set_clock("2026-02-03T00:00:00+08:00")
    with refused("EXT_TOO_LATE", article=20) as caught:
        extension(client, resource)
    assert LAST_DAY in caught[0].text and "takes-over" in caught[0].text, caught
    assert [a.name for a in client.list("ListApplications", as_=demo.DU)] == [name]
    assert resource_of(client, name).open_extension == ""
    ran = server.zwy("submit", "-", as_="principals/core-du",
                     stdin=f"kind=extension\nresource={resource.rpartition('/')[2]}\npurpose=late\nsubmit\n")
    assert ran.status == 1 and LAST_DAY in ran.err and "Art. 20" in ran.err, ran


@with_server(clock=START)
def test_an_extension_that_is_not_decided_holds_the_resources(server):
    client = server.client()
    name = allocated(client, TEMPORARY)
    asked = extension(client, resource_of(client, name).name).name
    server.set_clock("2026-03-01T00:00:00+08:00")
    waits_for(client, name, "expiring_hold")
    assert resource_of(client, name).state == "frozen"
    said = client.call("Explain", as_=demo.DU, name=name)
    assert any(asked in why.text for why in said.why), said
    demo.act(client, asked, "assign", demo.OP)
    demo.act(client, asked, "decide", demo.OP, decision="grant")
    assert resource_of(client, name).state == "active"
    assert (demo.get(client, name).state, demo.get(client, name).end_date) == ("allocated", "2026-05-28")


def converted_request(resource):
    made = demo.application()
    made.items[0].takes_over = resource.rpartition("/")[2]
    return made


@with_server(clock=START)
def test_a_conversion_counts_the_quota_once(server):
    client = server.client()
    name = allocated(client, TEMPORARY)
    resource = resource_of(client, name).name
    regular = client.call("CreateApplication", as_=demo.DU, application=converted_request(resource), submit=True).name
    assert demo.quota(client)["quantity"][1:] == (0, 4)
    server.set_clock("2026-03-01T00:00:00+08:00")  # the term ends while the conversion is pending
    waits_for(client, name, "expired")
    assert demo.get(client, name).linked == [] and resource_of(client, name).state == "frozen"
    demo.walk(client, regular, "in_service")
    assert demo.get(client, name).state == "converted"
    after = client.call("GetResource", as_=demo.DU, name=resource)
    assert (after.kind, after.state, after.end_date, after.application) == (1, "active", "", regular), after
    assert demo.quota(client)["quantity"][1:] == (0, 4)


@with_server(clock=START)
def test_after_a_rejected_conversion_the_operator_takes_it_back(server):
    client = server.client()
    name = allocated(client, TEMPORARY)
    resource = resource_of(client, name).name
    regular = client.call("CreateApplication", as_=demo.DU, application=converted_request(resource), submit=True).name
    demo.walk(client, regular, "pending_decision")
    server.set_clock("2026-03-01T00:00:00+08:00")
    waits_for(client, name, "expired")
    demo.act(client, regular, "decide", demo.CA, decision="reject", comment="no")
    assert demo.quota(client)["quantity"][1:] == (0, 4)
    demo.act(client, name, "reclaim", demo.OP)
    (taken,) = demo.get(client, name).linked
    assert demo.get(client, taken).reclaim.preserve_until, taken
    for action, form in (("assign", {}), ("review", {"result": "accept"}), ("start", {})):
        demo.act(client, taken, action, demo.OP, **form)
    server.set_clock("2026-03-20T10:00:00+08:00")
    demo.act(client, taken, "complete", demo.OP, reading="quantity=1")
    assert demo.get(client, name).state == "reclaimed"
    assert demo.quota(client)["quantity"][1:] == (0, 0)


def test_an_import_of_the_calendar_mends_what_the_resource_shows(server):
    client = server.client()
    name = allocated(client, TEMPORARY)
    before = resource_of(client, name)
    assert before.end_date.startswith("2027-02"), before
    year = message("CalendarYear")
    year.name, year.source = "calendar/2027", "a test"
    for day in range(8, 13):
        year.days.add(date=f"2027-02-{day:02}", kind="holiday", name="春节")
    client.call("CreateCalendarYear", calendar_year=year)
    after = eventually(lambda: (lambda r: r if r.last_extension_date < before.last_extension_date else None)(
        resource_of(client, name)), "the resource to show another last day")
    record = demo.get(client, name)
    assert (record.last_extension_date, record.end_date) == (after.last_extension_date, before.end_date), record
    events = [(e.kind, e.action) for e in client.list("ListEvents", as_=demo.OP, parent=after.name)]
    assert events[-1] == ("import", "recompute"), events


def test_what_a_request_must_say(server):
    client = server.client()
    with refused("URGENCY_MISSING", article=20):
        create(client, request(TEMPORARY, urgency=""))
    with refused("TERM_TOO_LONG", article=20) as caught:
        create(client, request(TEMPORARY, months=4))
    assert "at most 3" in caught[0].text, caught
    with refused("NOT_DEVELOPING", article=19):
        create(client, request(TEST, system=demo.SYSTEM))
    with refused("TEST_EXPOSED", article=19):
        create(client, request(TEST, items=(("elastic-ip", 1),)))
    with refused("WRONG_ROLE"):
        demo.act(client, create(client, request(TEST)).name, "assign", demo.CA)


if __name__ == "__main__":
    main()
