#!/usr/bin/python3
"""Mounts on several hosts, and what becomes of them when the network or the server goes. timeout: 600"""
import collections
import contextlib
import errno
import os
import random
import shutil
import threading
import time

from fstest import (WHOLE, Mount, comes_to_show, demo, error_of, eventually, interrupted, listens, main, ok, request_file, result,
                    scratch, stopped)

from zwytest import Server, authority, hosts, rounds

PORT = 8443  # in a network of its own
AWAY = {errno.EHOSTDOWN, errno.ETIMEDOUT}
ORDER = ["submitted"] + [state for *_, state in demo.COURSE]
QUICK = "heartbeat=200,read_deadline=1000,commit_deadline=1500,unknown_time=2000"


def serve(host, **options):
    return Server(clock=None, inside=host.inside, tls=f"{host.address}:{PORT}", **options)


def mount_at(host, server, principal, options):
    pair = authority.client_pair(principal)
    files = f"ca={authority.authority().certificate},cert={pair.certificate},key={pair.key}"
    return Mount(server, f"{files},{options}", target=f"tls:{hosts.SERVER}:{PORT}", inside=host.inside)


class Province(contextlib.ExitStack):
    """A server, and a host with a mount for each of the principals, all on one network."""

    def __init__(self, *principals, options=QUICK):
        super().__init__()
        self.network = self.enter_context(hosts.Network())
        try:
            self.place = self.network.host(hosts.SERVER)
            self.server = serve(self.place)
            self.push(lambda kind, *_: self.server.close(check=kind is None))
            self.hosts = [self.network.host() for _ in principals]
            self.mounts = []
            for host, principal in zip(self.hosts, principals):
                self.mounts.append(mount_at(host, self.server, principal, options))
                self.callback(self.mounts[-1].close)
            for mount in self.mounts:
                listens(mount)
        except BaseException:
            self.close()
            raise


@contextlib.contextmanager
def cut(host, how):
    off, on = how
    off(host)
    try:
        yield
    finally:
        on(host)


def is_away(mount):
    return mount.read("status/connection").startswith("away since ")


def connected(mount):
    try:
        eventually(lambda: mount.read("status/connection") == "connected\n", "the connection")
    except AssertionError as late:
        raise AssertionError(f"{late}: {mount.read('status/connection')}") from None


# ---- agreement ---------------------------------------------------------------


class Observer:
    """Reads a case all the time; `seen` is what it was told, one after the other."""

    def __init__(self, mount, name):
        self.mount, self.name = mount, name
        self.seen, self.trouble = [], None
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.read)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def read(self):
        try:
            while not self.over.is_set():
                for path in ("state", "status", "history"):
                    state = self.mount.read(f"{self.name}/{path}").splitlines()[-1 if path == "history" else 0]
                    if path == "history":
                        state = next(word for field in reversed(state.split("\t")) for word in [field.split("->")[-1]] if word in ORDER)
                    if not self.seen or self.seen[-1] != state:
                        self.seen.append(state)
        except Exception as trouble:  # pylint: disable=broad-except
            self.trouble = trouble


def step(province, server, name, number, by_mount):
    """One step of the course by whose it is, at their host or by a call; where it was done."""
    action, who, form, _ = demo.COURSE[number]
    if not by_mount:
        demo.act(server.client(), name, action, who, **form)
        return None
    mount = province.mounts[(demo.DU, demo.CA, demo.OP).index(who)]
    ok(mount, f"echo '{' '.join(f'{key}={value}' for key, value in form.items())}' > {name}/actions/{action}")
    return mount


def test_every_host_shows_the_same_and_never_an_older_state_after_a_newer():
    with Province(demo.DU, demo.CA, demo.OP) as province, scratch() as tmp:
        for turn in range(2):
            ok(province.mounts[0], f"cp {request_file(tmp)} requests/{turn}.req")
            name = "applications/" + result(province.mounts[0], f"{turn}.req")["id"]
            for mount in province.mounts:
                eventually(lambda mount=mount: error_of(lambda: mount.read(f"{name}/state")) == 0, "the case")
            with contextlib.ExitStack() as stack:
                observers = [stack.enter_context(Observer(mount, name)) for mount in province.mounts]
                for number, state in enumerate(ORDER[1:]):
                    at = step(province, province.server, name, number, by_mount=number % 2 == turn)
                    if at:
                        assert at.read(f"{name}/state") == state + "\n"
                    for observer in observers:
                        eventually(lambda observer=observer: observer.trouble or observer.seen[-1] == state, f"{state} at every host")
            for observer in observers:
                assert not observer.trouble, observer.trouble
                assert observer.seen == ORDER, observer.seen
            for path in ("record", "record.json", "history", "state"):
                assert len({mount.read(f"{name}/{path}") for mount in province.mounts}) == 1, path


