"""What is measured of files: the same done in zwyfs's mount, in a bare one, on tmpfs and by sshfs, in turn."""
import contextlib
import json
import os
import pathlib
import random
import subprocess
import time

import sides
from common import BARE, SERVICE, SSHFS, TMPFS, ZWYD, ZWYFS, Line, Samples, load, private_kib, tool, write_requests
from sides import FILES_CPU, SERVER_CPU, Absent, on
from zwytest import Server, can_mount, demo, eventually, message, program  # noqa: F401  pylint: disable=unused-import

FEW = 1000  # records of the clerk whose mount is measured; those beyond belong to another department
CROWD_SYSTEM, CROWD_DEPARTMENT = "suzhou-budget", "suzhou-finance"
LOOKED_UP = 10000  # records of the crowd, by chance
FRESH_WITHIN = 10  # seconds in which a reader must see what was changed
UNCACHED = "entry_timeout=0,attr_timeout=0,cache=0"
SLABS = ("fuse_inode", "dentry")

# what is done, and how zwy-files is told
READ, SAME, EACH = "open, read, close status", "cat status", "cat status, another each"
LIST, LONG_LIST, COMMIT = "ls of all", "ls -l of all", "write a request"
FILES = {
    "stat status": lambda side: ("stat", side.status),
    READ: lambda side: ("read", side.status),
    SAME: lambda side: ("cat", side.status),
    EACH: lambda side: ("cat", "--list", side.list),
    "ls of a record": lambda side: ("ls", side.one),
    LIST: lambda side: ("ls", side.records),
    LONG_LIST: lambda side: ("ls-l", side.records),
    COMMIT: lambda side: ("create", "--suffix", ".req", side.written),
}
WITHOUT_CACHE = ("stat status", EACH)


def percentiles(took):
    """Of microseconds, as zwy-load tells them."""
    took = sorted(took)
    return {f"p{name}_us": took[int((len(took) - 1) * share)] for name, share in
            (("50", .5), ("90", .9), ("99", .99), ("999", .999))} | {"rate": len(took) / (sum(took) / 1e6)}


def slab_kib():
    """Memory of the kernel's inodes and names; None where it is not told."""
    try:
        lines = pathlib.Path("/proc/slabinfo").read_text().splitlines()
    except OSError:
        return None
    rows = [line.split() for line in lines if line.startswith(SLABS)]
    return {row[0]: int(row[2]) * int(row[3]) / 1024 for row in rows if row[0] in SLABS}


