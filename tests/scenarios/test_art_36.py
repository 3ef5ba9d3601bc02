#!/usr/bin/python3
"""Cities' own rules beside the province's parameters (Article 36). smoke: yes"""
import contextlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import Mount, can_mount, demo, main, message, refused  # noqa: E402

WD = "nodes/suzhou/parameters/provision.wd"
BASIS = "苏州市政务云管理实施细则第八条"
COURSE = (
    ("accept", demo.CITY_CA, {}), ("assign", demo.CITY_OP, {}), ("opinion", demo.CITY_OP, demo.OPINION),
    ("forward", demo.CITY_OP, {}), ("decide", demo.CITY_CA, {"decision": "approve"}),
)


def city_sets(client, value, name=WD, as_=demo.CITY_CA, basis=BASIS, reason=""):
    request = message("CreateNodeParameterRequest")
    request.node_parameter.name, request.node_parameter.value = name, value
    request.node_parameter.basis, request.node_parameter.reason = basis, reason
    return client.call("CreateNodeParameter", request, as_=as_)


def change(client, method, field, name, as_, **fields):
    request = message(f"{method}Request")
    record = getattr(request, field)
    record.name = name
    for key, value in fields.items():
        setattr(record, key, value)
        request.update_mask.paths.append(key)
    return client.call(method, request, as_=as_)


def city_changes(client, value, reason=""):
    return change(client, "UpdateNodeParameter", "node_parameter", WD, demo.CITY_CA, value=value, reason=reason)


def province_sets(client, value, key="provision.wd", reason=""):
    return change(client, "UpdateParameter", "parameter", f"parameters/{key}", demo.CA, value=value, reason=reason)


def in_city(client):
    return demo.file(client, as_=demo.CITY_DU, system="suzhou-budget").name


def approved(client, name):
    for action, who, form in COURSE:
        demo.act(client, name, action, who, **form)
    return next(c for c in demo.get(client, name, as_=demo.CITY_DU).clocks if c.term == "provision")


def test_a_city_tightens_and_a_case_begun_before_keeps_five_days(server):
    client = server.client()
    before = in_city(client)
    own = city_sets(client, "3", reason="试点")
    assert (own.effective_value, own.source, own.province_value, own.article, own.statutory) == ("3", "city", "5", "14", True), own
    after = in_city(client)
    assert approved(client, before).working_days == 5
    clock = approved(client, after)
    assert (clock.working_days, clock.due_date, clock.statutory) == (3, "2026-11-25", True), clock
    core = demo.file(client).name
    demo.walk(client, core, "approved")
    assert [c.working_days for c in demo.get(client, core).clocks if c.term == "provision"] == [5]
    # Given up, it touches neither case, and the next one has the province's again.
    assert city_changes(client, "").source == "province"
    assert approved(client, in_city(client)).working_days == 5
    assert [c.working_days for c in demo.get(client, after, as_=demo.CITY_DU).clocks if c.term == "provision"] == [3]


def test_a_change_of_rules_leaves_everybody_what_they_may_read(server):
    client = server.client()
    name = in_city(client)
    readers = (demo.CITY_CA, demo.CITY_OP, "suzhou-reg", "suzhou-aud", "suzhou-sp")
    for value in ("", "4", "3"):
        if value == "4":
            city_sets(client, value)
        elif value:
            city_changes(client, value)
        for who in readers:
            assert [a.name for a in client.list("ListApplications", as_=who)] == [name], (who, value)
            assert demo.get(client, name, as_=who).node == "suzhou"


def test_loosening_is_refused_and_names_both_values(server):
    client = server.client()
    with refused("RULE_LOOSENED", article=36) as caught:
        city_sets(client, "30", name="nodes/suzhou/parameters/supplement.wd")
    assert "is 20 " in caught[0].text and "30 would loosen" in caught[0].text, caught
    with refused("WRONG_JURISDICTION"):
        city_sets(client, "3", as_="nanjing-ca")
    with refused("WRONG_JURISDICTION"):
        city_sets(client, "3", as_=demo.CA)
    with refused("WRONG_ROLE"):
        city_sets(client, "3", as_=demo.CITY_OP)
    with refused("FIELD_MISSING"):
        city_sets(client, "3", basis="")
    province_sets(client, "1", key="overlay.allow_loosen")
    assert city_sets(client, "30", name="nodes/suzhou/parameters/supplement.wd").source == "city"
    after = province_sets(client, "0", key="overlay.allow_loosen")
    own = client.call("GetNodeParameter", as_=demo.CITY_DU, name="nodes/suzhou/parameters/supplement.wd")
    assert (own.value, own.effective_value, own.source) == ("30", "20", "province"), own
    assert [(c.old_value, c.value) for c in after.changes] == [("0", "1"), ("1", "0")], after


def test_changes_are_audited_with_old_and_new_value(server):
    client = server.client()
    city_sets(client, "3", reason="试点")
    city_changes(client, "4", reason="too tight")
    province_sets(client, "3", reason="the province follows")
    own = [e for e in client.list("ListEvents", as_=demo.CITY_CA, parent=WD)]
    assert [e.comment for e in own] == ["none -> 3 (试点)", "3 -> 4 (too tight)",
                                        "4 (city) -> 3 (province): parameters/provision.wd has changed"], own
    assert all(e.article == "36" for e in own), own
    assert own[0].on_behalf_of == "principals/suzhou-ca", own
    events = [e for e in client.list("ListEvents", as_=demo.CA, parent="parameters/provision.wd") if e.kind == "update"]
    assert [(e.comment, e.article) for e in events] == [("5 -> 3 (the province follows)", "14")], events
    said = server.zwy("get", WD, as_=demo.CITY_DU).out
    assert "effective-value=3" in said and "source=province" in said and "statutory=" in said and BASIS in said, said


def test_it_is_set_by_the_command_line_and_shown_everywhere(server):
    rows = f"name,value,basis,reason\n{WD},3,{BASIS},试点\n"
    ran = server.zwy("import", "nodes/suzhou/parameters", "-", as_=demo.CITY_CA, stdin=rows)
    assert ran.status == 0 and ran.out.startswith("1 created"), ran
    said = server.zwy("rules", "14", as_=demo.DU).out
    assert "  provision.wd=5  (province, statutory)" in said and f"  {WD}: 3 (city)" in said, said
    assert "  confirm.wd=5  (province, internal target)" in said, said
    listed = server.zwy("list", "nodes/suzhou/parameters", "--output", "table", as_=demo.DU).out
    assert "city" in listed and BASIS in listed, listed
    ran = server.zwy("import", "nodes/suzhou/parameters", "-", as_=demo.CITY_CA,
                     stdin=f"name,value,basis\nnodes/suzhou/parameters/supplement.wd,30,{BASIS}\n")
    assert ran.status == 1 and "Art. 36" in ran.err and "20" in ran.err and "30" in ran.err, ran
    if not can_mount():
        return
    with contextlib.closing(Mount(server)) as mount:
        own = mount.point / WD
        assert [(own / field).read_text() for field in ("effective-value", "source", "province-value", "article", "statutory")] == \
            ["3\n", "city\n", "5\n", "14\n", "true\n"]
        assert "none -> 3 (试点)" in (own / "history").read_text()


def test_a_case_keeps_its_rules_over_a_restart(server):
    client = server.client()
    name = in_city(client)
    city_sets(client, "2")
    assert server.stop() == 0
    server.start()
    client = server.client()
    assert approved(client, name).working_days == 5
    assert approved(client, in_city(client)).working_days == 2


if __name__ == "__main__":
    main()
