#!/usr/bin/python3
"""What the clock does by itself: overdue, lapsed, closed, provisional. smoke: yes"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import demo, eventually, main, message  # noqa: E402


def clock_of(client, name, term):
    return next(c for c in demo.get(client, name).clocks if c.term == term)


def test_provisioning_that_is_late_is_overdue_and_can_still_be_completed(server):
    client = server.client()
    name = demo.file(client).name
    demo.walk(client, name, "provisioning")
    server.set_clock("2026-11-27T23:59:59+08:00")
    assert not clock_of(client, name, "provision").overdue
    server.set_clock("2026-11-28T00:00:00+08:00")
    eventually(lambda: clock_of(client, name, "provision").overdue, "the clock to be overdue")
    assert client.call("Explain", as_=demo.OP, name=name).overdue
    events = [e for e in client.list("ListEvents", as_=demo.CA, parent=name) if e.kind == "clock"]
    assert len([e for e in events if e.article == "14"]) == 1, events
    assert all(e.actor == "system" for e in events), events
    said = [e.comment for e in events if e.action == "overdue"]
    assert any("(statutory)" in text for text in said) and all("internal target" in text or "statutory" in text for text in said), said
    assert demo.get(client, name).state == "provisioning"
    demo.act(client, name, "deliver", demo.OP)
    clock = clock_of(client, name, "provision")
    assert clock.overdue and clock.HasField("stop_time")


def test_an_application_not_completed_in_20_working_days_lapses(server):
    client = server.client()
    name = demo.in_state(client, "need_supplement")
    due = clock_of(client, name, "supplement").due_date
    assert due == "2026-12-18", due
    server.set_clock("2026-12-18T23:59:00+08:00")
    assert demo.get(client, name).state == "need_supplement"
    server.set_clock("2026-12-19T00:00:01+08:00")
    eventually(lambda: demo.get(client, name).state == "lapsed", "it to lapse")
    assert demo.quota(client)["quantity"][1:] == (0, 0)


def test_what_nobody_confirms_is_closed_after_5_working_days(server):
    client = server.client()
    name = demo.in_state(client, "in_service")
    server.set_clock("2026-11-27T23:59:59+08:00")
    assert demo.get(client, name).state == "in_service"
    server.set_clock("2026-11-28T00:00:01+08:00")
    eventually(lambda: demo.get(client, name).state == "closed", "it to be closed")
    assert demo.quota(client)["quantity"][1:] == (0, 4)


def test_terms_that_pass_while_the_server_is_away_are_seen_at_its_start(server):
    client = server.client()
    name = demo.in_state(client, "need_supplement")
    assert server.stop() == 0
    server._write_clock("2027-01-20T10:00:00+08:00")  # pylint: disable=protected-access
    server.start()
    client = server.client()
    eventually(lambda: demo.get(client, name).state == "lapsed", "it to lapse")


def import_2027(client):
    year = message("CalendarYear")
    year.name = "calendar/2027"
    year.source = "a test"
    for day in ("2027-01-01", "2027-01-04", "2027-01-05"):
        year.days.add(date=day, kind="holiday", name="元旦")
    client.call("CreateCalendarYear", calendar_year=year)


def provisional(client):
    return sum(clock.provisional and not clock.HasField("stop_time")
               for item in client.list("ListApplications", as_=demo.CA, filter="open=true") for clock in item.clocks)


def test_an_import_computes_every_provisional_term_again_however_many(server):
    server.set_clock("2026-12-30T10:00:00+08:00")
    client = server.client()
    many = 600  # more than are computed at once
    demo.set_limit(client, many)
    made = demo.application(items=(("block-storage", 1),))
    for call in [client.future("CreateApplication", as_=demo.DU, application=made, submit=True) for _ in range(many)]:
        call.result()
    assert provisional(client) == many
    import_2027(client)
    eventually(lambda: provisional(client) == 0, "all terms to be computed again")


def test_what_was_not_computed_again_before_a_restart_is_after_it(server):
    server.set_clock("2026-12-30T10:00:00+08:00")
    client = server.client()
    name = demo.file(client).name
    import_2027(client)
    server.kill()
    server.start()
    client = server.client()
    eventually(lambda: not clock_of(client, name, "accept").provisional, "the term to be computed again")


def test_a_year_without_a_calendar_makes_terms_provisional_until_it_is_imported(server):
    server.set_clock("2026-12-30T10:00:00+08:00")
    client = server.client()
    name = demo.file(client).name
    demo.walk(client, name, "provisioning")
    before = clock_of(client, name, "provision")
    assert before.provisional, before
    import_2027(client)
    after = eventually(lambda: (lambda c: None if c.provisional else c)(clock_of(client, name, "provision")),
                       "the term to be computed again")
    assert after.due_date > before.due_date, (before.due_date, after.due_date)


if __name__ == "__main__":
    main()
