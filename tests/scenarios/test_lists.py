#!/usr/bin/python3
"""Pages, filters, and tokens that are good for one list and one caller only."""
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


if __name__ == "__main__":
    main()
