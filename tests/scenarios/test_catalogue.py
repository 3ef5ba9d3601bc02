#!/usr/bin/python3
"""The catalogue, its versions, and applications under way when it changes (Article 11)."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import demo, main, message, refused  # noqa: E402


def publish(client, service="block-storage", as_=demo.CA, **fields):
    request = message("UpdateServiceRequest")
    request.service.name = f"catalogue/{service}"
    for key, value in fields.items():
        setattr(request.service, key, value)
        request.update_mask.paths.append(key)
    return client.call("UpdateService", request, as_=as_)


def test_the_appendix_is_there_whole(server):
    services = server.client().list("ListServices", as_=demo.CITY_DU, page_size=10)
    assert len(services) == 44 and len({s.name for s in services}) == 44
    assert sum(s.requirement == "mandatory" for s in services) == 19
    assert sum(s.layer == "iaas" for s in services) == 13 and sum(s.layer == "saas" for s in services) == 14
    assert {s.state for s in services} == {"active"}


def test_an_application_keeps_the_version_it_was_submitted_under(server):
    client = server.client()
    name = demo.file(client).name
    before = demo.get(client, name).catalogue_version
    assert before >= 1 and demo.get(client, name).items[0].catalogue_version >= 1
    after = publish(client, unit="TiB·h").catalogue_version
    assert after > before
    assert demo.get(client, name).catalogue_version == before
    old = client.call("GetServiceVersion", as_=demo.DU, name=f"catalogue/block-storage/versions/{before}")
    assert old.service.unit == "GiB·h", old
    new = client.call("GetServiceVersion", as_=demo.DU, name=f"catalogue/block-storage/versions/{after}")
    assert new.service.unit == "TiB·h", new


def test_a_service_retired_after_submission_bars_the_approval(server):
    client = server.client()
    name = demo.file(client).name
    demo.walk(client, name, "pending_decision")
    publish(client, state="retired")
    try:
        demo.act(client, name, "decide", demo.CA, decision="approve")
    except Exception as refusal:  # pylint: disable=broad-except
        assert refusal.reason in ("SERVICE_RETIRED", "CATALOGUE_CHANGED") and refusal.status == "FAILED_PRECONDITION", refusal
        assert refusal.article in ("11", "13"), refusal
    else:
        raise AssertionError("was approved")
    assert demo.act(client, name, "decide", demo.CA, decision="reject", comment="retired").state == "rejected"


def test_a_running_resource_keeps_its_version(server):
    client = server.client()
    name = demo.in_state(client, "closed")
    before = client.call("GetResource", as_=demo.DU, name=demo.get(client, name).resources[0]).catalogue_version
    publish(client, unit="TiB·h")
    after = client.call("GetResource", as_=demo.DU, name=demo.get(client, name).resources[0]).catalogue_version
    assert before == after >= 1


def test_only_the_provinces_authority_publishes(server):
    client = server.client()
    for who in (demo.DU, demo.OP, demo.CITY_CA, "core-aud"):
        try:
            publish(client, as_=who, unit="x")
        except Exception as refusal:  # pylint: disable=broad-except
            assert refusal.status == "PERMISSION_DENIED", refusal
        else:
            raise AssertionError(f"{who} published")


def test_a_fifteenth_node_is_not_to_be_had(server):
    nodes = server.client().list("ListNodes", as_=demo.DU)
    assert len(nodes) == 14 and sum(n.kind == "core" for n in nodes) == 1
    assert [n.name for n in nodes if not n.ready] == ["nodes/suqian"]
    request = message("Node", name="nodes/second-core", kind="core", region="320000")
    with refused("NODE_LAYOUT", "FAILED_PRECONDITION", 6):
        client = server.client()
        client.send("Import", [{"collection": "nodes", "records": [request.SerializeToString()]}])


if __name__ == "__main__":
    main()
