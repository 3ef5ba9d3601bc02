"""The servers that are abused: what they cost meanwhile, and whether they still serve."""
import atexit
import contextlib
import os
import signal
import subprocess
import sys

from zwytest import Server, build_dir
from peer import PATIENCE, Peer

CPU_MAX = 5.0  # seconds for one case
MEMORY_MAX = 64 << 20  # bytes of growth in one case
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Target:
    """A process that serves `unary`, which takes an empty message, on 127.0.0.1:`port`."""

    def __init__(self, name, pid, port, unary):
        self.name, self.pid, self.address, self.unary = name, pid, ("127.0.0.1", port), unary

    def cost(self):
        """CPU seconds and resident bytes so far."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            numbers = file.read().rsplit(")", 1)[1].split()
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:
            resident = int(file.read().split()[1]) * PAGE
        return (int(numbers[11]) + int(numbers[12])) / TICKS, resident

    def serves(self):
        """A good call on a connection of its own."""
        with Peer(self) as peer:
            peer.say(peer.call(1))
            peer.listen(lambda: peer.reply(1).over)
            return peer.reply(1).status == 0

    @contextlib.contextmanager
    def watched(self):
        """The block must be cheap, and leave others served as before. It is given a function that looks at the
        cost while its connection is still open, since what a peer makes a server hold goes away with it."""
        costs = [self.cost()]
        yield lambda: costs.append(self.cost())
        costs.append(self.cost())
        cpu = costs[-1][0] - costs[0][0]
        memory = max(resident for _, resident in costs) - costs[0][1]
        # Sanitizers keep freed memory in quarantine.
        allowed = MEMORY_MAX * (8 if "asan" in build_dir().name else 1)
        assert cpu < CPU_MAX, f"it cost {cpu:.1f} s of CPU"
        assert memory < allowed, f"it cost {memory >> 20} MiB"
        assert self.serves(), "a good call is not answered any more"


def interop(*limits):
    """tests/conformance's server; limits: NAME=VALUE."""
    program = build_dir() / "tests/conformance/zwy-interop-server"
    words = [str(program), "--listen", "127.0.0.1:0"]
    for limit in limits:
        words += ["--limit", limit]
    # pylint: disable-next=consider-using-with
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    atexit.register(stop, process)
    line = process.stdout.readline()
    assert line.startswith("listening "), line
    return Target("interop", process.pid, int(line.rsplit(":", 1)[1]), "/grpc.testing.TestService/EmptyCall")


def stop(process):
    """A server that does not end cleanly after all this fails the run."""
    process.send_signal(signal.SIGTERM)
    try:
        status = process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        status = process.wait()
    process.stdout.close()
    if status != 0:
        print(f"not ok - the server ended with {status}", flush=True)
        sys.stdout.flush()
        os._exit(1)


def zwyd():
    server = Server()
    atexit.register(server.close)
    return Target("zwyd", server.pid, int(server.tcp.rsplit(":", 1)[1]), "/grpc.health.v1.Health/Check")
