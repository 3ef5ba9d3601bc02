#!/usr/bin/python3
"""The last unit is given once; nothing stays reserved by what has ended. timeout: 300"""
import random
import threading

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import Refused, demo, main, rounds  # noqa: E402

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
