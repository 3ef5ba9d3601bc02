#!/usr/bin/python3
"""Every change once, in order, also across a disconnect and a restart. smoke: yes"""
import threading

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
import grpc  # noqa: E402
from zwytest import demo, eventually, main, with_server  # noqa: E402


class Watcher:
    """Collects events in a thread, coming back after its last revision whenever the stream ends."""

    def __init__(self, server, since=0, prefix=""):
        self.server, self.prefix = server, prefix
        self.last = since
        self.events = []
        self.ended = False
        self.resumed = 0
        self.call = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        client = self.server.client(demo.CA)
        while not self.ended:
            self.call = client.stream("Watch", since=self.last, prefix=self.prefix, timeout=120)
            try:
                for event in self.call:
                    self.events.append(event)
                    self.last = event.revision
            except grpc.RpcError as error:
                assert error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED), error
            self.resumed += 1

    def disconnect(self):
        self.call.cancel()

    def end(self):
        self.ended = True
        while self.thread.is_alive():
            self.call.cancel()
            self.thread.join(0.05)


def head(client):
    return client.call("GetHead", as_=demo.CA).revision


def wait_for(watcher, revision):
    eventually(lambda: watcher.last >= revision, f"revision {revision} to be watched")


def check(watcher, client):
    revisions = [e.revision for e in watcher.events]
    assert revisions == sorted(set(revisions)), "not each once, in order"
    recorded = [e.revision for e in client.list("ListEvents", as_=demo.CA, page_size=500)]
    return revisions, recorded


def test_every_change_comes_once_and_in_order(server):
    client = server.client()
    watcher = Watcher(server)
    try:
        for _ in range(5):
            demo.in_state(client, "closed")
        wait_for(watcher, head(client))
        revisions, recorded = check(watcher, client)
        assert revisions == recorded
    finally:
        watcher.end()


def test_it_resumes_by_revision_after_a_disconnect(server):
    client = server.client()
    watcher = Watcher(server)
    try:
        for _ in range(6):
            demo.in_state(client, "accepted")
            eventually(lambda: watcher.events, "a first event")
            watcher.disconnect()
        wait_for(watcher, head(client))
        eventually(lambda: watcher.resumed >= 1, "the stream to have ended once")
        revisions, recorded = check(watcher, client)
        assert revisions == recorded
    finally:
        watcher.end()


def test_it_resumes_after_a_restart_of_the_server(server):
    watcher = Watcher(server)
    try:
        for _ in range(3):
            client = server.client()
            demo.in_state(client, "accepted")
            wait_for(watcher, head(client))
            process, server.process = server.process, None
            process.terminate()
            assert process.wait(60) == 0
            server.start()
        client = server.client()
        demo.in_state(client, "closed")
        wait_for(watcher, head(client))
        assert watcher.resumed >= 3
        revisions, recorded = check(watcher, client)
        assert revisions == recorded
    finally:
        watcher.end()


def test_a_prefix_and_a_caller_narrow_it(server):
    client = server.client()
    first = demo.file(client).name
    second = demo.file(client).name
    demo.walk(client, second, "accepted")
    stream = client.stream("Watch", as_=demo.DU, prefix=second, since=0)
    events = [next(stream) for _ in range(2)]
    stream.cancel()
    assert {e.name for e in events} == {second}, (first, events)
    stream = client.stream("Watch", as_=demo.CITY_DU, prefix="applications/", since=0, timeout=1)
    try:
        raise AssertionError(f"a stranger saw {next(stream)}")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error


def test_absent_since_means_from_now(server):
    client = server.client()
    demo.file(client)
    before = head(client)
    stream = client.stream("WatchBatches", as_=demo.CA)
    assert next(stream).revision >= before
    name = demo.file(client).name
    seen = []
    while not any(e.name == name for e in seen):
        seen += next(stream).events
    stream.cancel()
    assert all(e.revision > before for e in seen), seen


def test_many_watchers_see_the_same(server):
    client = server.client()
    streams = [client.stream("Watch", as_=demo.CA, since=0, prefix="applications/") for _ in range(20)]
    demo.in_state(client, "closed")
    wanted = [(e.revision, e.name) for e in client.list("ListEvents", as_=demo.CA, page_size=500)
              if e.name.startswith("applications/")]
    for stream in streams:
        assert [(e.revision, e.name) for e in (next(stream) for _ in wanted)] == wanted
        stream.cancel()


