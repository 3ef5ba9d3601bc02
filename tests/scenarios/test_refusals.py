#!/usr/bin/python3
"""What a person meets who does something wrong: the status, the reason, the article, the exit status. smoke: yes"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import demo, main, message, refused, run_zwy, scratch_dir  # noqa: E402


def submit_text(server, text, as_=demo.DU):
    return server.zwy("submit", "-", as_=f"principals/{as_}", stdin=text)


def names_what(ran, status, *words):
    assert ran.status == status, ran
    said = ran.err + ran.out
    assert all(word in said for word in words), f"{words} not all in: {said}"


def test_a_wrong_key_names_line_and_key(server):
    ran = submit_text(server, demo.text().replace("purpose=", "porpose="))
    names_what(ran, 1, "porpose", "4")


def test_a_wrong_node_cites_article_5(server):
    client = server.client()
    with refused("NODE_MISMATCH", "FAILED_PRECONDITION", 5, "core"):
        demo.file(client, node="suzhou")
    names_what(submit_text(server, "node=suzhou\n" + demo.text()), 1, "5", "core")


def test_missing_documents_are_told_all_at_once(server):
    client = server.client()
    name = demo.file(client, documents=("security-filing",)).name
    with refused("DOCUMENT_MISSING", "FAILED_PRECONDITION", 13) as caught:
        demo.act(client, name, "submit", demo.DU)
    told = str(caught[0])
    assert "construction-plan" in told and "construction-plan-approval" in told, told
    ran = server.zwy("act", name, "submit", as_="principals/core-du")
    names_what(ran, 1, "construction-plan", "construction-plan-approval", "13")


def test_a_plan_without_a_section_cites_article_13(server):
    record = demo.application()
    record.cloud_plan.demand = ""
    with refused("PLAN_INCOMPLETE", "FAILED_PRECONDITION", 13, "demand"):
        server.client().call("CreateApplication", as_=demo.DU, application=record, submit=True)


def test_a_quota_exceeded_tells_limit_and_use(server):
    client = server.client()
    demo.set_limit(client, 10)
    demo.file(client, items=(("block-storage", 8),))
    with refused("QUOTA_EXCEEDED", "RESOURCE_EXHAUSTED") as caught:
        demo.file(client, items=(("block-storage", 3),))
    assert "10" in str(caught[0]) and "8" in str(caught[0]), caught[0]
    names_what(submit_text(server, demo.text(items=(("block-storage", 3),))), 1, "quota", "10")
    assert demo.quota(client)["quantity"] == (10, 8, 0)


def test_a_service_without_a_quota_has_a_limit_of_0(server):
    with refused("QUOTA_EXCEEDED", "RESOURCE_EXHAUSTED"):
        demo.file(server.client(), items=(("blockchain", 1),))


def test_a_foreign_departments_system_cites_article_4(server):
    client = server.client()
    with refused("FOREIGN_RECORD", "PERMISSION_DENIED", 4):
        demo.file(client, as_=demo.CITY_DU)
    names_what(submit_text(server, demo.text(), as_=demo.CITY_DU), 4, "4")


def test_a_foreign_record_cannot_be_read(server):
    client = server.client()
    name = demo.file(client).name
    for who in (demo.CITY_DU, demo.CITY_CA, demo.CITY_OP):
        with refused("FOREIGN_RECORD", "PERMISSION_DENIED"):
            demo.get(client, name, as_=who)
    ran = server.zwy("get", name, as_=f"principals/{demo.CITY_DU}")
    assert ran.status == 4, ran


def test_a_retired_service_and_an_unknown_one_cite_article_13(server):
    client = server.client()
    retire(client, "block-storage")
    with refused("SERVICE_RETIRED", "FAILED_PRECONDITION", 13, "block-storage"):
        demo.file(client)
    with refused("UNKNOWN_SERVICE", "FAILED_PRECONDITION", 13, "cloud-cheese"):
        demo.file(client, items=(("cloud-cheese", 1),))


def retire(client, service):
    request = message("UpdateServiceRequest")
    request.service.name = f"catalogue/{service}"
    request.service.state = "retired"
    request.update_mask.paths.append("state")
    return client.call("UpdateService", request, as_=demo.CA)


def test_a_stale_revision_is_a_conflict(server):
    client = server.client()
    record = demo.file(client)
    demo.act(client, record.name, "accept", demo.CA, revision=record.revision)
    with refused("STALE_REVISION", "ABORTED"):
        demo.act(client, record.name, "assign", demo.OP, revision=record.revision)


def test_a_server_that_is_down_is_unavailable(server):
    assert server.stop() == 0
    ran = server.zwy("list", "applications")
    assert ran.status == 6 and ran.err, ran
    ran = run_zwy(f"unix:{scratch_dir('nobody-')}/sock", "whoami")
    assert ran.status in (2, 6), ran


def test_usage_not_found_and_denied_have_exit_statuses_of_their_own(server):
    assert server.zwy("no-such-command").status == 2
    assert server.zwy("get").status == 2
    assert server.zwy("get", "applications/A-2026-999999", as_="principals/core-ca").status == 3
    name = demo.file(server.client()).name
    assert server.zwy("act", name, "accept", as_="principals/core-du").status == 4
    assert server.zwy("act", name, "deliver", as_="principals/core-op").status == 1


def test_systems_that_may_not_apply_are_refused_each_for_its_reason(server):
    client = server.client()
    for system, reason, article in (("finance-training", "NOT_FISCAL", 2), ("treasury-secrets", "CLASSIFIED", 2),
                                    ("treasury-ledger", "SYSTEM_EXEMPT", 5), ("invoice-archive", "PARTY_MISSING", 26),
                                    ("no-such-system", "UNKNOWN_SYSTEM", 4)):
        with refused(reason, "FAILED_PRECONDITION", article):
            demo.file(client, system=system)
        assert submit_text(server, demo.text(system=system)).status == 1, system


def test_a_node_without_an_operator_and_a_dissolved_department_cannot_apply(server):
    client = server.client()
    for department, level, region, system, reason in (
            ("suqian-education", 2, "321300", "suqian-campus", "NODE_UNREADY"),
            ("provincial-survey-office", 1, "320000", "survey-maps", "DEPARTMENT_INACTIVE")):
        who = message("Principal", name=f"principals/{system}-du", roles=[3], organisation=department, level=level,
                      region=region)
        client.call("CreatePrincipal", principal=who)
        with refused(reason, "FAILED_PRECONDITION", 4):
            demo.file(client, as_=who.name, system=system)


def test_an_action_in_the_wrong_state_tells_the_state(server):
    client = server.client()
    name = demo.file(client).name
    with refused("WRONG_STATE", "FAILED_PRECONDITION", text="submitted"):
        demo.act(client, name, "deliver", demo.OP)
    with refused("UNKNOWN_ACTION", "INVALID_ARGUMENT"):
        demo.act(client, name, "dance", demo.OP)


def test_an_opinion_needs_all_three_assessments(server):
    client = server.client()
    name = demo.file(client).name
    demo.walk(client, name, "under_review")
    for key in ("complexity", "configuration", "architecture"):
        form = {k: v for k, v in demo.OPINION.items() if k != key}
        with refused("FORM_INCOMPLETE", "INVALID_ARGUMENT", 13) as caught:
            demo.act(client, name, "opinion", demo.OP, **form)
        assert key in str(caught[0]), caught[0]


def test_a_negative_opinion_bars_approval(server):
    client = server.client()
    name = demo.in_state(client, "review_failed")
    demo.act(client, name, "forward", demo.OP)
    with refused("NEGATIVE_OPINION", "FAILED_PRECONDITION", 13):
        demo.act(client, name, "decide", demo.CA, decision="approve")
    assert demo.act(client, name, "decide", demo.CA, decision="reject", comment="as advised").state == "rejected"


def test_an_application_is_returned_once_only(server):
    client = server.client()
    name = demo.in_state(client, "need_supplement")
    demo.act(client, name, "resubmit", demo.DU)
    with refused("ALREADY_RETURNED", "FAILED_PRECONDITION", 13):
        demo.act(client, name, "return_incomplete", demo.CA, reason="again")


def test_what_only_the_server_writes_counts_for_nothing_in_a_request(server):
    assert demo.file(server.client(), state="approved").state == "submitted"


def test_nothing_is_created_where_a_rule_is_broken(server):
    client = server.client()
    before = client.call("GetHead", as_=demo.CA).revision
    for fields in ({"node": "suzhou"}, {"items": (("cloud-cheese", 1),)}, {"items": (("block-storage", 10**9),)}):
        try:
            demo.file(client, **fields)
        except Exception:  # pylint: disable=broad-except
            continue
        raise AssertionError(f"{fields} was taken")
    assert client.call("GetHead", as_=demo.CA).revision == before
    assert not client.list("ListApplications", as_=demo.CA)


if __name__ == "__main__":
    main()
