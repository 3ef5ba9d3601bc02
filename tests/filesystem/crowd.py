"""Many processes at work in one mount at once, some of them killed, none of them ever stuck."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

from fstest import TESTS, uid
from zwytest import program

MEMBER = TESTS / "filesystem/crowd_member.py"
STUCK = 30  # seconds in which a process in uninterruptible sleep does not run
END = 40  # seconds for a process to end when it is told to


def proc(pid, name):
    try:
        return pathlib.Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        return f"({error.strerror})"


def sanitized():
    """Such a build keeps what was freed, and finds leaks by itself."""
    return b"__asan_init" in pathlib.Path(program("zwyfs")).read_bytes()


def private_bytes(pid):
    """Memory that the process itself has asked for."""
    return int(re.search(r"RssAnon:\s*(\d+) kB", proc(pid, "status")).group(1)) << 10


def state(pid):
    """R, S, D, Z …; empty when it is gone."""
    return proc(pid, "stat").rpartition(")")[2].strip()[:1]


def where(pid):
    """What a process that hangs is doing, for a person who has to find out why."""
    lines = [f"{name}: {proc(pid, name)}" for name in ("wchan", "syscall", "stack")]
    return f"pid {pid} ({proc(pid, 'cmdline')}) in state {state(pid)}\n" + "\n".join(lines)


class Watchdog(threading.Thread):
    """Looks after processes: one that sleeps uninterruptibly for too long is told of."""

    def __init__(self):
        super().__init__(daemon=True)
        self.pids = set()
        self.since = {}
        self.told = {}
        self.over = threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.5):
            for pid in list(self.pids):
                self.look(pid)

    def look(self, pid):
        ran = proc(pid, "schedstat")  # changes whenever the process runs
        if state(pid) != "D" or self.since.get(pid, (None, 0))[0] != ran:
            self.since[pid] = (ran, time.monotonic())
        elif time.monotonic() - self.since[pid][1] > STUCK:
            self.told.setdefault(pid, where(pid))

    def end(self):
        self.over.set()
        self.join()
        assert not self.told, "\n".join(self.told.values())


class Crowd:
    """Members by kind and user; `with` ends them all, and then `reports` says what they did."""

    def __init__(self, mount, request, dice):
        self.mount, self.request, self.dice = mount, request, dice
        self.members = {}  # process -> (kind, who)
        self.made = 0
        self.killed = 0
        self.reports = []
        self.watchdog = Watchdog()

    def add(self, kind, who=None, count=1):
        for _ in range(count):
            self.made += 1
            words = [sys.executable, MEMBER, kind, self.dice.randrange(2**32), f"{kind}{self.made}", self.request]
            number = str(who if isinstance(who, int) else uid(who)) if who else None
            prefix = ["setpriv", "--reuid", number, "--regid", number, "--clear-groups"] if number else []
            process = subprocess.Popen([*prefix, *map(str, words)], cwd=self.mount.point, stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                       env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"})
            self.members[process] = (kind, who)
            self.watchdog.pids.add(process.pid)

    def kill_one(self):
        """Somebody goes, in one of two ways, and another comes."""
        process = self.dice.choice(list(self.members))
        kind, who = self.members.pop(process)
        process.send_signal(self.dice.choice((signal.SIGKILL, signal.SIGINT)))
        process.stdin.close()
        self.gone(process)
        self.killed += 1
        self.add(kind, who)

    def gone(self, process):
        """Its output, once it has ended; a process that does not end is what this all is about."""
        try:
            process.wait(END)
        except subprocess.TimeoutExpired:
            told = where(process.pid)
            process.kill()
            raise AssertionError(f"does not end: {told}") from None
        finally:
            self.watchdog.pids.discard(process.pid)
        with process.stdout:
            return process.stdout.read()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for process in self.members:
            process.stdin.close()
        hung = []
        for process in self.members:
            try:
                self.reports.append(self.gone(process))
            except AssertionError as error:
                hung.append(str(error))
        self.watchdog.over.set()
        assert not hung, "\n".join(hung)
        if kind is None:
            self.watchdog.end()
            self.reports = [self.read(report) for report in self.reports]

    @staticmethod
    def read(report):
        last = (report.splitlines() or [""])[-1]
        assert last.startswith("{"), report
        return json.loads(last)

    def wrong(self):
        return [words for report in self.reports for words in report["wrong"]]

    def done(self):
        """How often what was done, over all."""
        total = {}
        for report in self.reports:
            for what, count in report["done"].items():
                total[f"{report['kind']}.{what}"] = total.get(f"{report['kind']}.{what}", 0) + count
        return total
