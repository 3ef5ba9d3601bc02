#!/usr/bin/python3
"""Article 21 at a server: what departments will need, and the operator's opinion. smoke: yes"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import demo, eventually, main, refused  # noqa: E402

DIGEST = "sha256:" + "0123456789abcdef" * 4
NAME = f"forecasts/{demo.DEPARTMENT}/2027"
DU, OP, CA = (f"principals/{who}" for who in (demo.DU, demo.OP, demo.CA))
TEXT = f"""name={NAME}
plan=年度信息化项目建设计划 2027
demand-intent=intent.pdf {DIGEST}
[items]
service=cloud-server
quantity=16
spec.vcpu=8
[items]
service=block-storage
quantity=500
"""


def forecast(client, method="CreateForecast", name=NAME, as_=demo.DU, **fields):
    made = {"name": name, "plan": "the plan", "demand_intent": "intent.pdf " + DIGEST,
            "items": [{"service": "cloud-server", "quantity": 16, "spec": {"vcpu": "8"}}], **fields}
    return client.call(method, as_=as_, forecast=made)


def act(client, action, as_, name=NAME, **form):
    return client.call("ForecastService.Act", as_=as_, name=name, action=action, form=form).state


def said(client, as_, name=NAME):
    return client.call("Explain", as_=as_, name=name)


def test_from_the_draft_to_the_support_of_the_revised_one(server):
    client = server.client()
    made = forecast(client)
    assert made.state == "draft" and made.department == demo.DEPARTMENT and made.year == 2027, made
    assert [n.action for n in said(client, demo.DU).next] == ["submit"]
    assert not said(client, demo.OP).next
    assert act(client, "submit", demo.DU) == "submitted"
    assert [n.action for n in said(client, demo.OP).next] == ["assign"]
    assert said(client, demo.DU).who.startswith("op-p"), said(client, demo.DU)
    assert act(client, "assign", demo.OP) == "pre_reviewing"
    with refused("FORM_INCOMPLETE", text="comment"):
        act(client, "opinion", demo.OP, result="adjust")
    assert act(client, "opinion", demo.OP, result="adjust", comment="twelve will do") == "opinion_adjust"
    why = " ".join(w.text for w in said(client, demo.DU).why)
    assert "twelve will do" in why, why
    with refused("WRONG_STATE", text="twelve will do"):
        act(client, "revise", demo.DU)
    items = [{"service": "cloud-server", "quantity": 12, "spec": {"vcpu": "8"}}]
    assert forecast(client, "UpdateForecast", items=items).state == "opinion_adjust"
    assert act(client, "revise", demo.DU) == "revised"
    assert act(client, "assign", demo.OP) == "pre_reviewing"
    assert act(client, "opinion", demo.OP, result="support") == "opinion_support"
    read = client.call("GetForecast", as_=demo.CA, name=NAME)
    assert read.opinion.result == "support" and read.reviewed_items[0].quantity == 12 and not read.late, read
    events = [e.to_state for e in client.list("ListEvents", as_=demo.CA, parent=NAME) if e.kind == "act"]
    assert events == ["submitted", "pre_reviewing", "opinion_adjust", "revised", "pre_reviewing",
                      "opinion_support"], events


def test_early_is_refused_with_the_window_and_late_is_marked(server):
    client = server.client()
    server.set_clock("2026-09-30T12:00:00+08:00")
    eventually(lambda: said(client, demo.DU, "nodes/core").state, "the clock")
    forecast(client)
    with refused("FORECAST_EARLY", "FAILED_PRECONDITION", text="from 2026-10-01 to 2026-11-30"):
        act(client, "submit", demo.DU)
    why = said(client, demo.DU).why
    assert why[0].reason == "FORECAST_EARLY", why
    server.set_clock("2026-12-01T12:00:00+08:00")
    eventually(lambda: not [w for w in said(client, demo.DU).why if w.reason], "the window")
    act(client, "submit", demo.DU)
    assert client.call("GetForecast", as_=demo.DU, name=NAME).late
    assert [f.name for f in client.list("ListForecasts", as_=demo.OP, filter="late=true")] == [NAME]
    with refused("INVALID_FIELD", text="2027"):
        forecast(client, name=f"forecasts/{demo.DEPARTMENT}/2028")


def test_it_lies_in_the_inbox_of_whoever_it_waits_for(server):
    client = server.client()
    inbox = lambda who: NAME in server.zwy("inbox", as_=who).out.split()  # noqa: E731
    assert not inbox(DU)
    forecast(client)
    assert (inbox(DU), inbox(OP), inbox(CA)) == (True, False, False)
    act(client, "submit", demo.DU)
    assert (inbox(DU), inbox(OP), inbox(CA)) == (False, True, False)
    act(client, "assign", demo.OP)
    act(client, "opinion", demo.OP, result="adjust", comment="twelve will do")
    assert (inbox(DU), inbox(OP), inbox(CA)) == (True, False, False)
    assert not client.list("ListForecasts", as_=demo.OP, filter="open=false")
    client.call("CreateExemption", as_=demo.DU, exemption={
        "name": "exemptions/budget", "system": "budget-analysis", "basis": "预算法", "document": "b.pdf " + DIGEST})
    assert "exemptions/budget" in server.zwy("inbox", as_=CA).out
    client.call("ExemptionService.Act", as_=demo.CA, name="exemptions/budget", action="confirm")
    assert "exemptions/budget" not in server.zwy("inbox", as_=CA).out


def test_it_lapses_when_its_year_ends(server):
    client = server.client()
    forecast(client)
    server.set_clock("2028-01-01T00:00:01+08:00")
    eventually(lambda: said(client, demo.DU).state == "lapsed", "the year to end")
    events = [e for e in client.list("ListEvents", as_=demo.CA, parent=NAME) if e.kind == "clock"]
    assert [e.action for e in events] == ["lapse"] and events[0].article == "21", events
    assert not said(client, demo.DU).next


def test_it_is_the_departments_and_its_nodes(server):
    client = server.client()
    with refused("FOREIGN_RECORD"):
        forecast(client, name="forecasts/suzhou-finance/2027")
    with refused("UNKNOWN_SERVICE", text="mainframe"):
        forecast(client, items=[{"service": "mainframe", "quantity": 1}])
    forecast(client)
    with refused("ALREADY_EXISTS"):
        forecast(client)
    act(client, "submit", demo.DU)
    with refused("WRONG_ROLE", "PERMISSION_DENIED"):
        act(client, "assign", demo.CA)
    with refused("FOREIGN_RECORD", "PERMISSION_DENIED"):
        client.call("GetForecast", as_=demo.CITY_OP, name=NAME)
    with refused("WRONG_JURISDICTION", "PERMISSION_DENIED"):
        act(client, "assign", demo.CITY_OP)


def support(client):
    forecast(client)
    act(client, "submit", demo.DU)
    act(client, "assign", demo.OP)
    act(client, "opinion", demo.OP, result="support", comment="fits")


def test_applications_consume_it_and_reviewers_see_how_much(server):
    client = server.client()
    support(client)
    first = demo.application()
    first.forecast = "2027"
    first = client.call("CreateApplication", as_=demo.DU, application=first, submit=True)
    assert first.state == "submitted" and not first.unplanned, first
    read = client.call("GetForecast", as_=demo.DU, name=NAME)
    assert read.state == "consumed" and list(read.applications) == [first.name], read
    client.call("ApplicationService.Act", as_=demo.DU, name=first.name, action="withdraw", form={"reason": "later"})
    second = demo.application()
    second.forecast = NAME
    second = client.call("CreateApplication", as_=demo.DU, application=second, submit=True)
    third = demo.application()
    third.forecast = "2027"
    third = client.call("CreateApplication", as_=demo.DU, application=third, submit=True)
    asked = {i.service: i.quantity for i in third.items}
    want = {f"{s} quantity: {n} asked, {16 if s == 'cloud-server' else 0} forecast, {n} taken by other applications"
            for s, n in asked.items()}
    for who in (demo.DU, demo.OP, demo.CA):
        texts = [w.text for w in said(client, who, third.name).why]
        assert all(any(t.startswith(line) for t in texts) for line in want), (want, texts)
        assert any("opinion is support: fits" in t for t in texts), texts
    assert list(client.call("GetForecast", as_=demo.DU, name=NAME).applications) == [
        first.name, second.name, third.name]
    events = [e.action for e in client.list("ListEvents", as_=demo.CA, parent=NAME)]
    assert events.count("consume") == 1 and events.count("rely") == 2, events


def test_without_a_forecast_it_is_unplanned_or_where_required_refused(server):
    client = server.client()
    made = demo.file(client)
    assert client.call("GetApplication", as_=demo.DU, name=made.name).unplanned
    assert "unplanned: no forecast names it" in [w.text for w in said(client, demo.CA, made.name).why]
    with refused("FORECAST_MISSING", "FAILED_PRECONDITION", text="2027"):
        application = demo.application()
        application.forecast = "2027"
        client.call("CreateApplication", as_=demo.DU, application=application, submit=True)
    client.call("UpdateParameter", as_=demo.CA, parameter={"name": "parameters/forecast.required", "value": "1"})
    with refused("FORECAST_MISSING", "FAILED_PRECONDITION", text="forecast.required"):
        demo.file(client)
    support(client)
    application = demo.application()
    application.forecast = "2027"
    assert client.call("CreateApplication", as_=demo.DU, application=application, submit=True).state == "submitted"


def test_by_command_line_too(server):
    ran = server.zwy("submit", "-", as_=DU, stdin=TEXT)
    assert ran.status == 0 and ran.out.strip() == NAME, ran
    assert "hands it in" in ran.err, ran
    text = server.zwy("get", NAME, as_=DU).out
    assert "revision=" in text and "quantity=500" in text, text
    ran = server.zwy("submit", "-", as_=DU, stdin=text.replace("quantity=500", "quantity=400"))
    assert ran.status == 0 and "quantity=400" in server.zwy("get", NAME, as_=DU).out, ran
    assert server.zwy("act", NAME, "submit", as_=DU).status == 0
    assert NAME in server.zwy("list", "forecasts", as_=OP).out
    assert "assign" in server.zwy("why", NAME, as_=OP).out
    assert server.zwy("act", NAME, "assign", as_=OP).status == 0
    ran = server.zwy("act", NAME, "opinion", "result=oppose", as_=OP)
    assert ran.status == 1 and "comment" in ran.err, ran
    ran = server.zwy("act", NAME, "opinion", "result=support", as_=OP)
    assert ran.status == 0 and "opinion_support" in ran.out, ran
    ran = server.zwy("submit", "-", as_=DU, stdin=f"name={NAME}\nplan=another\n")
    assert ran.status == 1 and "opinion_support" in ran.err, ran


if __name__ == "__main__":
    main()
