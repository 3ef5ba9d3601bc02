"""What the bench measures: the servers, their load, one sample of every line a round."""
import collections
import os
import pathlib
import struct
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "harness"))
from zwytest import authority  # noqa: E402
from zwytest import Mount, Server, build_dir, can_mount, contract, demo, message  # noqa: E402, F401

LOAD = build_dir() / "tests/bench/zwy-load"
FLOOR = build_dir() / "tests/bench/zwy-floor"
ECHO = build_dir() / "tests/bench/zwy-echo"
PEER = build_dir() / "tests/bench/zwy-peer"
SERVICE = "block-storage"
SETTLED = 7  # seconds after which a server has given back what it kept for the next calls (idle_trim)

# One line of the table: what is asked, over which transport, how many at a time, of whom.
Line = collections.namedtuple("Line", "group what over n who")
ZWYD, CXX, LMDB, HTTP2 = "zwyd", "gRPC C++", "LMDB alone", "HTTP/2 alone"


def tool(*words):
    """Runs a measuring program; its key=value line as numbers."""
    ran = subprocess.run([str(w) for w in words], stdout=subprocess.PIPE, text=True, check=True)
    return {key: float(value) for key, value in (pair.split("=") for pair in ran.stdout.split() if "=" in pair)}


def private_kib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return int(fields["RssAnon"].split()[0])


