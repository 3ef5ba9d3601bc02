#!/usr/bin/python3
"""Listeners of zwyd: pages over HTTP/1.1, sockets from systemd and what it is told."""
import contextlib
import http.client
import os
import pathlib
import queue
import resource
import signal
import socket
import stat
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import authority, demo, eventually, main, scratch_dir, with_server  # noqa: E402


def get(target, path):
    host, port = target.removeprefix("http:").rsplit(":", 1)
    client = http.client.HTTPConnection(host, int(port), timeout=30)
    with contextlib.closing(client):
        client.request("GET", path)
        reply = client.getresponse()
        return reply.status, reply.read()


@with_server(arguments=("--listen", "http:127.0.0.1:0", "--listen", "http:[::1]:0"))
def test_pages_come_over_http_1_1(server):
    assert server.client().call("WhoAmI").principal.name == "principals/demo"
    for target in server.targets[2:]:
        status, body = get(target.replace("[::1]", "::1"), "/metrics")
        assert status == 200 and b"grpc_server_handled_total{" in body, (status, body)
        status, body = get(target.replace("[::1]", "::1"), "/healthz")
        assert (status, body) == (200, b"serving\n"), (status, body)
        assert get(target.replace("[::1]", "::1"), "/zwy.v1.NodeService/GetNode")[0] == 404


class Handed:
    """Makes the server start with listening sockets, as systemd does; `names` in their order."""

    def __init__(self, server, sockets):
        self.server, self.sockets = server, []
        for name, sock in sockets:  # from far up, so that none is moved over another
            self.sockets.append((name, socket.socket(fileno=os.dup2(sock.fileno(), 100 + len(self.sockets)))))
            sock.close()
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.path = scratch_dir("notify-") + "/socket"
        self.notices.bind(self.path)
        # They are read as they come, as systemd does: a server whose signs of life nobody reads waits.
        self.said = queue.Queue()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def command(self):
        """A shell in between knows the process id that LISTEN_PID must name."""
        names = ":".join(name for name, _ in self.sockets)
        moves = "".join(f" {3 + i}<&{sock.fileno()}" for i, (_, sock) in enumerate(self.sockets))
        script = f'exec "$@"{moves}'
        environment = [f"LISTEN_FDS={len(self.sockets)}", f"LISTEN_FDNAMES={names}", f"NOTIFY_SOCKET={self.path}"]
        return ["env", *environment, "bash", "-c", f"export LISTEN_PID=$$ WATCHDOG_PID=$$ WATCHDOG_USEC=100000; {script}", "zwyd"]

    def start(self):
        inner = type(self.server).command(self.server)
        self.server.command = lambda: self.command() + inner
        self.server.pass_fds = tuple(sock.fileno() for _, sock in self.sockets)
        self.server.extra_targets = len(self.sockets)
        self.server.start()

    def _read(self):
        while said := self.notices.recv(4096).decode():
            self.said.put(said)

    def notice(self, wanted):
        while True:
            said = self.said.get(timeout=60)
            if said.startswith(wanted):
                return said

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self.path)
        self.reader.join()
        for _, sock in self.sockets:
            sock.close()
        self.notices.close()


def listening(family, address):
    sock = socket.socket(family)
    sock.bind(address)
    sock.listen()
    return sock


def test_sockets_from_systemd_serve_by_their_names(server):
    assert server.stop() == 0
    path = scratch_dir("handed-") + "/socket"
    handed = Handed(server, [("plain", listening(socket.AF_INET, ("127.0.0.1", 0))), ("tls", listening(socket.AF_INET, ("127.0.0.1", 0))),
                             ("http", listening(socket.AF_INET, ("127.0.0.1", 0))), ("anything", listening(socket.AF_UNIX, path))])
    os.chmod(path, 0o600)
    server.settings = {"tls_certificate": authority.server_pair().certificate, "tls_key": authority.server_pair().key,
                       "tls_client_ca": authority.authority().certificate, "tls_client_certificates": "optional"}
    with contextlib.closing(handed):
        handed.start()
        ports = [sock.getsockname()[1] for _, sock in handed.sockets[:3]]
        assert server.targets[:4] == [f"127.0.0.1:{ports[0]}", f"tls:127.0.0.1:{ports[1]}", f"http:127.0.0.1:{ports[2]}", f"unix:{path}"]
        handed.notice("READY=1")
        assert server.client(target=server.tls, certificate=demo.DU).call("WhoAmI").principal.name == "principals/" + demo.DU
        assert server.client(target=f"unix:{path}").call("WhoAmI").principal.name == "principals/demo"
        assert get(server.targets[2], "/healthz")[0] == 200
        handed.notice("WATCHDOG=1")
        server.process.send_signal(signal.SIGHUP)
        assert "MONOTONIC_USEC=" in handed.notice("RELOADING=1")
        handed.notice("READY=1")
        assert server.stop() == 0
        handed.notice("STOPPING=1")
        # They are systemd's: the file is there, as it was, and callers wait in it for the next start.
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        with socket.socket(socket.AF_UNIX) as waiting:
            waiting.connect(path)
        handed.start()
        assert server.client(target=f"unix:{path}").call("WhoAmI").principal.name == "principals/demo"


def test_a_socket_that_cannot_be_served_ends_the_start(server):
    assert server.stop() == 0
    handed = Handed(server, [("x", socket.socket(socket.AF_INET, socket.SOCK_DGRAM))])
    with contextlib.closing(handed):
        try:
            handed.start()
        except AssertionError as error:
            assert "neither a TCP nor a Unix stream socket" in str(error), error
        else:
            raise AssertionError("it started")
    server.process = None
    del server.command
    server.pass_fds, server.extra_targets = (), 0


def test_the_limit_of_open_files_is_raised_as_far_as_it_goes(server):
    soft, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    assert soft == hard


if __name__ == "__main__":
    main()