# ---- a cut in the middle of a commit --------------------------------------------


class Writer:
    """Calls the function, which writes, in a thread of its own; outcome() is its errno."""

    def __init__(self, function):
        self.function, self.errno = function, None
        self.thread = threading.Thread(target=self.write, daemon=True)
        self.thread.start()

    def write(self):
        self.errno = error_of(self.function)

    def outcome(self):
        self.thread.join(60)
        assert not self.thread.is_alive(), "the writer hangs"
        assert self.errno in AWAY | {0}, errno.errorcode[self.errno]
        return self.errno


def write(mount, name):
    return Writer(lambda: (mount / "requests" / name).write_text(WHOLE))


def state_of(mount, name):
    """unknown, accepted or refused; None where there is nothing that can be shown."""
    state = []
    eno = error_of(lambda: state.append(mount.read(f"results/{name}/state").strip()))
    assert eno in AWAY | {0, errno.ENOENT}, errno.errorcode[eno]
    return state[0] if state else None


def filed(server):
    return [os.path.basename(item.name) for item in server.client().list("ListApplications", as_=demo.DU)]


def settle(mount, name):
    """The same command again, until it succeeds: what people do."""
    eventually(lambda: write(mount, name).outcome() == 0, f"{name} to be taken")
    eventually(lambda: state_of(mount, name) == "accepted", f"the outcome of {name}")
    return result(mount, name)["id"]


def time_of(host):
    """What a cut takes, in seconds: the commits shall fall around it."""
    begin = time.monotonic()
    host.plug()
    return time.monotonic() - begin


def test_a_network_that_is_cut_in_the_middle_of_a_commit_loses_and_doubles_nothing():
    seed = int(os.environ.get("ZWY_SEED", random.randrange(1 << 32)))
    print(f"# ZWY_SEED={seed}", flush=True)
    chance = random.Random(seed)
    outcomes, cases = collections.Counter(), []
    with Province(demo.DU) as province:
        mount, = province.mounts
        scale = time_of(province.hosts[0])
        for number in range(max(rounds(20), 100)):
            if number >= rounds(20) and len(outcomes) > 1:
                break
            name, how = f"{number}.req", hosts.CUTS[number % len(hosts.CUTS)]
            at = chance.choice([province.place, province.hosts[0]])
            # Not to wait for something: the instant is left to chance.
            begin = threading.Timer(chance.uniform(0, 1.5 * scale), lambda: begun.append(write(mount, name)))
            begun = []
            begin.start()
            with cut(at, how):
                begin.join()
                writer, = begun
                eno = writer.outcome()
                state = state_of(mount, name)
                assert state in ("unknown", "accepted", "refused", None), state
                assert eno != errno.ETIMEDOUT or state, "an outcome that is unknown and not told"
                assert eno or state == "accepted", state
                there = len(filed(province.server)) > number
            outcomes[f"{errno.errorcode.get(eno, 'taken')}{', carried out' if there else ''}"] += 1
            cases.append(settle(mount, name))
            assert sorted(filed(province.server)) == sorted(set(cases)), name
    print(f"# {dict(outcomes)}", flush=True)
    assert len(outcomes) > 1, f"no cut met a commit: {outcomes}"


def arrived(host):
    """Bytes that lie unread in the sockets of a server that stands still."""
    sockets = [line.split() for line in host.run("cat", "/proc/net/tcp").splitlines()[1:]]
    return sum(int(words[4].split(":")[1], 16) for words in sockets if words[1].endswith(f":{PORT:04X}") and words[3] == "01")


def test_an_answer_that_is_lost_with_the_network_is_found_by_itself():
    """The server has it and has not answered when the network goes: for certain, by each kind of cut."""
    # Nothing else is on its way meanwhile.
    with Province(demo.DU, options=QUICK.replace("heartbeat=200", "heartbeat=10000")) as province:
        mount, = province.mounts
        for number, how in enumerate(hosts.CUTS):
            name = f"{number}.req"
            connected(mount)
            with contextlib.ExitStack() as stack:
                file = stack.enter_context(open(mount / "requests" / name, "w", encoding="utf-8", buffering=1 << 20))
                with stopped(province.server):
                    writer = Writer(lambda: (file.write(WHOLE), file.flush()))
                    eventually(lambda: arrived(province.place) > len(WHOLE), "the request to have arrived")
                    stack.enter_context(cut(province.place, how))
                eventually(lambda: len(filed(province.server)) == number + 1, "the server to carry it out")
                assert writer.outcome() == errno.ETIMEDOUT
                assert state_of(mount, name) == "unknown" and is_away(mount)
            eventually(lambda: state_of(mount, name) == "accepted", "the outcome")
            assert result(mount, name)["id"] in filed(province.server)
            assert settle(mount, name) == result(mount, name)["id"]
            assert len(filed(province.server)) == number + 1


