#!/usr/bin/python3
"""Who may do what, and who may not."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import Refused, Server, demo, main, refused  # noqa: E402

# Every action, the role that may do it, and a form that would do.
ACTIONS = {
    "submit": (demo.DU, {}), "resubmit": (demo.DU, {}), "revise": (demo.DU, {}), "confirm": (demo.DU, {}),
    "withdraw": (demo.DU, {"reason": "x"}),
    "accept": (demo.CA, {}), "return_incomplete": (demo.CA, {"reason": "x"}), "refuse_accept": (demo.CA, {"reason": "x"}),
    "decide": (demo.CA, {"decision": "approve", "comment": "x"}), "cancel": (demo.CA, {"reason": "x"}),
    "assign": (demo.OP, {}), "opinion": (demo.OP, demo.OPINION), "forward": (demo.OP, {}), "start": (demo.OP, {}),
    "fail": (demo.OP, {"reason": "x"}), "retry": (demo.OP, {}), "deliver": (demo.OP, {}),
}
# Section 2.1 of the domain: what may follow on what.
TABLE = {
    "draft": {"submit", "withdraw"},
    "submitted": {"accept", "return_incomplete", "refuse_accept", "withdraw"},
    "need_supplement": {"resubmit", "withdraw"},
    "accepted": {"assign", "withdraw"},
    "under_review": {"opinion", "withdraw"},
    "review_passed": {"forward"},
    "review_returned": {"revise", "withdraw"},
    "review_failed": {"forward"},
    "pending_decision": {"decide"},
    "approved": {"start", "cancel"},
    "provisioning": {"deliver", "fail"},
    "provision_failed": {"retry"},
    "in_service": {"confirm"},
}


def test_every_pair_of_state_and_action_that_is_not_in_the_table_is_refused(server):
    client = server.client()
    for state in demo.STATES:
        name = demo.in_state(client, state)
        head = client.call("GetHead", as_=demo.CA).revision
        for action, (who, form) in ACTIONS.items():
            if action not in TABLE.get(state, ()):
                with refused("WRONG_STATE", "FAILED_PRECONDITION", text=state):
                    demo.act(client, name, action, who, **form)
        assert client.call("GetHead", as_=demo.CA).revision == head, state
        allowed = {n.action for who in (demo.CA, demo.OP, demo.DU) for n in client.call("Explain", as_=who, name=name).next}
        assert allowed == TABLE.get(state, set()), (state, allowed)


def test_every_action_is_refused_to_every_other_role(server):
    client = server.client()
    others = (demo.CA, demo.OP, demo.DU, demo.CITY_CA, demo.CITY_OP, demo.CITY_DU)
    for state, actions in TABLE.items():
        name = demo.in_state(client, state)
        for action in actions:
            who, form = ACTIONS[action]
            for other in others:
                if other == who:
                    continue
                try:
                    demo.act(client, name, action, other, **form)
                except Refused as refusal:
                    assert refusal.status == "PERMISSION_DENIED", (state, action, other, refusal)
                else:
                    raise AssertionError(f"{other} could {action} in {state}")


def test_an_operator_may_not_approve_and_the_refusal_cites_article_13(server):
    client = server.client()
    name = demo.file(client).name
    demo.walk(client, name, "pending_decision")
    with refused("WRONG_ROLE", "PERMISSION_DENIED", 13):
        demo.act(client, name, "decide", demo.OP, decision="approve")


def test_an_unknown_caller_may_do_nothing(server):
    client = server.client()
    for who in ("principals/nobody-at-all", "principals/root"):
        for call in (lambda: client.list("ListServices", as_=who), lambda: client.call("WhoAmI", as_=who)):
            try:
                call()
            except Refused as refusal:
                assert refusal.status in ("PERMISSION_DENIED", "UNAUTHENTICATED", "NOT_FOUND"), refusal
            else:
                raise AssertionError("was served")


def test_a_tcp_peer_without_credentials_is_unauthenticated(server):
    client = server.client(target=server.tcp)
    for method in ("ListServices", "WhoAmI", "ListApplications"):
        with refused("UNAUTHENTICATED", "UNAUTHENTICATED"):
            client.call(method)


def test_nobody_acts_for_another_without_a_delegation():
    server = Server(tcp_as="core-du")
    try:
        client = server.client(target=server.tcp)
        assert client.call("WhoAmI").principal.name == "principals/core-du"
        with refused("NOT_DELEGATED", "PERMISSION_DENIED"):
            client.call("WhoAmI", as_=demo.CA)
    finally:
        server.close()


def test_who_acts_for_whom_is_told(server):
    answer = server.client().call("WhoAmI", as_=demo.CA)
    assert answer.principal.name == "principals/core-ca" and answer.actor == "principals/demo", answer
    assert answer.clock_is_set


def test_the_submitter_does_not_decide_though_the_role_would_allow_it(server):
    """A principal with both roles files, and is kept from the decision."""
    client = server.client()
    both = client.call("GetPrincipal", name="principals/core-du")
    both.roles.append(1)  # ROLE_CA
    client.call("UpdatePrincipal", principal=both, update_mask={"paths": ["roles"]})
    name = demo.file(client).name
    demo.walk(client, name, "pending_decision")
    with refused("SELF_DECISION", "PERMISSION_DENIED", 13):
        demo.act(client, name, "decide", demo.DU, decision="approve")
    assert demo.act(client, name, "decide", demo.CA, decision="approve").state == "approved"


def test_lists_show_each_caller_what_is_theirs(server):
    client = server.client()
    name = demo.file(client).name
    for who in (demo.DU, demo.CA, demo.OP):
        assert [a.name for a in client.list("ListApplications", as_=who)] == [name], who
    for who in (demo.CITY_DU, demo.CITY_CA, demo.CITY_OP):
        assert not client.list("ListApplications", as_=who), who


if __name__ == "__main__":
    main()
