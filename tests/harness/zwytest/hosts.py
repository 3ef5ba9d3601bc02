"""Hosts that a test makes for itself: network namespaces at a switch in a namespace of its own.

No address, device or name of them exists outside, and all of it ends with the test, however that ends: a namespace
lives as long as a process that waits for the test's end of a pipe. Files are shared, so that the test sees the mounts
of every host, and reaches a server through its Unix socket however its network is."""
import contextlib
import os
import shutil
import subprocess

from .tap import Skip, eventually

NETWORK = "10.77.0."
SERVER = NETWORK + "1"  # authority.py certifies it


def can_be_made():
    """Why not; None if they can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    missing = [program for program in ("ip", "unshare", "nsenter") if not shutil.which(program)]
    return f"no {missing[0]}" if missing else None


class Namespace:
    def __init__(self):
        reason = can_be_made()
        if reason:
            raise Skip(reason)
        self.process = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        outside = os.readlink("/proc/self/ns/net")
        try:
            eventually(lambda: self.process.poll() is not None or self._namespace() != outside, "the namespace")
            if self.process.poll() is not None:
                raise Skip("no network namespaces here")
        except BaseException:
            self.close()
            raise
        self.inside = ["nsenter", f"--net=/proc/{self.process.pid}/ns/net"]

    def _namespace(self):
        with contextlib.suppress(OSError):
            return os.readlink(f"/proc/{self.process.pid}/ns/net")

    def run(self, *words):
        ran = subprocess.run(self.inside + list(map(str, words)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, check=False)
        assert ran.returncode == 0, f"{words}: {ran.stdout}"
        return ran.stdout

    def ip(self, *words):
        return self.run("ip", *words)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Host(Namespace):
    """At the switch, by its port of this number. `inside`: words before a command that is to run there."""

    def __init__(self, switch, number, address):
        super().__init__()
        self.switch, self.port, self.address = switch, f"port{number}", address
        try:
            switch.ip("link", "add", self.port, "type", "veth", "peer", "name", "eth0", "netns", self.process.pid)
            switch.ip("link", "set", self.port, "master", "switch", "up")
            # Who takes an address over tells the switch, and no neighbour has to notice: as with VRRP.
            self.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/eth0/arp_notify")
            self.ip("link", "set", "eth0", "address", f"02:00:00:00:00:{int(address.removeprefix(NETWORK)):02x}")
            self.ip("link", "set", "lo", "up")
            self.ip("address", "add", address + "/24", "dev", "eth0")
            self.ip("link", "set", "eth0", "up")
        except BaseException:
            self.close()
            raise

    # Each way to be cut off, and how it is mended.
    def unplug(self):
        """The other end notices, as of a cable."""
        self.switch.ip("link", "set", self.port, "down")

    def plug(self):
        self.switch.ip("link", "set", self.port, "up")

    def switch_off(self):
        """The host itself notices: it has no route."""
        self.ip("link", "set", "eth0", "down")

    def switch_on(self):
        self.ip("link", "set", "eth0", "up")

    def lose_everything(self):
        """Nobody notices: what is sent vanishes."""
        self.switch.ip("link", "set", self.port, "nomaster")

    def lose_nothing(self):
        self.switch.ip("link", "set", self.port, "master", "switch")


CUTS = ((Host.lose_everything, Host.lose_nothing), (Host.unplug, Host.plug), (Host.switch_off, Host.switch_on))


class Network(contextlib.ExitStack):
    """host() adds one, with the next address or the one given; the first is the server's."""

    def __init__(self):
        super().__init__()
        self.count = 0
        self.switch = Namespace()
        self.callback(self.switch.close)
        try:
            self.switch.ip("link", "add", "switch", "type", "bridge")
            self.switch.ip("link", "set", "switch", "up")
        except BaseException:
            self.close()
            raise

    def host(self, address=None):
        self.count += 1
        host = Host(self.switch, self.count, address or f"{NETWORK}{self.count}")
        self.callback(host.close)
        return host