def test_a_batch_says_how_far_the_server_is(server):
    client = server.client()
    demo.in_state(client, "closed")
    stream = client.stream("WatchBatches", as_=demo.CA, since=0, heartbeat_ms=100)
    for batch in stream:
        assert batch.revision <= batch.head, batch
        if batch.revision == batch.head:
            break
    stream.cancel()
    assert (batch.head, batch.digest) == (head(client), client.call("GetHead", as_=demo.CA).digest)


def test_every_batch_says_by_what_its_place_is_known_again(server):
    """Also one with events: who has heard it last goes on from there."""
    client = server.client()
    demo.in_state(client, "closed")
    stream = client.stream("WatchBatches", as_=demo.CA, since=0, heartbeat_ms=100)
    batch = next(batch for batch in stream if batch.events and batch.revision == batch.head)
    stream.cancel()
    assert batch.digest == client.call("GetHead", as_=demo.CA).digest


def test_a_heartbeat_comes_while_nothing_happens(server):
    client = server.client()
    stream = client.stream("WatchBatches", as_=demo.CA, heartbeat_ms=1)
    beats = [next(stream) for _ in range(4)]
    stream.cancel()
    assert {beat.heartbeat_ms for beat in beats} == {100}, beats  # watch_heartbeat_min
    stream = client.stream("WatchBatches", as_=demo.CA)
    assert next(stream).heartbeat_ms == 0
    stream.cancel()
    assert all(not beat.events and beat.revision == beat.head and len(beat.digest) == 64 for beat in beats), beats


def test_another_history_is_not_gone_on_with(server):
    client = server.client()
    demo.file(client)
    here = client.call("GetHead", as_=demo.CA)
    stream = client.stream("WatchBatches", as_=demo.CA, since=here.revision, digest=here.digest, digest_revision=here.revision)
    assert next(stream).revision == here.revision
    stream.cancel()
    for since, digest, at in ((here.revision, "0" * 64, here.revision), (here.revision, here.digest, here.revision - 1),
                              (here.revision, here.digest, here.revision + 5), (here.revision + 1, "", 0)):
        stream = client.stream("WatchBatches", as_=demo.CA, since=since, digest=digest, digest_revision=at)
        try:
            raise AssertionError(f"{since} {digest} {at}: {next(stream)}")
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.OUT_OF_RANGE and "backup" in error.details(), error


def test_who_loses_a_role_sees_nothing_more(server):
    client = server.client()
    stream = client.stream("Watch", as_=demo.DU, prefix="applications/")
    kept = client.stream("Watch", as_=demo.CA, prefix="applications/")
    name = demo.file(client).name
    assert next(stream).name == name and next(kept).name == name
    client.call("UpdatePrincipal", principal={"name": f"principals/{demo.DU}", "disabled": True}, update_mask={"paths": ["disabled"]})
    demo.act(client, name, "accept", demo.CA)
    rest = []
    try:
        for event in stream:
            rest.append(event.action)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.PERMISSION_DENIED, error
    assert "accept" not in rest, rest
    while next(kept).action != "accept":
        pass
    kept.cancel()


@with_server(clock=None)
def test_an_explanation_says_what_it_was_made_of(server):
    client = server.client()
    name = demo.file(client, documents=()).name
    before = client.call("Explain", as_=demo.DU, name=name)
    assert {name, f"{name}/documents", f"quotas/{demo.DEPARTMENT}/block-storage", f"systems/{demo.SYSTEM}", "parameters",
            "catalogue"} <= set(before.depends_on), before.depends_on
    assert len(set(before.depends_on)) == len(before.depends_on)
    assert 0 < before.valid_ms <= 24 * 3600 * 1000, before.valid_ms
    stream = client.stream("Watch", as_=demo.DU)
    demo.set_limit(client, 3)
    changed = next(stream).name
    stream.cancel()
    assert changed in before.depends_on and client.call("Explain", as_=demo.DU, name=name).why != before.why


def test_an_explanation_by_a_clock_that_is_set_is_not_to_be_kept(server):
    client = server.client()
    assert client.call("Explain", as_=demo.DU, name=demo.file(client).name).valid_ms == 0


def test_with_the_command_line(server):
    client = server.client()
    name = demo.in_state(client, "closed")
    ran = server.zwy("list", "audit", as_="principals/core-ca")
    assert ran.status == 0 and name in ran.out, ran


if __name__ == "__main__":
    main()
