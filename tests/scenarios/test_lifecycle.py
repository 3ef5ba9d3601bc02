#!/usr/bin/python3
"""An application from the request to the service, by every way in. smoke: yes"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import demo, main, refused, with_server  # noqa: E402


def usual_course(client):
    name = demo.file(client).name
    assert demo.get(client, name).state == "submitted"
    assert demo.quota(client)["quantity"][1] == 4, demo.quota(client)
    demo.walk(client, name, "in_service")
    record = demo.get(client, name)
    assert len(record.resources) == 1, record.resources
    _, reserved, committed = demo.quota(client)["quantity"]
    assert (reserved, committed) == (0, 4)
    resource = client.call("GetResource", as_=demo.DU, name=record.resources[0])
    assert (resource.state, resource.quantity, resource.application) == ("active", 4, name), resource
    demo.act(client, name, "confirm", demo.DU)
    record = demo.get(client, name)
    assert record.state == "closed" and not record.open
    return name


def test_over_a_unix_socket_with_a_stock_client(server):
    usual_course(server.client())


@with_server(tcp_as="demo")
def test_over_tcp_with_a_stock_client(server):
    usual_course(server.client(target=server.tcp))


def test_with_the_command_line(server):
    ran = server.zwy("submit", "-", as_="principals/core-du", stdin=demo.text())
    assert ran.status == 0, ran
    name = "applications/" + ran.out.strip()
    assert ran.out.startswith("A-2026-") and ran.out.count("\n") == 1, ran.out
    for action, who, form, state in demo.COURSE:
        ran = server.zwy("act", name, action, *(f"{key}={value}" for key, value in form.items()), as_=f"principals/{who}")
        assert ran.status == 0, ran
        ran = server.zwy("get", name, as_="principals/core-du")
        assert f"state={state}" in ran.out.splitlines(), (ran.out, state)


def test_provisioning_is_due_on_the_fifth_working_day_after_approval(server):
    client = server.client()
    name = demo.file(client).name
    demo.walk(client, name, "approved")
    clock = next(c for c in demo.get(client, name).clocks if c.term == "provision")
    assert clock.statutory and clock.article == "14" and clock.due_date == "2026-11-27", clock
    answer = client.call("Explain", as_=demo.OP, name=name)
    assert answer.due == "2026-11-27" and answer.statutory, answer
    assert "start" in [n.action for n in answer.next], answer
    demo.act(client, name, "start", demo.OP)
    demo.act(client, name, "deliver", demo.OP)
    clock = next(c for c in demo.get(client, name).clocks if c.term == "provision")
    assert clock.HasField("stop_time") and not clock.overdue, clock


def test_every_change_is_in_the_history_with_who_and_under_which_article(server):
    client = server.client()
    name = usual_course(client)
    events = client.list("ListEvents", as_=demo.CA, parent=name)
    steps = [(e.action, e.to_state) for e in events if e.name == name]
    wanted = [("submit", "submitted")] + [(action, state) for action, _, _, state in demo.COURSE]
    assert [s for s in steps if s in wanted] == wanted, steps
    decision = next(e for e in events if e.action == "decide")
    assert "core-ca" in decision.actor + decision.on_behalf_of and decision.article.startswith("1"), decision


def test_a_draft_waits_for_its_documents_and_then_goes_on(server):
    client = server.client()
    record = demo.file(client, documents=())
    assert record.state == "draft"
    why = client.call("Explain", as_=demo.DU, name=record.name).why
    missing = {w.field.split(".")[-1] for w in why if w.reason == "DOCUMENT_MISSING"}
    assert missing >= set(demo.DOCUMENTS), why
    with refused("DOCUMENT_MISSING", "FAILED_PRECONDITION", 13) as caught:
        demo.act(client, record.name, "submit", demo.DU)
    assert len(caught[0].violations) >= len(demo.DOCUMENTS), caught[0].violations
    for kind in demo.DOCUMENTS:
        client.send("Upload", [{"name": f"{record.name}/documents/{kind}", "filename": "a.pdf"}, {"chunk": demo.body(kind)}],
                    as_=demo.DU)
    assert demo.act(client, record.name, "submit", demo.DU).state == "submitted"


if __name__ == "__main__":
    main()
