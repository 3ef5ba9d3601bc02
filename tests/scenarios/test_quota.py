#!/usr/bin/python3
"""The last unit is given once; nothing stays reserved by what has ended. timeout: 300"""
import random
import threading

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import Refused, demo, main, message, refused, rounds  # noqa: E402

CALLERS = 100


def race(client, request_ids):
    """100 submissions in flight at once; the names of those that won."""
    made = demo.application(items=(("block-storage", 1),))
    calls = [client.future("CreateApplication", as_=demo.DU, application=made, submit=True, request_id=i)
             for i in request_ids]
    won = []
    for call in calls:
        error = call.exception()
        if error is None:
            won.append(call.result().name)
        else:
            assert Refused(error).reason == "QUOTA_EXCEEDED", Refused(error)
    return won


def test_of_100_submissions_for_the_last_unit_exactly_one_wins_each_time(server):
    client = server.client()
    demo.set_limit(client, 1)
    for number in range(rounds(100, quick=10, long=1000)):
        won = race(client, [f"race-{number}-{caller}" for caller in range(CALLERS)])
        assert len(won) == 1, f"round {number}: {won}"
        assert demo.quota(client)["quantity"] == (1, 1, 0)
        demo.act(client, won[0], "withdraw", demo.DU, reason="next round")
        assert demo.quota(client)["quantity"] == (1, 0, 0)


