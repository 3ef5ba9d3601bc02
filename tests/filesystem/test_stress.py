#!/usr/bin/python3
"""What no ordinary day does to a mount: random files, stress-ng, and a crowd. smoke: yes timeout: 400"""
import contextlib
import os
import pathlib
import random
import re
import threading
import time

import stressors
from crowd import Crowd, private_bytes, sanitized
from fstest import WHOLE, Skip, demo, eventually, main, mounted, ok, request_file, scratch
from scribble import LIMIT, Scribbler, seed_of
from zwytest import rounds

GROWTH = 256 << 10  # bytes that a heap may grow by without a leak


def drafts(mount):
    return os.path.realpath(mount / "drafts")


def test_random_files_in_drafts_are_as_they_should_be(server):
    seed = seed_of()
    print(f"# ZWY_SEED={seed}")
    with mounted(server, f"as={demo.DU},max_file={LIMIT}") as mount:
        for number in range(rounds(4, quick=2, long=200)):
            Scribbler(drafts(mount), seed + number).run(3000, seed + number)


def test_stress_ng_may_make_no_directory_in_drafts(server):
    with mounted(server) as mount:
        stress = stressors.StressNg(drafts(mount))
        for name in sorted({*stressors.PASSES, *stressors.REFUSED} - set(stressors.WITHOUT_HOME)):
            status, said, _ = stress.run(name, at_home=False)
            assert status in (stressors.FAILED, stressors.NO_RESOURCE), (name, status, said)
            assert re.search(r"mkdir .*errno=1 \(Operation not permitted\)", said), (name, said)


def test_stress_ng_passes_where_a_control_filesystem_can(server):
    with mounted(server) as mount:
        stress = stressors.StressNg(drafts(mount))
        for name, options in stressors.PASSES.items():
            status, said, count = stress.run(name, options)
            assert status == 0 and count > 0 and "fail" not in said, (name, status, count, said)


def test_stress_ng_is_refused_what_a_control_filesystem_does_not_have(server):
    with mounted(server) as mount:
        stress = stressors.StressNg(drafts(mount))
        for name, (options, wanted, text) in stressors.REFUSED.items():
            status, said, _ = stress.run(name, options)
            assert status == wanted and re.search(text, said), (name, status, said)
        for name in stressors.IDLE:
            status, said, count = stress.run(name, seconds=1)
            assert status == 0 and count == 0, (name, status, count, said)
        assert os.listdir(drafts(mount)) == []


# ---- a crowd -------------------------------------------------------------------

class Changes(threading.Thread):
    """Records change at the server all the time, so that the mount hears of it; `filed`: what was made so."""

    def __init__(self, client):
        super().__init__()
        self.client = client
        self.over = threading.Event()
        self.number = 0
        self.filed = set()
        self.problem = None

    def run(self):
        try:
            while not self.over.wait(0.003):
                self.number += 1
                value = {"name": f"systems/{demo.SYSTEM}", "name_zh": f"门户 {self.number}", "party_in_charge": f"处 {self.number}"}
                self.client.call("UpdateSystem", as_=demo.DU, system=value, update_mask={"paths": ["name_zh", "party_in_charge"]})
                if self.number % 20 == 0:
                    self.filed.add(demo.file(self.client).name)
        except Exception as error:  # pylint: disable=broad-except
            self.problem = error

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        self.over.set()
        self.join()
        assert kind or not self.problem, self.problem


def accepted(mount, who):
    """The applications that the mount says it has filed for the caller."""
    listing = ok(mount, "cd results; grep -lx accepted */state | sed s/state/id/ | xargs cat", who)
    return [f"applications/{case}" for case in listing.split()]