class Process:
    """A server of the bench's own: prints `listening TARGET` lines, ends when killed."""

    def __init__(self, *words, lines=1):
        self.process = subprocess.Popen([str(w) for w in words], stdout=subprocess.PIPE, text=True)
        said = [self.process.stdout.readline().split() for _ in range(lines)]
        self.targets = [words[1] for words in said if len(words) > 1]
        self.pid = self.process.pid

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def kind_of(target):
    return target.split(":")[0] if target.startswith(("unix:", "tls:")) else "tcp"


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.server = self.new_zwyd()
        shown = authority.client_pair(demo.DU)
        self.certificate = ["--cert", shown.certificate, "--key", shown.key]
        self.scratch = self.server.directory / "bench"
        self.scratch.mkdir()
        self.samples = {}  # Line -> [result]
        self.rounds = 0
        self.client = self.server.client()
        self.peer = None

    def close(self):
        if self.peer:
            self.peer.close()
        self.server.close()

    # ---- preparing ------------------------------------------------------------

    def requests(self, name, messages):
        """Writes the messages that zwy-load shall send in turn."""
        path = self.scratch / name
        with open(path, "wb") as file:
            for item in messages:
                encoded = item.SerializeToString()
                file.write(struct.pack(">I", len(encoded)) + encoded)
        return path

    def populate(self):
        demo.set_limit(self.client, 10 ** 12, SERVICE)
        made = demo.application(items=((SERVICE, 1),))
        self.create = self.requests("create", [message("CreateApplicationRequest", application=made, submit=True)])
        self.draft = self.requests("draft", [message("CreateApplicationRequest", application=made)])
        self.load(self.server, self.server.unix, "CreateApplication", self.create, 100, "--prefix", "applications/A-",
                  "--calls", self.arguments.records)
        names = [a.name for a in self.client.call("ListApplications", as_=demo.DU, page_size=1000).items]
        self.names = names
        self.get = self.requests("get", [message("GetApplicationRequest", name=name) for name in names])
        self.list_size = len(names)
        self.list = self.requests("list", [message("ListApplicationsRequest", page_size=self.list_size)])
        self.watch = self.requests("watch", [message("WatchRequest", prefix="applications/")])
        size = self.client.call("GetApplication", as_=demo.DU, name=names[0]).ByteSize()
        self.answer_size = size

    def find_puts(self):
        """The puts of one create, and a copy of the store to repeat them on."""
        before, self.copy = self.scratch / "before", self.scratch / "copy"
        before.mkdir()
        self.copy.mkdir()
        tool(FLOOR, "copy", self.server.data, before)
        self.load(self.server, self.server.unix, "CreateApplication", self.create, 1, "--prefix", "applications/A-", "--calls", 1)
        puts = subprocess.run([FLOOR, "diff", before, self.server.data], stdout=subprocess.PIPE, text=True, check=True).stdout
        self.puts = self.scratch / "puts"
        self.puts.write_text(puts)
        tool(FLOOR, "copy", self.server.data, self.copy)

    def start_peer(self):
        """The server by gRPC C++, if it was built, on a copy of the same records."""
        self.peer = self.new_peer() if PEER.exists() else None
        self.targets = {ZWYD: {kind_of(t): t for t in self.server.targets}}
        if self.peer:
            self.targets[CXX] = {kind_of(t): t for t in self.peer.targets}

    def new_peer(self):
        store = self.scratch / f"peer-{time.monotonic_ns()}"
        store.mkdir()
        tool(FLOOR, "copy", self.server.data, store)
        targets = [f"unix:{store}/socket", "127.0.0.1:0", "tls:127.0.0.1:0"]
        pair = authority.server_pair()
        return Process(PEER, store, "--cert", pair.certificate, "--key", pair.key, *targets, lines=len(targets))

    @staticmethod
    def new_zwyd(data=None):
        return Server(tcp_as="demo", tls=True, data=data)

    # ---- measuring --------------------------------------------------------------

    def load(self, server, target, method, requests, concurrency, *words, connections=1):
        seconds = self.arguments.seconds
        return tool(LOAD, "--target", target, "--path", contract.call_path(contract.method(method)),
                    "--as", f"principals/{demo.DU}", "--requests", requests, "--concurrency", concurrency,
                    "--connections", connections, "--seconds", seconds, "--warm-up", seconds / 5, "--pid", server.pid, *self.certificate, *words)

    def note(self, line, result):
        self.samples.setdefault(line, []).append(result)

    def both(self, group, over, n, method, requests, *words, label=None):
        """One line of zwyd and of its peer, who goes first changing from round to round."""
        servers = [(ZWYD, self.server)] + ([(CXX, self.peer)] if self.peer else [])
        for who, server in servers[::-1] if self.rounds % 2 else servers:
            if over in self.targets[who]:
                self.note(Line(group, label or method, over, n, who),
                          self.load(server, self.targets[who][over], method, requests, n, *words))

    def round(self):
        only = self.arguments.only
        for group in ("read", "list", "write", "watch"):
            if not only or group in only:
                getattr(self, group + "_lines")()
        self.rounds += 1

    def read_lines(self):
        seconds = self.arguments.seconds
        self.note(Line("read", "get", "", "", LMDB), tool(FLOOR, "get", self.copy, "records", seconds))
        for n in (1, 10, 100):
            self.http2_floor(n)
            for over in ("unix", "tcp", "tls"):
                self.both("read", over, n, "GetApplication", self.get, "--same-name")

    def http2_floor(self, n):
        """The same load on a server that does nothing but HTTP/2."""
        target = f"unix:{self.scratch}/echo.sock"
        with Process(ECHO, target[5:], self.answer_size) as echo:
            self.note(Line("read", "the same bytes", "unix", n, HTTP2),
                      self.load(echo, target, "GetApplication", self.get, n))

    def list_lines(self):
        for n in (1, 10):
            self.both("list", "unix", n, "ListApplications", self.list, "--items", self.list_size,
                      label=f"{self.list_size} records in one reply")

    def write_lines(self):
        for n in (1, 10, 100):
            self.note(Line("write", "the same puts, one commit", "", n, LMDB),
                      tool(FLOOR, "commit", self.copy, self.puts, n, self.arguments.seconds))
            self.both("write", "unix", n, "CreateApplication", self.create, "--prefix", "applications/A-")

    def watch_lines(self):
        """Drafts are filed one after the other, each when all watchers have heard of the one before."""
        for n in self.arguments.watchers:
            self.both("watch", "unix", 1, "CreateApplication", self.draft, "--prefix", "applications/A-",
                      "--watch", "/zwy.v1.WatchService/Watch", "--watch-requests", self.watch, "--watchers", n,
                      label=f"event to {n} watchers")

    # ---- memory -------------------------------------------------------------------

    def memory_lines(self, connections):
        """KiB of private memory of fresh servers: at rest, and for each idle connection after one call."""
        for who in (ZWYD, CXX) if self.peer else (ZWYD,):
            for over in self.targets[who]:
                server = self.new_zwyd(self.copied_data()) if who == ZWYD else self.new_peer()
                try:
                    target = next(t for t in server.targets if kind_of(t) == over)
                    self.note(Line("memory", "private KiB", over, connections, who), self.held(server, target, connections))
                finally:
                    server.close()

    def copied_data(self):
        """A data directory for another zwyd: the store is copied while it is in use."""
        data = self.scratch / f"data-{time.monotonic_ns()}"
        (data / "documents").mkdir(parents=True)
        data.chmod(0o700)
        tool(FLOOR, "copy", self.server.data, data)
        return data

    def held(self, server, target, connections):
        before = private_kib(server.pid)
        words = [LOAD, "--target", target, "--path", contract.call_path(contract.method("GetApplication")), "--as",
                 f"principals/{demo.DU}", "--requests", self.get, "--same-name", "--connections", connections,
                 "--concurrency", connections, "--calls", connections, "--hold", *self.certificate]
        holder = subprocess.Popen([str(w) for w in words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            assert holder.stdout.readline() == "holding\n", "the connections were not held"
            fresh = private_kib(server.pid)
            time.sleep(0 if self.arguments.smoke else SETTLED)
            idle = private_kib(server.pid)
        finally:
            holder.communicate()
        return {"rest": before, "fresh": (fresh - before) / connections, "idle": (idle - before) / connections}

    # ---- the mount ------------------------------------------------------------------

    def mount_lines(self):
        mount = Mount(self.server)
        try:
            record = mount / self.names[0]
            self.timed("stat, cached", lambda i: os.stat(record / "status"))
            self.timed("stat, another record each", lambda i: os.stat(mount / self.names[i % len(self.names)] / "status"))
            self.timed("cat status, same record", lambda i: (record / "status").read_bytes())
            self.timed("cat record, another each", lambda i: (mount / self.names[i % len(self.names)] / "record").read_bytes())
            self.timed("ls of a record", lambda i: os.listdir(record))
            self.timed("ls catalogue", lambda i: os.listdir(mount / "catalogue"))
            text = demo.text(items=((SERVICE, 1),))
            self.timed("write a request", lambda i: (mount / f"requests/bench-{time.time_ns()}.req").write_text(text))
        finally:
            mount.close()

    def timed(self, what, operation):
        """Repeats it for the time given; microseconds of one, the middle and the 99th."""
        operation(0)
        took, end = [], time.perf_counter() + self.arguments.seconds
        while time.perf_counter() < end and len(took) < 200000:
            start = time.perf_counter_ns()
            operation(len(took))
            took.append((time.perf_counter_ns() - start) / 1000)
        took.sort()
        self.note(Line("mount", what, "", "", "zwyfs"),
                  {f"p{name}_us": took[int((len(took) - 1) * share)] for name, share in
                   (("50", .5), ("90", .9), ("99", .99), ("999", .999))} | {"rate": len(took) / (sum(took) / 1e6)})