def test_from_many_connections_too(server):
    demo.set_limit(server.client(), 1)
    clients = [server.client() for _ in range(10)]
    for number in range(rounds(10)):
        won = []
        lock = threading.Lock()

        def one(client, number=number):
            names = race(client, [""] * (CALLERS // len(clients)))
            with lock:
                won.extend(names)

        threads = [threading.Thread(target=one, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1, f"round {number}: {won}"
        demo.act(clients[0], won[0], "withdraw", demo.DU, reason="next round")


def test_every_end_but_service_gives_back_what_was_reserved(server):
    client = server.client()
    for state in ("not_accepted", "rejected", "withdrawn", "cancelled"):
        demo.in_state(client, state)
        assert demo.quota(client)["quantity"][1:] == (0, 0), state
    demo.in_state(client, "provision_failed")
    assert demo.quota(client)["quantity"][1:] == (4, 0)
    demo.in_state(client, "closed")
    assert demo.quota(client)["quantity"][1:] == (4, 4)


def test_further_dimensions_count_quantity_times_spec(server):
    client = server.client()
    name = demo.file(client, items=(("cloud-server", 2, {"vcpu": 8, "gib": 16}),)).name
    balance = demo.quota(client, "cloud-server")
    assert balance["quantity"][1:] == (2, 0) and balance["vcpu"][1:] == (16, 0) and balance["gib"][1:] == (32, 0), balance
    demo.walk(client, name, "closed")
    balance = demo.quota(client, "cloud-server")
    assert balance["vcpu"][1:] == (0, 16), balance


def test_random_walks_keep_the_ledger(server):
    seed = random.randrange(2**32)
    print(f"# seed {seed}")
    choice = random.Random(seed)
    client = server.client()
    open_ones = []
    for _ in range(rounds(400)):
        if not open_ones or choice.random() < 0.15:
            try:
                made = demo.file(client, submit=choice.random() < 0.8, items=(("block-storage", choice.randint(1, 5)),
                                                                             ("object-storage", choice.randint(1, 50))))
                open_ones.append(made.name)
            except Refused as refusal:
                assert refusal.reason == "QUOTA_EXCEEDED", refusal
        else:
            step(client, choice, open_ones)
    ledger_agrees(client, "block-storage")
    ledger_agrees(client, "object-storage")


def test_a_limit_below_use_takes_nothing_away_and_lets_nothing_grow(server):
    client = server.client()
    demo.in_state(client, "closed")
    client.call("UpdateQuota", limited(client, 1, "too much is idle"), as_=demo.CA)
    assert demo.quota(client)["quantity"] == (1, 0, 4)
    try:
        demo.file(client, items=(("block-storage", 1),))
    except Refused as refusal:
        assert refusal.reason == "QUOTA_EXCEEDED" and "limit 1" in refusal.text and "in service 4" in refusal.text, refusal
    else:
        raise AssertionError("grew above its limit")
    client.call("UpdateQuota", limited(client, 5, "again"), as_=demo.CA)
    demo.file(client, items=(("block-storage", 1),))
    ledger_agrees(client, "block-storage")


def limited(client, limit, reason):
    record = client.call("GetQuota", as_=demo.CA, name=f"quotas/{demo.DEPARTMENT}/block-storage")
    request = message("UpdateQuotaRequest")
    request.quota.name, request.quota.reason = record.name, reason
    request.quota.dimensions.add(name="quantity", limit=limit)
    request.update_mask.paths.extend(("dimensions", "reason"))
    return request


def test_a_limit_that_is_not_there_is_made_only_if_that_is_said(server):
    client = server.client()
    request = message("UpdateQuotaRequest")
    request.quota.name = f"quotas/{demo.DEPARTMENT}/blockchain"
    request.quota.dimensions.add(name="quantity", limit=2)
    with refused("NOT_FOUND", "NOT_FOUND"):
        client.call("UpdateQuota", request, as_=demo.CA)
    request.allow_missing = True
    assert client.call("UpdateQuota", request, as_=demo.CA).dimensions[0].limit == 2
    with refused("WRONG_ROLE", "PERMISSION_DENIED"):
        client.call("UpdateQuota", request, as_=demo.DU)
    request.quota.dimensions[0].limit = 3
    assert client.call("UpdateQuota", request, as_=demo.CA).dimensions[0].limit == 3


def test_who_changed_a_limit_and_why_stays_in_events_and_ledger(server):
    client = server.client()
    before = demo.quota(client)["quantity"][0]
    name = f"quotas/{demo.DEPARTMENT}/block-storage"
    client.call("UpdateQuota", limited(client, 7, "降低配额"), as_=demo.CA)
    client.call("UpdateQuota", limited(client, 7, "nothing new"), as_=demo.CA)
    demo.set_limit(client, 9)
    events = [e for e in client.list("ListEvents", as_=demo.CA, parent=name) if e.kind == "update" and e.comment]
    assert [(e.comment, e.on_behalf_of) for e in events] == \
        [(f"quantity {before} -> 7 (降低配额)", "principals/core-ca"), ("quantity 7 -> 9", "principals/core-ca")], events
    entries = client.list("ListLedgerEntries", as_=demo.CA, parent=name)
    assert [(e.movement, e.cause, e.amounts[0].limit, e.reason) for e in entries] == \
        [("adjust", "principals/core-ca", 7 - before, "降低配额"), ("adjust", "principals/core-ca", 2, "")], entries
    shown = server.zwy("list", f"{name}/entries", "--output", "table", as_=demo.CA).out
    assert "adjust" in shown and "降低配额" in shown and "principals/core-ca" in shown, shown
    said = server.zwy("get", name, as_=demo.CA).out
    assert "limit=9" in said, said


FORMS = {"opinion": demo.OPINION, "decide": {"decision": "approve"}}


def step(client, choice, open_ones):
    """Somebody does something that Explain says they may."""
    name = choice.choice(open_ones)
    who = choice.choice((demo.CA, demo.OP, demo.DU))
    possible = client.call("Explain", as_=who, name=name).next
    if not possible:
        return
    action = choice.choice(possible).action
    form = dict(FORMS.get(action, {"reason": "a walk"}))
    if action == "opinion":
        form["result"] = choice.choice(("pass", "return", "fail"))
    if action == "decide":
        form["decision"] = choice.choice(("approve", "reject"))
        form["comment"] = "a walk"
    if action in ("accept", "assign", "forward", "start", "deliver", "confirm", "retry", "submit", "resubmit", "revise"):
        form = {}
    try:
        state = demo.act(client, name, action, who, **form).state
    except Refused as refusal:
        assert refusal.reason in ("NEGATIVE_OPINION", "QUOTA_EXCEEDED", "ALREADY_RETURNED"), refusal
        return
    if state in demo.FINAL:
        open_ones.remove(name)


def ledger_agrees(client, service):
    """The sum of the entries is the balance, and no finished application holds a reservation."""
    parent = f"quotas/{demo.DEPARTMENT}/{service}"
    sums, by_cause = {}, {}
    for entry in client.list("ListLedgerEntries", as_=demo.CA, parent=parent, page_size=100):
        for amount in entry.amounts:
            reserved, committed = sums.get(amount.dimension, (0, 0))
            sums[amount.dimension] = (reserved + amount.reserved, committed + amount.committed)
            by_cause[entry.cause] = by_cause.get(entry.cause, 0) + amount.reserved
    for dimension, (_, reserved, committed) in demo.quota(client, service).items():
        assert sums.get(dimension, (0, 0)) == (reserved, committed), (dimension, sums)
    for cause, reserved in by_cause.items():
        if cause.startswith("applications/") and demo.get(client, cause).state in demo.FINAL:
            assert reserved == 0, (cause, reserved)


if __name__ == "__main__":
    main()