def cpu_seconds(pid):
    return sum(int((task / "schedstat").read_text().split()[0]) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


def at_rest(pid):
    """Whether a process does next to nothing for a while."""
    before = cpu_seconds(pid)
    time.sleep(0.2)
    return cpu_seconds(pid) - before < 0.01


def has_cache():
    """Whether this zwyfs can be told to keep no answers."""
    told = subprocess.run([program("zwyfs"), "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return "-o cache=" in told


class Population:
    """A server with FEW records of one clerk and a crowd of another's, filed once where its data is kept."""

    def __init__(self, arguments):
        self.kept = arguments.data
        if self.kept:
            self.kept.mkdir(parents=True, exist_ok=True)
        with on(SERVER_CPU):
            self.server = Server(clock=None, data=self.kept.resolve() / "data" if self.kept else None)
        self.scratch = self.server.directory
        self.client = self.server.client()
        self.requests = {who: self.request_of(who, **fields) for who, fields in
                         ((demo.DU, {}), (demo.CITY_DU, {"system": CROWD_SYSTEM}))}
        self.few = min(FEW, arguments.records)
        self.crowd = arguments.records - self.few

    def close(self):
        self.server.close(check=False)

    def request_of(self, who, **fields):
        made = demo.application(items=((SERVICE, 1),), **fields)
        return write_requests(self.scratch / f"create-{who}", [message("CreateApplicationRequest", application=made, submit=True)])

    def fill(self):
        """What is there, as a dictionary; filed now, or by an earlier run."""
        note = self.kept / "filled.json" if self.kept else self.scratch / "filled.json"
        if note.exists():
            filled = json.loads(note.read_text())
            assert (filled["few"], filled["crowd"]) == (self.few, self.crowd), f"{self.kept} holds other numbers: {filled}"
            return filled
        start = time.monotonic()
        filled = {"few": self.few, "crowd": self.crowd} | self.file_all()
        filled["took"] = time.monotonic() - start
        note.write_text(json.dumps(filled))
        return filled

    def file_all(self):
        assert not self.names(1), f"{self.kept} was not filled to its end; remove it"
        demo.set_limit(self.client, 10 ** 12, SERVICE)
        demo.set_limit(self.client, 10 ** 12, SERVICE, department=CROWD_DEPARTMENT, as_=demo.CITY_CA)
        for who, count in ((demo.DU, self.few), (demo.CITY_DU, self.crowd)):
            if count:
                load(self.server.unix, "CreateApplication", who, self.requests[who], 100, "--prefix", "applications/A-", "--calls", count)
        draft = demo.file(self.client, submit=False, items=((SERVICE, 1),))
        return {"draft": draft.name, "month": draft.month}

    def names(self, count, as_=demo.DU):
        return [a.name for a in self.client.call("ListApplications", as_=as_, page_size=count).items]

    def some_of_crowd(self, count):
        """Numbers follow each other."""
        stem, first = self.names(1, demo.CITY_DU)[0].rsplit("-", 1)
        chosen = random.Random(1).choices(range(int(first), int(first) + self.crowd), k=count)
        return [f"{stem}-{number:0{len(first)}}" for number in chosen]


class MountBench(Samples):
    def __init__(self, arguments):
        super().__init__()
        self.arguments = arguments
        self.rounds = 0
        self.absent = []
        self.stack = contextlib.ExitStack()
        self.population = self.stack.enter_context(contextlib.closing(Population(arguments)))
        self.server = self.population.server

    def close(self):
        self.stack.close()

    # ---- preparing ------------------------------------------------------------------

    def prepare(self):
        self.filled = self.population.fill()
        # After its start zwyd goes through all open cases, and answers the slower meanwhile.
        eventually(lambda: at_rest(self.server.pid), "zwyd to be at rest", timeout=120)
        self.names = self.population.names(self.filled["few"])
        scratch = self.population.scratch
        self.get = write_requests(scratch / "get", [message("GetApplicationRequest", name=name) for name in self.names])
        self.text = scratch / "text"
        self.text.write_text(demo.text(system=CROWD_SYSTEM, items=((SERVICE, 1),)))
        self.cases = self.mount(demo.DU)
        self.box = self.mount(demo.CITY_DU)
        self.cached, self.uncached = self.sides(True), self.sides(False) if has_cache() else []
        if not self.uncached:
            self.absent.append("lines without cache: this zwyfs has no option cache")

    def mount(self, who, options=""):
        return self.stack.enter_context(sides.zwyfs(self.server, f"as={who}" + options))

    def sides(self, cached):
        slugs = [name.split("/")[1] for name in self.names]
        cases = self.cases if cached else self.mount(demo.DU, "," + UNCACHED)
        made = [sides.zwyfs_side(cases, self.box, slugs)]
        entries = len(os.listdir(made[0].one))
        self.add(made, BARE, sides.bare(cached, self.filled["few"], entries))
        if cached:
            self.on_tmpfs = self.add(made, TMPFS, sides.tmpfs(made[0]))
        if self.on_tmpfs:
            self.add(made, SSHFS, sides.sshfs(self.on_tmpfs, cached))
        return made

    def add(self, made, who, side):
        """The side, or None where this machine has none."""
        try:
            made.append(self.stack.enter_context(side))
            return made[-1]
        except Absent as absent:
            self.absent.append(f"{who}: {absent}")
            return None

    def headline(self):
        return (f"mount: {self.filled['few']} records of one clerk beside {self.filled['crowd']} of another, filed in "
                f"{self.filled['took']:.0f} s; files on processor {FILES_CPU}, servers on {SERVER_CPU}"
                + "".join(f"\n# without {what}" for what in self.absent))

    # ---- measuring ------------------------------------------------------------------

    def round(self):
        for what, words in FILES.items():
            self.line(what, "cached", self.cached, words)
            if what in WITHOUT_CACHE:
                self.line(what, "uncached", self.uncached, words)
        self.call("GetApplication", demo.DU, self.get, "--same-name")
        self.call("CreateApplication", demo.CITY_DU, self.population.requests[demo.CITY_DU], "--prefix", "applications/A-")
        self.freshness()
        self.rounds += 1

    def line(self, what, how, among, words):
        """On every side; who goes first changes from round to round."""
        for side in among[::-1] if self.rounds % 2 else among:
            self.note(Line("mount", what, how, "", side.who), self.files(*words(side), "--seconds", self.arguments.seconds,
                                                                         "--warm-up", self.arguments.seconds / 5))

    def files(self, *words):
        return tool(program("zwy-files"), *words, "--text", self.text, "--cpu", FILES_CPU)

    def call(self, method, who, requests, *words):
        """One at a time, with nothing between the caller and the server."""
        with on(FILES_CPU):
            self.note(Line("mount", method, "unix", 1, ZWYD),
                      load(self.server.unix, method, who, requests, 1, "--seconds", self.arguments.seconds, "--warm-up",
                           self.arguments.seconds / 5, *words))

    def freshness(self):
        """From a change's return to its caller until a reader in the mount sees it."""
        path = self.cases / self.filled["draft"] / "purpose"
        took, stale = [], 0
        end = time.monotonic() + self.arguments.seconds
        with on(FILES_CPU):
            while time.monotonic() < end or not took:
                purpose = f"purpose {time.time_ns()}"
                path.read_bytes()  # known to the mount as it was
                change = message("UpdateApplicationRequest", application={"name": self.filled["draft"], "purpose": purpose},
                                 update_mask={"paths": ["purpose"]})
                self.population.client.call("UpdateApplication", change, as_=demo.DU)
                late, waited = self.wait_until_read(path, purpose + "\n")
                took.append(waited)
                stale += late
        self.note(Line("mount", "update's return to fresh cat", "", "", ZWYFS),
                  percentiles(took) | {"changes": len(took), "stale_reads": stale})

    @staticmethod
    def wait_until_read(path, wanted):
        """Reads that were stale, and microseconds."""
        start, late = time.perf_counter_ns(), 0
        while path.read_text(encoding="utf-8") != wanted:
            late += 1
            assert time.perf_counter_ns() - start < FRESH_WITHIN * 1e9, f"{path} is stale for {FRESH_WITHIN} s"
        return late, (time.perf_counter_ns() - start) / 1000

    # ---- the crowd ------------------------------------------------------------------

    def finish(self):
        """The views over all records of the crowd, once; and what they leave in memory."""
        if not self.filled["crowd"]:
            return
        self.crowd_of_bare()
        server, slabs = private_kib(self.server.pid), slab_kib()
        mount = self.mount(demo.CITY_DU, ",read_deadline=60000")
        before = private_kib(mount.process.pid)
        self.crowd_of_zwyfs(mount)
        self.grown("zwyfs, private", before, private_kib(mount.process.pid))
        self.grown("zwyd, private", server, private_kib(self.server.pid))
        after = slab_kib()
        for name in slabs or ():
            self.grown(f"kernel, {name}", slabs[name], after[name])

    def grown(self, what, before, after):
        self.note(Line("mount memory", what, "", "", ZWYFS), {"before": before, "after": after})

    def crowd_of_bare(self):
        with sides.bare(True, 1, self.filled["crowd"]) as side:
            self.once("ls of the crowd", BARE, lambda: self.files("ls", side.one, "--calls", 1))

    def crowd_of_zwyfs(self, mount):
        view = mount / "applications/by-month" / self.filled["month"]
        self.once("ls of the crowd", ZWYFS, lambda: self.files("ls", view, "--calls", 1))
        self.once("find in the crowd", ZWYFS, lambda: self.find(view))
        paths = self.population.scratch / "crowd"
        paths.write_text("".join(f"{mount / name / 'status'}\n" for name in self.population.some_of_crowd(LOOKED_UP)))
        self.once("stat status, by chance", ZWYFS, lambda: self.files("stat", "--list", paths, "--calls", LOOKED_UP))

    def once(self, what, who, measure):
        """What cannot be done is said, and does not end the run."""
        try:
            self.note(Line("crowd", what, "", "", who), measure())
        except subprocess.CalledProcessError as error:
            print(f"# without {what}: {error.cmd[0]} ended with {error.returncode}", flush=True)

    @staticmethod
    def find(view):
        start = time.perf_counter()
        with on(FILES_CPU):
            found = subprocess.run(["find", view], stdout=subprocess.PIPE, check=True).stdout.count(b"\n") - 1
        took = time.perf_counter() - start
        return {"rate": 1 / took, "p50_us": took * 1e6, "entries": found}
