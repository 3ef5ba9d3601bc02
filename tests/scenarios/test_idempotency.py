#!/usr/bin/python3
"""The same request again is the same application. smoke: yes"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import demo, main, refused  # noqa: E402


def test_the_same_request_id_and_bytes_give_the_same_application(server):
    client = server.client()
    first = demo.file(client, request_id="r-1")
    again = demo.file(client, request_id="r-1")
    assert first.name == again.name
    assert len(client.list("ListApplications", as_=demo.DU)) == 1
    assert demo.quota(client)["quantity"][1] == 4


def test_the_same_request_id_with_other_bytes_is_a_conflict(server):
    client = server.client()
    demo.file(client, request_id="r-1")
    with refused("KEY_REUSED", "ALREADY_EXISTS"):
        demo.file(client, request_id="r-1", items=(("block-storage", 5),))
    assert len(client.list("ListApplications", as_=demo.DU)) == 1


def test_request_ids_of_different_callers_have_nothing_to_do_with_each_other(server):
    client = server.client()
    first = demo.file(client, request_id="r-1")
    other = demo.file(client, as_="core-du-health", system="health-records", request_id="r-1")
    assert first.name != other.name


def test_it_holds_across_a_restart_and_after_the_state_has_moved_on(server):
    client = server.client()
    first = demo.file(client, request_id="r-1")
    demo.walk(client, first.name, "accepted")
    server.restart()
    again = demo.file(server.client(), request_id="r-1")
    assert again.name == first.name


def test_an_action_repeated_by_request_id_happens_once(server):
    client = server.client()
    name = demo.file(client).name
    answers = [client.call("ApplicationService.Act", as_=demo.CA, name=name, action="accept", request_id="a-1") for _ in "12"]
    assert answers[0].name == answers[1].name and answers[1].state == "accepted", answers
    events = [e for e in client.list("ListEvents", as_=demo.CA, parent=name) if e.action == "accept"]
    assert len(events) == 1, events


def test_many_at_once_with_one_request_id_are_one_application(server):
    client = server.client()
    made = demo.application()
    calls = [client.future("CreateApplication", as_=demo.DU, application=made, submit=True, request_id="r-1")
             for _ in range(50)]
    assert len({call.result().name for call in calls}) == 1


def test_a_refusal_is_not_remembered(server):
    client = server.client()
    demo.set_limit(client, 1)
    with refused("QUOTA_EXCEEDED"):
        demo.file(client, request_id="r-1")
    demo.set_limit(client, 100)
    assert demo.file(client, request_id="r-1").state == "submitted"


def test_validate_only_changes_nothing(server):
    client = server.client()
    before = client.call("GetHead", as_=demo.CA).revision
    client.call("CreateApplication", as_=demo.DU, application=demo.application(), submit=True, validate_only=True)
    with refused("NODE_MISMATCH"):
        client.call("CreateApplication", as_=demo.DU, application=demo.application(node="suzhou"), submit=True,
                    validate_only=True)
    assert client.call("GetHead", as_=demo.CA).revision == before
    assert demo.file(client).name.endswith("-000001")


if __name__ == "__main__":
    main()
