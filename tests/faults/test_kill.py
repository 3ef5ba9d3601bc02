#!/usr/bin/python3
"""kill -9 at random moments under a write load: every acknowledged write is there, whole; no other trace. timeout: 600"""
import random
import threading

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
import grpc  # noqa: E402
from zwytest import Refused, Server, demo, main, rounds, zwy_check  # noqa: E402

WRITERS = 8
BATCH = 16  # calls in flight per writer
LOST = ("UNAVAILABLE", "CANCELLED", "DEADLINE_EXCEEDED", "UNKNOWN", "INTERNAL")


class Writer(threading.Thread):
    """Files applications under request ids of its own, and moves some on, until the server is gone."""

    def __init__(self, server, label, seed):
        super().__init__()
        self.client = server.client()
        self.label = label
        self.random = random.Random(seed)
        self.created = {}  # request id -> (name, revision), acknowledged
        self.acted = {}  # name -> state, acknowledged
        self.sent = set()  # request ids that may have arrived
        self.withdrawing = set()  # names whose withdrawal may have arrived
        self.problem = None
        self.start()

    def run(self):
        try:
            number = 0
            while True:
                made = demo.application(items=(("block-storage", 1),), documents=demo.DOCUMENTS)
                ids = [f"{self.label}-{number + i}" for i in range(BATCH)]
                number += BATCH
                self.sent.update(ids)
                calls = [(i, self.client.future("CreateApplication", as_=demo.DU, application=made, submit=True,
                                                request_id=i)) for i in ids]
                for request_id, call in calls:
                    answer = call.result()
                    self.created[request_id] = (answer.name, answer.revision)
                self.withdraw_one()
        except (grpc.RpcError, Refused) as error:
            status = error.status if isinstance(error, Refused) else error.code().name
            if status not in LOST:
                self.problem = error
        except ValueError:
            pass  # the channel was closed

    def withdraw_one(self):
        name, _ = self.random.choice(list(self.created.values()))
        if name in self.withdrawing:
            return
        self.withdrawing.add(name)
        answer = demo.act(self.client, name, "withdraw", demo.DU, reason="a test")
        self.acted[name] = answer.state

    def collect(self, calls_done=()):
        self.join(60)
        assert not self.is_alive(), "a writer hangs"
        assert self.problem is None, self.problem


def one_round(server, number, choice):
    writers = [Writer(server, f"k{number}-{w}", choice.random()) for w in range(WRITERS)]
    threading.Event().wait(choice.uniform(0.02, 0.6))  # the random moment
    server.kill()
    for writer in writers:
        writer.collect()
        writer.client.close()
    checked = zwy_check(server.data)
    assert checked.status == 0, f"round {number}: {checked.out}{checked.err}"
    server.start()
    return writers


def verify(server, writers, known):
    """All that was acknowledged is there; all that is there was sent."""
    client = server.client()
    found = {a.name: a for a in client.list("ListApplications", as_=demo.CA, page_size=1000)}
    acknowledged = 0
    for writer in writers:
        for request_id, (name, revision) in writer.created.items():
            assert name in found, f"{request_id} -> {name} was acknowledged and is gone"
            record = found[name]
            assert record.revision >= revision and record.items[0].quantity == 1 and len(record.document) == 3, record
            wanted = {"withdrawn"} if name in writer.acted else \
                {"withdrawn", "submitted"} if name in writer.withdrawing else {"submitted"}
            assert record.state in wanted, (name, record.state, wanted)
            acknowledged += 1
    sent = sum(len(writer.sent) for writer in writers)
    new = len(found) - known
    assert acknowledged <= new <= sent, (acknowledged, new, sent)
    reserved = sum(1 for a in found.values() if a.state == "submitted")
    assert demo.quota(client)["quantity"][1] == reserved
    # What was sent and not acknowledged can be asked for again: the same application or a new one, never two.
    again(client, writers)
    return acknowledged, len(client.list("ListApplications", as_=demo.CA, page_size=1000))


def again(client, writers):
    writer = writers[0]
    lost = sorted(writer.sent - set(writer.created))[:5]
    made = demo.application(items=(("block-storage", 1),))
    for request_id in lost:
        names = {client.call("CreateApplication", as_=demo.DU, application=made, submit=True, request_id=request_id).name
                 for _ in "12"}
        assert len(names) == 1, names
    for request_id, (name, _) in list(writer.created.items())[:5]:
        answer = client.call("CreateApplication", as_=demo.DU, application=made, submit=True, request_id=request_id)
        assert answer.name == name, (answer.name, name)


def test_every_acknowledged_write_survives_and_nothing_else_does():
    seed = random.randrange(2**32)
    print(f"# seed {seed}")
    choice = random.Random(seed)
    server = Server()
    try:
        known = total = 0
        for number in range(rounds(30, quick=5, long=400)):
            writers = one_round(server, number, choice)
            acknowledged, known = verify(server, writers, known)
            total += acknowledged
        print(f"# {total} acknowledged writes, {known} applications")
        assert total > 0
    finally:
        server.close()


if __name__ == "__main__":
    main()
