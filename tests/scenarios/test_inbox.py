#!/usr/bin/python3
"""The inbox holds what Explain says waits for the caller, all of it and nothing else, however long its pages are."""
import os
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import Mount, demo, eventually, main, refused, with_server  # noqa: E402

# Who has several roles: of a department and of an authority, in a city and in the province.
BOTH = {"city-both": ("suzhou-finance", "LEVEL_CITY", "320500", ("ROLE_CA", "ROLE_DU")),
        "province-both": (demo.DEPARTMENT, "LEVEL_PROVINCE", "320000", ("ROLE_CA", "ROLE_DU")),
        "auditing-operator": (demo.DEPARTMENT, "LEVEL_PROVINCE", "320000", ("ROLE_REG", "ROLE_OP"))}
COLLECTIONS = ("applications", "exemptions", "legacy-clouds", "exchanges", "forecasts")  # in the order of kinds
WORKERS = (*BOTH, demo.CA, demo.OP, demo.DU, demo.CITY_CA, demo.CITY_OP, demo.CITY_DU, "core-du-health", "core-reg", "bootstrap")


def inbox(client, who, page_size=0):
    return list(client.list("ListInbox", as_=who, page_size=page_size))


def open_cases(client, who):
    for method in ("ListApplications", "ListForecasts", "ListExemptions", "ListExchanges", "ListLegacyClouds"):
        yield from (record.name for record in client.list(method, as_=who, filter="open=true"))


def explained(client, who):
    """By name, of what waits: asked of each open case alone."""
    said = {name: client.call("Explain", as_=who, name=name) for name in open_cases(client, who)}
    return {name: one for name, one in said.items() if one.waits}


def without_validity(explanation):
    explanation.ClearField("depends_on")
    explanation.ClearField("valid_ms")
    return explanation


def fill(client):
    """Cases in every state, of two nodes and of three departments, and what has a small life of its own."""
    for state in demo.STATES:
        demo.in_state(client, state)
    demo.fill(client)
    client.call("CreateForecast", as_=demo.DU, forecast={"name": f"forecasts/{demo.DEPARTMENT}/2027", "plan": "the plan"})
    for slug, (organisation, level, region, roles) in BOTH.items():
        client.call("CreatePrincipal", as_="demo", principal={
            "name": f"principals/{slug}", "roles": roles, "organisation": organisation, "level": level, "region": region})


def test_it_is_what_explain_says_of_each_case(server):
    client = server.client()
    fill(client)
    lengths = set()
    for who in WORKERS:
        alone = {name: without_validity(one) for name, one in explained(client, who).items()}
        for size in (0, 1, 3, 10**6):
            entries = inbox(client, who, size)
            assert [e.name for e in entries] == sorted(alone, key=lambda n: (COLLECTIONS.index(n.split("/")[0]), n)), (who, size)
            assert all(e.explanation == alone[e.name] for e in entries), (who, size)
        lengths.add(len(alone))
    assert len(lengths) > 3 and 0 in lengths, lengths


@with_server(settings={"page_size_max": "7", "page_scan_max": "11"})
def test_no_case_is_left_out_however_many_there_are(server):
    client = server.client()
    cases = {demo.file(client).name for _ in range(60)}
    drafts = {demo.file(client, submit=False).name for _ in range(30)}
    assert cases <= {e.name for e in inbox(client, demo.CA)}
    assert {e.name for e in inbox(client, demo.DU)} == drafts
    assert cases <= {f"applications/{word}" for word in server.zwy("inbox", as_=demo.CA).out.split()}
    mount = Mount(server, f"as={demo.CA}")
    try:
        entries = os.listdir(mount / "inbox")
        assert cases == {f"applications/{entry.split('--')[1]}" for entry in entries} and entries == sorted(entries)
        assert mount.read(f"inbox/{entries[0]}/state") == "submitted\n"
        gone = min(cases)
        demo.act(client, gone, "accept", demo.CA)
        eventually(lambda: len(os.listdir(mount / "inbox")) == len(cases) - 1, "it to be gone")
    finally:
        mount.close()


@with_server(clock=None)
def test_what_a_mount_keeps_of_it_ends_with_whatever_comes_to_it(server):
    client = server.client()
    demo.file(client, submit=False)
    mount = Mount(server, f"as={demo.DU},cache_time=600000,heartbeat=600000,read_deadline=1000,max_stale=0")

    def shown():
        return sorted(os.listdir(mount / "inbox"))

    def kept():
        shown()
        os.kill(server.pid, signal.SIGSTOP)
        try:
            return bool(shown())
        except OSError:
            return False
        finally:
            os.kill(server.pid, signal.SIGCONT)
    try:
        eventually(kept, "the inbox to be kept")
        before = shown()
        year = time.gmtime().tm_year + 1
        client.call("CreateForecast", as_=demo.DU, forecast={"name": f"forecasts/{demo.DEPARTMENT}/{year}", "plan": "the plan"})
        eventually(lambda: len(shown()) == len(before) + 1, "the forecast to come into it")
        eventually(kept, "the inbox to be kept again")
        demo.file(client, submit=False)
        eventually(lambda: len(shown()) == len(before) + 2, "the application to come into it")
    finally:
        mount.close()


def test_nothing_else_can_be_asked_of_it(server):
    client = server.client()
    demo.file(client)
    demo.file(client)
    for field, value in (("parent", "applications"), ("filter", "open=true"), ("order_by", "due"), ("page_size", -1)):
        with refused("INVALID_FIELD", text=field):
            client.call("ListInbox", as_=demo.CA, **{field: value})
    token = client.call("ListInbox", as_=demo.CA, page_size=1).next_page_token
    assert token
    with refused("BAD_PAGE_TOKEN"):
        client.call("ListInbox", as_=demo.OP, page_token=token)
    with refused("UNAUTHENTICATED"):
        client.call("ListInbox", as_="nobody-known")


if __name__ == "__main__":
    main()