# ---- a host that is cut off ---------------------------------------------------


def test_a_host_that_is_cut_off_shows_what_it_had_and_says_so():
    with Province(demo.DU, demo.DU) as province:
        here, there = province.mounts
        client = province.server.client()
        for how in hosts.CUTS:
            case = demo.file(client)
            name = case.name
            paths = [f"{name}/{path}" for path in ("state", "status", "record", "history", "items/1/service")]
            # What it reads before it has heard of the case is not kept.
            eventually(lambda: int(here.read("status/revision")) >= case.revision, "the case")
            before = {path: here.read(path) for path in paths}
            with cut(province.hosts[0], how):
                eventually(lambda: is_away(here), "the loss to be noticed")
                assert here.read("status/stale-since").strip() in here.read("status/connection")
                demo.act(client, name, "accept", demo.CA)
                eventually(lambda: there.read(paths[0]) == "accepted\n", "the change at the other host")
                assert {path: here.read(path) for path in paths} == before
                never_read = "catalogue/" + sorted(set(os.listdir(there / "catalogue")))[hosts.CUTS.index(how)] + "/record"
                assert error_of(lambda: here.read(never_read)) in AWAY
                assert error_of(lambda: (here / "requests/never.req").write_text(WHOLE)) in AWAY
                assert is_away(here) and not is_away(there)
            # Whoever is told that it is there again is told what has changed.
            connected(here)
            assert here.read("status/stale-since") == ""
            for path in paths[:2]:
                assert here.read(path).startswith("accepted\n"), path
            assert "accept" in here.read(f"{name}/history")


def test_who_waits_for_a_host_that_is_cut_off_can_be_interrupted():
    patient = "heartbeat=600000,read_deadline=600000,commit_deadline=600000"
    with Province(demo.DU, options=patient) as province, scratch() as tmp:
        mount, = province.mounts
        name, source = demo.file(province.server.client()).name, request_file(tmp)
        eventually(lambda: error_of(lambda: mount.read(f"{name}/state")) == 0, "the case")
        ok(mount, "ls requests; cat whoami")
        with cut(province.hosts[0], hosts.CUTS[0]):
            for command in ("exec cat catalogue/sms/record", "exec ls departments", f"exec cat {source} > requests/a.req"):
                assert interrupted(command, mount) < 0, command
            ok(mount, "cat README status/*; ls")
        eventually(lambda: state_of(mount, "a.req") == "accepted", "the outcome of what was interrupted", timeout=120)
        assert len(filed(province.server)) == 2


# ---- another server -------------------------------------------------------------


def test_a_restored_backup_on_another_host_goes_on_with_its_history():
    with Province(demo.DU, demo.CA) as province, scratch() as tmp:
        clerk, authority_ = province.mounts
        ok(clerk, f"cp {request_file(tmp)} requests/kept.req")
        name = "applications/" + result(clerk, "kept.req")["id"]
        assert province.server.stop() == 0
        backup = tmp / "backup"
        shutil.copytree(province.server.data, backup)
        province.server.start()
        connected(authority_)
        ok(authority_, f"echo > {name}/actions/accept")
        comes_to_show(clerk, f"{name}/state", "accepted\n")
        ok(clerk, f"cp {request_file(tmp)} requests/lost.req")
        province.server.kill()
        province.place.switch_off()  # and the host with it
        eventually(lambda: is_away(clerk) and is_away(authority_), "the loss to be noticed")
        place = province.network.host(hosts.SERVER)
        with contextlib.closing(serve(place, data=backup)) as server:
            for mount in province.mounts:
                connected(mount)
                comes_to_show(mount, f"{name}/state", "submitted\n")
                assert "accept" not in mount.read(f"{name}/history")
            ok(authority_, f"echo > {name}/actions/accept")
            comes_to_show(clerk, f"{name}/status", "accepted\n")
            # What this host was told to be accepted, and the backup does not have.
            eventually(lambda: state_of(clerk, "kept.req") == "accepted", "the request that the backup has")
            eventually(lambda: state_of(clerk, "lost.req") == "refused", "the request that it has not")
            assert "write it again" in result(clerk, "lost.req")["error"]
            settle(clerk, "lost.req")
            assert len(filed(server)) == 2 and result(clerk, "kept.req")["id"] == os.path.basename(name)


if __name__ == "__main__":
    main()
