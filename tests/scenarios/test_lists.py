#!/usr/bin/python3
"""Pages, filters, masks, and tokens that are good for one list and one caller only."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import demo, main, refused  # noqa: E402


def file_many(client, count):
    return [demo.file(client, items=(("block-storage", 1),)).name for _ in range(count)]


def test_pages_join_to_the_whole_in_order(server):
    client = server.client()
    names = file_many(client, 23)
    for size in (1, 5, 22, 23, 24, 0):
        assert [a.name for a in client.list("ListApplications", as_=demo.DU, page_size=size)] == names, size


def test_order_by_name_descending(server):
    client = server.client()
    names = file_many(client, 7)
    found = client.list("ListApplications", as_=demo.DU, page_size=3, order_by="name desc")
    assert [a.name for a in found] == names[::-1]


def test_filters_by_indexed_and_by_other_fields(server):
    client = server.client()
    names = file_many(client, 6)
    for name in names[:2]:
        demo.walk(client, name, "accepted")
    listed = lambda f: [a.name for a in client.list("ListApplications", as_=demo.CA, filter=f, page_size=2)]  # noqa: E731
    assert listed("state=accepted") == names[:2]
    assert listed("state!=accepted") == names[2:]
    assert listed("state=submitted AND system=finance-portal") == names[2:]
    assert listed("state=submitted AND system=health-records") == []
    assert listed("purpose=tests AND state=accepted") == names[:2]
    assert listed("open=true") == names


def test_a_filter_that_cannot_be_read_says_where(server):
    client = server.client()
    for text in ("state", "nonsense=1", "state=a OR state=b", "state=a AND", "=x"):
        with refused("BAD_FILTER", "INVALID_ARGUMENT"):
            client.call("ListApplications", as_=demo.CA, filter=text)


def test_a_token_is_bound_to_its_list_its_filter_and_its_caller(server):
    client = server.client()
    file_many(client, 5)
    page = client.call("ListApplications", as_=demo.DU, page_size=2)
    token = page.next_page_token
    assert token
    for method, fields in (("ListApplications", {"as_": demo.CITY_DU}), ("ListApplications", {"as_": demo.CA}),
                           ("ListApplications", {"as_": demo.DU, "filter": "state=submitted"}),
                           ("ListServices", {"as_": demo.DU}), ("ListSystems", {"as_": demo.DU})):
        with refused("BAD_PAGE_TOKEN", "INVALID_ARGUMENT"):
            client.call(method, page_size=2, page_token=token, **fields)
    for bad in ("x", token[:-1], token[::-1], "A" * 4000):
        with refused("BAD_PAGE_TOKEN", "INVALID_ARGUMENT"):
            client.call("ListApplications", as_=demo.DU, page_size=2, page_token=bad)
    assert len(client.call("ListApplications", as_=demo.DU, page_size=2, page_token=token).items) == 2


def test_pages_neither_repeat_nor_miss_while_others_file(server):
    client = server.client()
    names = file_many(client, 10)
    seen, token = [], ""
    while True:
        page = client.call("ListApplications", as_=demo.DU, page_size=3, page_token=token)
        seen += [a.name for a in page.items]
        if not page.next_page_token:
            break
        token = page.next_page_token
        if len(names) < 16:
            names += file_many(client, 1)
    assert seen[:10] == names[:10] and len(set(seen)) == len(seen), seen


def test_ids_have_at_least_six_digits_and_are_listed_by_number(server):
    client = server.client()
    names = file_many(client, 12)
    assert names[0] == "applications/A-2026-000001" and names[11] == "applications/A-2026-000012", names


def test_bad_page_sizes_and_parents_are_refused(server):
    client = server.client()
    with refused("INVALID_FIELD", "INVALID_ARGUMENT"):
        client.call("ListApplications", as_=demo.DU, page_size=-1)
    assert client.call("ListApplications", as_=demo.DU, page_size=10**6) is not None


NAMES = {"paths": ["name"]}


def same_in_pages(client, method, who, **asked):
    """Names alone are those of the records, in their order, however they are paged; how many."""
    whole = [r.name for r in client.list(method, as_=who, page_size=500, **asked)]
    for size in (1, 3, 0, 10**6):
        items = client.list(method, as_=who, page_size=size, read_mask=NAMES, **asked)
        assert [r.name for r in items] == whole, (method, who, asked, size)
        assert all([f.name for f, _ in r.ListFields()] == ["name"] for r in items), items
    return len(whole)


def test_names_alone_are_those_of_the_records_in_every_scope(server):
    client = server.client()
    demo.fill(client)
    seen = set()
    for who in demo.READERS:
        for asked in ({}, {"order_by": "name desc"}, {"filter": "state=draft"}, {"filter": "state!=draft"},
                      {"filter": "state=draft AND open=true"}, {"filter": "node=suzhou AND state=draft"},
                      {"filter": "department=provincial-finance AND kind=regular"},
                      {"filter": "department=provincial-finance AND node=suzhou"},
                      {"filter": "state=draft AND state=accepted"}, {"filter": "purpose=tests"}):
            seen.add(same_in_pages(client, "ListApplications", who, **asked))
        for method, asked in (("ListQuotas", {}), ("ListQuotas", {"parent": "quotas/provincial-finance"}),
                              ("ListDepartments", {"filter": "level=city"}), ("ListPrincipals", {}), ("ListServices", {}),
                              ("ListDepartments", {"filter": "name=departments/suzhou-finance"}),
                              ("ListPrincipals", {"filter": "organisation=\"\""}),
                              ("ListRequests", {"parent": f"principals/{who}"}), ("ListRules", {})):
            seen.add(same_in_pages(client, method, who, **asked))
    assert len(seen) > 8 and 0 in seen and 1 in seen, seen


def test_a_page_of_names_may_be_longer_than_one_of_records(server):
    client = server.client()
    server.stop()
    server.settings.update(page_size_max=5, page_scan_max=40)
    server.start()
    client = server.client()
    asked = {"as_": demo.CA, "page_size": 10**6}
    assert len(client.call("ListDepartments", **asked).items) == 5
    assert len(client.call("ListDepartments", read_mask=NAMES, **asked).items) == 40
    assert same_in_pages(client, "ListDepartments", demo.CA) > 40


def test_a_token_goes_on_under_another_mask(server):
    client = server.client()
    page = client.call("ListDepartments", as_=demo.CA, page_size=3, read_mask=NAMES)
    more = client.call("ListDepartments", as_=demo.CA, page_size=3, page_token=page.next_page_token)
    whole = client.list("ListDepartments", as_=demo.CA, page_size=6)[:6]
    assert [d.name for d in page.items] + [d.name for d in more.items] == [d.name for d in whole]
    assert list(more.items) == whole[3:]


def test_a_mask_is_name_or_everything(server):
    client = server.client()
    for paths in ([], ["*"]):
        items = client.call("ListSystems", as_=demo.CA, read_mask={"paths": paths}).items
        assert items and all(s.department for s in items), paths
    for method in ("ListSystems", "ListApplications", "ListQuotas", "ListEvents"):
        for paths in (["state"], ["name", "state"], ["*", "name"], ["name", "name"], ["nonsense"], ["name.x"]):
            with refused("INVALID_FIELD", "INVALID_ARGUMENT", text="read_mask: allowed are \"name\""):
                client.call(method, as_=demo.CA, read_mask={"paths": paths})
    with refused("INVALID_FIELD", "INVALID_ARGUMENT", text="whole"):
        client.call("ListEvents", as_=demo.CA, read_mask=NAMES)
    assert client.call("ListEvents", as_=demo.CA, read_mask={"paths": ["*"]}).items


def test_a_filter_by_name_or_by_nothing_finds_its_records(server):
    client = server.client()
    for method, name in (("ListDepartments", "departments/suzhou-finance"), ("ListNodes", "nodes/suzhou")):
        found = client.list(method, as_=demo.CA, filter=f"name={name}")
        assert [r.name for r in found] == [name], (method, found)
    every = client.list("ListPrincipals", as_="demo")
    nobody = [p.name for p in client.list("ListPrincipals", as_="demo", filter="organisation=\"\"")]
    assert nobody == [p.name for p in every if not p.organisation] != [], nobody


def test_the_newest_events_come_first_where_that_is_asked(server):
    client = server.client()
    name = demo.in_state(client, "closed")
    for parent in ("", name):
        upwards = [e.revision for e in client.list("ListEvents", as_=demo.CA, parent=parent, page_size=7)]
        downwards = [e.revision for e in client.list("ListEvents", as_=demo.CA, parent=parent, page_size=5, order_by="revision desc")]
        assert len(upwards) > 7 and downwards == upwards[::-1], (parent, upwards, downwards)
    with refused("INVALID_FIELD", text="revision desc"):
        client.call("ListEvents", as_=demo.CA, order_by="time")


if __name__ == "__main__":
    main()