def descriptors(pid):
    return sorted(filter(None, (target(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd"))))


def target(link):
    with contextlib.suppress(FileNotFoundError):
        return re.sub(r"\d+", "N", os.readlink(link))


def mixture(server, mount, request, dice, seconds):
    """All at once: the crowd that was there."""
    with Changes(server.client()) as changes, Crowd(mount, request, dice) as crowd:
        for kind, who, count in (("walk", demo.DU, 2), ("walk", demo.CA, 1), ("walk", demo.CITY_DU, 1), ("compare", demo.DU, 1),
                                 ("compare", demo.OP, 1), ("rename", demo.DU, 2), ("file", demo.DU, 2), ("act", demo.CA, 1),
                                 ("act", demo.DU, 1)):
            crowd.add(kind, who, count)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            threading.Event().wait(dice.uniform(0, 0.5))  # the random moment
            crowd.kill_one()
    return crowd, changes


def test_a_crowd_leaves_nobody_stuck_and_nothing_lost(server):
    seed = seed_of()
    print(f"# ZWY_SEED={seed}")
    with mounted(server, shared=True) as mount, scratch() as tmp:
        ok(mount, "cat status/connection; ls drafts", demo.DU)
        before = descriptors(mount.process.pid)
        crowd, changes = mixture(server, mount, request_file(tmp), random.Random(seed), rounds(12, quick=6, long=300))
        assert crowd.wrong() == [], "\n".join(crowd.wrong())
        print(f"# {crowd.killed} killed, {changes.number} changes,", ", ".join(f"{w} {n}" for w, n in sorted(crowd.done().items())))
        filed, found = accepted(mount, demo.DU), [record.name for record in server.client().list("ListApplications")]
        assert len(filed) == len(set(filed)), "an application has two names"
        assert sorted(found) == sorted(changes.filed | set(filed)), set(found) ^ (changes.filed | set(filed))
        assert ok(mount, "cat status/connection", demo.DU) == "connected\n"
        eventually(lambda: descriptors(mount.process.pid) == before, f"{before} to be all that is open")
    with mounted(server, shared=True) as mount:
        assert sorted(accepted(mount, demo.DU)) == sorted(filed)


# ---- what is left behind ---------------------------------------------------------

def tried(function, *arguments):
    with contextlib.suppress(OSError):
        return function(*arguments)
    return None


def put(path, text):
    with open(path, "wb", buffering=0) as file:
        file.write(text.encode())


def one_round(mount, request, number):
    """A bit of everything that comes and goes."""
    at = mount.point
    for i in range(60):
        put(at / f"drafts/{i}", f"{number} {i}\n" * i)
        os.rename(at / f"drafts/{i}", at / "drafts/x")
        os.unlink(at / "drafts/x")
        for path in (f"systems/{demo.SYSTEM}/record", f"nope-{i}", f"drafts/nope-{i}", f"catalogue/nope-{number}-{i}", f"rules/{i}/title",
                     "quotas/provincial-finance/block-storage/record", "whoami", "events", "applications/index.tsv"):
            tried(pathlib.Path.read_bytes, at / path)
        for text in (f"purpose={i}\n" + request.removesuffix("submit\n"), f"porpose={i}\n" + request):
            tried(put, at / f"requests/{number}-{i}.req", text)
        os.unlink(at / f"requests/{number}-{i}.req")
    put(at / f"requests/{number}.req", request)
    os.unlink(at / f"requests/{number}.req")
    case = at / "results" / f"{number}.req/record"
    for action in ("accept", "nonsense", "withdraw"):
        tried(put, case / "actions" / action, "reason=x\n")
    ok(mount, "ls -lR nodes inbox > /dev/null; grep -r no-such-word applications results; true")


def forget(mount):
    """The kernel lets go of every name and inode that nobody uses, and the mount has heard of it."""
    try:
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
            file.write("2")
    except OSError as error:
        raise Skip(f"the kernel's caches cannot be dropped: {error}") from None
    mount.read("status/connection")


def test_nothing_is_kept_of_what_has_ended(server):
    count = rounds(8, quick=5, long=100)
    options = f"as={demo.DU},max_results=5,max_events=20000"
    with mounted(server, options) as mount:
        daemons = {"zwyfs": mount.process.pid, "zwyd": server.pid}
        past = {name: [] for name in daemons}
        for _ in range(4000):  # what is kept for the next calls of a connection is there from then on
            tried(os.stat, mount / "catalogue/nope")
        for number in range(count):
            one_round(mount, WHOLE, number)
            forget(mount)
            for name, pid in daemons.items():
                past[name].append((private_bytes(pid), len(os.listdir(f"/proc/{pid}/fd"))))
        for name, figures in past.items():
            print(f"# {name}:", *(f"{size >> 10}k/{files}" for size, files in figures))
            sizes, files = zip(*figures)
            assert files[-1] <= max(files[1:3]), (name, files)
            assert sanitized() or sizes[-1] <= max(sizes[1:3]) + GROWTH, (name, sizes)


if __name__ == "__main__":
    main()
