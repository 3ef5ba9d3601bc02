#!/usr/bin/python3
"""The values of a field are told without the records that have them, and only to those who may read these."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import contract, demo, main, refused  # noqa: E402


def values(client, who, parent, field, page_size=0):
    return list(client.list("ListValues", as_=who, parent=parent, field=field, page_size=page_size))


def as_text(field, value):
    if field.enum_type:
        name = field.enum_type.values_by_number[value].name
        return name[len(re.sub("(?<=[a-z])(?=[A-Z])", "_", field.enum_type.name)) + 1:].lower()
    return str(value).lower() if isinstance(value, bool) else str(value)


def own_values(records, field):
    """Of that field, as the records have them; in order."""
    repeated = field.label == field.LABEL_REPEATED
    found = {as_text(field, v) for r in records for v in (getattr(r, field.name) if repeated else [getattr(r, field.name)])}
    return sorted(found, key=str.encode)


def indexed():
    """Every indexed field: list method, collection, descriptor."""
    for method in (m for s in contract.services() for m in s.methods if contract.option(m, "method").verb == "list"):
        record = contract.message_class(contract.option(method, "method").record).DESCRIPTOR
        for field in record.fields:
            if contract.option(field, "rules").indexed:
                yield method.name, contract.option(record, "record").pattern.split("/")[0], field


def test_values_are_those_of_the_records_in_every_scope(server):
    client = server.client()
    demo.fill(client)
    seen = {}
    for method, parent, field in indexed():
        for who in demo.READERS:
            expected = own_values(client.list(method, as_=who, page_size=500), field)
            for size in (0, 1, 2, 10**6):
                told = values(client, who, parent, field.name.replace("_", "-"), size)
                assert told == expected, (who, parent, field.name, size, told, expected)
            seen.setdefault(who, set()).add(len(expected))
    assert len(seen[demo.CA]) > 4 and {0, 1, 2} <= seen[demo.DU], seen


def test_enums_numbers_and_truth_come_as_text(server):
    client = server.client()
    demo.fill(client)
    assert values(client, demo.CA, "applications", "kind") == ["regular"]
    assert values(client, demo.CA, "applications", "open") == ["true"]
    assert values(client, demo.CA, "departments", "level") == ["city", "county", "province"]
    assert values(client, "demo", "principals", "uids")[:3] == ["0", "20001", "20002"]


def test_the_first_variable_of_a_name_is_a_field_too(server):
    client = server.client()
    for who in demo.READERS:
        names = [q.name.split("/") for q in client.list("ListQuotas", as_=who, page_size=500)]
        for size in (0, 1, 2):
            assert values(client, who, "quotas", "department", size) == sorted({n[1] for n in names}), (who, size)
    assert demo.DEPARTMENT in values(client, demo.CA, "quotas", "department")
    assert values(client, demo.DU, "quotas", "department") == [demo.DEPARTMENT]
    assert values(client, "bootstrap", "quotas", "department") == []
    for parent, field in (("quotas", "service"), ("quotas/provincial-finance", "department"), ("applications", "application"),
                          ("quotas/provincial-finance", "service")):
        with refused("INVALID_FIELD", "INVALID_ARGUMENT"):
            values(client, demo.CA, parent, field)


def test_a_value_that_the_index_holds_as_a_digest_is_told_in_full(server):
    client = server.client()
    long = ["x" * 299 + end for end in "ab"] + ["政" * 50]
    for number, text in enumerate(long + long):
        client.call("CreateService", as_=demo.CA, service={
            "name": f"catalogue/new-{number}", "state": "active", "layer": "paas", "subcategory": text, "name_zh": "新",
            "requirement": "optional"})
    known = sorted({s.subcategory for s in client.list("ListServices", as_=demo.CA, page_size=500)}, key=str.encode)
    for size in (0, 1, 2):
        told = values(client, demo.CA, "catalogue", "subcategory", size)
        assert sorted(told, key=str.encode) == known and set(long) <= set(told), told
    assert [len(v) for v in told[:3]] == [len(v) for v in told if v in long], told
    found = client.list("ListServices", as_=demo.CA, filter=f"subcategory={told[0]}", read_mask={"paths": ["name"]})
    assert len(found) == 2, found


def test_what_cannot_be_told_is_refused_with_what_can(server):
    client = server.client()
    ask = lambda **fields: client.call("ListValues", as_=demo.CA, **{"parent": "applications", "field": "month", **fields})  # noqa: E731
    for parent, field, allowed in (("applications", "purpose", "state, kind, system, open, month"),
                                   ("applications", "", "state, kind, system, open, month"),
                                   ("applications", "nonsense", "month"), ("quotas", "state", "allowed: department"),
                                   ("forecasts", "quantity", "department, state"), ("calendar", "year", "none")):
        with refused("INVALID_FIELD", "INVALID_ARGUMENT", text=allowed):
            ask(parent=parent, field=field)
    for parent in ("", "nonsense", "applications/A-2026-000001", "quotas/a/b/c"):
        with refused("INVALID_NAME", "INVALID_ARGUMENT"):
            ask(parent=parent)
    for fields in ({"filter": "state=draft"}, {"order_by": "name desc"}, {"page_size": -1}):
        with refused("INVALID_FIELD", "INVALID_ARGUMENT", text=next(iter(fields))):
            ask(**fields)


def test_a_token_of_values_is_bound_to_caller_collection_and_field(server):
    client = server.client()
    demo.fill(client)
    page = client.call("ListValues", as_=demo.CA, parent="applications", field="state", page_size=1)
    token = page.next_page_token
    assert token and list(page.items) == ["accepted"]
    for who, parent, field in ((demo.DU, "applications", "state"), (demo.CA, "catalogue", "state"),
                               (demo.CA, "applications", "system")):
        with refused("BAD_PAGE_TOKEN", "INVALID_ARGUMENT"):
            client.call("ListValues", as_=who, parent=parent, field=field, page_size=1, page_token=token)


if __name__ == "__main__":
    main()
