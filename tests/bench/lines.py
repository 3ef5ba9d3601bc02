"""What is measured of calls: the servers, their load, one sample of every line a round."""
import subprocess
import time

from common import CXX, HTTP2, LMDB, SERVICE, ZWYD, Line, Samples, load, private_kib, tool, write_requests
from zwytest import Server, authority, build_dir, contract, demo, message, program

FLOOR = build_dir() / "tests/bench/zwy-floor"
ECHO = build_dir() / "tests/bench/zwy-echo"
PEER = build_dir() / "tests/bench/zwy-peer"
SETTLED = 7  # seconds after which a server has given back what it kept for the next calls (idle_trim)


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


class Bench(Samples):
    def __init__(self, arguments):
        super().__init__()
        self.arguments = arguments
        self.server = self.new_zwyd()
        shown = authority.client_pair(demo.DU)
        self.certificate = ["--cert", shown.certificate, "--key", shown.key]
        self.scratch = self.server.directory / "bench"
        self.scratch.mkdir()
        self.rounds = 0
        self.client = self.server.client()
        self.peer = None

    def close(self):
        if self.peer:
            self.peer.close()
        self.server.close()

    # ---- preparing ------------------------------------------------------------

    def prepare(self):
        self.populate()
        self.find_puts()
        self.start_peer()

    def requests(self, name, messages):
        return write_requests(self.scratch / name, messages)

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
        return load(target, method, demo.DU, requests, concurrency, "--connections", connections, "--seconds", seconds,
                    "--warm-up", seconds / 5, "--pid", server.pid, *self.certificate, *words)

    def both(self, group, over, n, method, requests, *words, label=None):
        """One line of zwyd and of its peer, who goes first changing from round to round."""
        servers = [(ZWYD, self.server)] + ([(CXX, self.peer)] if self.peer else [])
        for who, server in servers[::-1] if self.rounds % 2 else servers:
            if over in self.targets[who]:
                self.note(Line(group, label or method, over, n, who),
                          self.load(server, self.targets[who][over], method, requests, n, *words))

    def round(self):
        for group in ("read", "list", "write", "watch"):
            if group in self.arguments.groups:
                getattr(self, group + "_lines")()
        self.rounds += 1

    def finish(self):
        if "memory" in self.arguments.groups:
            self.memory_lines(self.arguments.connections)

    def headline(self):
        return (f"{self.arguments.records} applications of {self.answer_size} bytes, {len(self.puts.read_text().splitlines())} puts a create"
                + ("" if self.peer else "; without gRPC C++ (zwy-peer is not built)"))

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
        words = [program("zwy-load"), "--target", target, "--path", contract.call_path(contract.method("GetApplication")), "--as",
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
