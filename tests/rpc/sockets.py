#!/usr/bin/python3
"""Listeners of all kinds at once, HTTP/1.1, and sockets whose peers or system give trouble."""
import http.client
import os
import pathlib
import resource
import socket
import subprocess

import echo
from echo import Raw, Server, TIMEOUT, reads_end, shake
from zwytest import Skip, eventually, main, scratch_dir

ECHO = "/echo.Echo/Unary"
NOBODY = 65534


def says(raw):
    assert raw.unary(ECHO, b"x") == (b"x", 0)
    return raw


def unix(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(TIMEOUT)
    sock.connect(path)
    return sock


# ---- kinds ----

def test_listeners_of_every_kind_serve_at_once():
    path = scratch_dir("kinds-") + "/socket"
    name = f"zwy-test-{os.getpid()}"
    targets = ["127.0.0.1:0", "tls:127.0.0.1:0", f"unix:{path}", f"unix-abstract:{name}", "http:127.0.0.1:0", "[::1]:0"]
    with Server(*targets) as server:
        assert server.targets[1].startswith("tls:127.0.0.1:") and server.targets[4].startswith("http:127.0.0.1:")
        assert server.targets[2:4] == targets[2:4]
        kept = [says(Raw(sock)) for sock in (server.dial(0), shake(server, index=1), unix(path), unix("\0" + name))]
        assert get(server, "/hello", index=4)[:2] == (200, b"hello\n")
        peer = kept[3].unary("/echo.Echo/Peer")[0]
        assert peer.startswith(b"unix %d 1 unix:uid=%d" % (os.getuid(), os.getuid())), peer
        server.stop()  # every one of them is told, and ends
        for raw in kept:
            raw.until_closed()
            raw.sock.close()


def test_abstract_names_that_are_none_are_refused():
    for target in ("unix-abstract:", "unix-abstract:" + "x" * 108, "tls:nonsense", "http:", "http:127.0.0.1"):
        ran = subprocess.run([echo.PROGRAM, target], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT,
                             check=False)
        assert ran.returncode == 1 and ran.stderr.startswith("echo_server: "), (target, ran)


# ---- HTTP/1.1 ----

def get(server, path, method="GET", body=None, index=0, headers=None):
    client = http.client.HTTPConnection(*server.address(index), timeout=TIMEOUT)
    client.request(method, path, body, headers or {})
    reply = client.getresponse()
    made = reply.status, reply.read(), dict(reply.getheaders())
    client.close()
    return made


def test_pages_come_over_http_1_1():
    with Server("http:127.0.0.1:0") as server:
        status, body, headers = get(server, "/hello?with=query")
        assert (status, body) == (200, b"hello\n"), (status, body)
        assert headers["Content-Type"] == "text/plain" and headers["Cache-Control"] == "no-store" and headers["Content-Length"] == "6"
        status, body, headers = get(server, "/hello", "HEAD")
        assert (status, body, headers["Content-Length"]) == (200, b"", "6")
        assert get(server, "/failure")[:2] == (503, b"not now\n")
        for path in ("/", "/hell", "/hello/", "//hello", "/echo.Echo/Unary"):
            assert get(server, path)[0] == 404, path
        for method, body in (("POST", b"x" * 100000), ("PUT", None), ("DELETE", None), ("BREW", None)):
            status, _, headers = get(server, "/hello", method, body)
            assert status == 405 and headers["Allow"] == "GET, HEAD", (method, status, headers)


def test_an_http_connection_carries_many_requests():
    with Server("http:127.0.0.1:0") as server:
        client = http.client.HTTPConnection(*server.address(), timeout=TIMEOUT)
        client.connect()
        sock = client.sock
        for _ in range(50):
            client.request("GET", "/hello")
            assert client.getresponse().read() == b"hello\n"
            assert client.sock is sock, "it was closed"
        sock.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n" * 20)  # pipelined
        got = b""
        while got.count(b"hello\n") < 20:
            got += sock.recv(65536)
        client.close()


def test_curl_reads_pages():
    with Server("http:127.0.0.1:0") as server:
        host, port = server.address()
        for options in ([], ["--http1.0"], ["-I"]):
            ran = subprocess.run(["curl", "-sS", "--noproxy", "*", *options, f"http://{host}:{port}/hello"], capture_output=True, text=True,
                                 timeout=TIMEOUT, check=True)
            assert "hello" in ran.stdout or "200 OK" in ran.stdout, ran


def test_what_is_no_http_is_turned_away():
    with Server("http:127.0.0.1:0") as server:
        for said in (b"\0" * 100, b"GET\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9), b"GET /hello HTTP/1.1\r\nX: " + b"x" * 40000):
            with server.dial() as sock:
                sock.settimeout(TIMEOUT)
                try:
                    sock.sendall(said)
                    got = sock.recv(65536)
                except ConnectionResetError:
                    continue
                assert not got or got.startswith(b"HTTP/1.1 4") or got.startswith(b"HTTP/1.1 505") or got.startswith(b"HTTP/1.0 4"), got
        assert get(server, "/hello")[0] == 200


def test_http_connections_are_limited_in_number_and_silence():
    with Server("http:127.0.0.1:0", words=["http_connections=3", "http_timeout=3000"]) as server:
        held = [server.dial() for _ in range(3)]
        for sock in held:
            sock.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            assert sock.recv(65536).startswith(b"HTTP/1.1 200")
        assert reads_end(server.dial())  # one too many
        for sock in held:
            assert reads_end(sock)  # silent for too long
        assert get(server, "/hello")[0] == 200


def asks(sock):
    sock.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
    return sock.recv(65536).startswith(b"HTTP/1.1 200")


def test_http_connections_of_one_address_are_limited():
    with Server("http:127.0.0.1:0", words=["http_connections_per_address=2", "http_timeout=60000"]) as server:
        held = [server.dial() for _ in range(2)]
        assert all(asks(sock) for sock in held)
        assert reads_end(server.dial())  # one too many
        with socket.create_connection(server.address(), TIMEOUT, ("127.0.0.2", 0)) as other:
            assert asks(other)
        held.pop().close()
        eventually(lambda: admitted(server), "a place")
        held.pop().close()


def admitted(server):
    with server.dial() as sock:
        try:
            return asks(sock)
        except OSError:
            return False


def processor_seconds_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_drain_that_waits_for_an_answer_sleeps_meanwhile():
    before = processor_seconds_of_children()
    with Server("http:127.0.0.1:0", words=["http_timeout=5000"]) as server:
        with server.dial() as sock:
            sock.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
            assert get(server, "/hello")[0] == 200  # and before it the server has seen the first
            before += server.processor_seconds()
            server.stop()
    assert processor_seconds_of_children() - before < 1


# ---- too many ----

def test_connections_of_one_user_are_limited():
    if os.getuid() != 0:
        raise Skip("only root can be somebody else")
    folder = pathlib.Path(scratch_dir("user-"))
    folder.chmod(0o711)
    path = f"{folder}/socket"
    with Server(f"unix:{path}", words=["connections_per_address=3"]) as server:
        os.seteuid(NOBODY)
        try:
            held = [unix(path) for _ in range(3)]
            for sock in held:
                says(Raw(sock))
            assert reads_end(unix(path))
        finally:
            os.seteuid(0)
        kept = [says(Raw(unix(path))) for _ in range(5)]  # root itself is not counted
        held.pop().close()

        def admitted():
            os.seteuid(NOBODY)
            try:
                with unix(path) as sock:
                    raw = Raw(sock)
                    return raw.unary(ECHO, b"x") == (b"x", 0)
            except (AssertionError, OSError):
                return False
            finally:
                os.seteuid(0)
        eventually(admitted, "a place")
        server.hears("connections_per_address")
        for sock in held + [raw.sock for raw in kept]:
            sock.close()


def test_out_of_descriptors_it_turns_away_and_goes_on():
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    with Server("127.0.0.1:0", preexec_fn=few) as server:
        server.hears("max_connections is 32, not 4096")
        held, turned_away = [], 0
        for _ in range(100):
            sock = server.dial()
            try:
                held.append(says(Raw(sock)))
            except (OSError, AssertionError):
                turned_away += 1
                sock.close()
        assert len(held) == 32 and turned_away == 68, (len(held), turned_away)
        server.hears("there are max_connections already")
        for raw in held:
            says(raw)
            raw.sock.close()
        eventually(lambda: works(server), "a place")


def works(server):
    with server.dial() as sock:
        try:
            return says(Raw(sock)) is not None
        except (OSError, AssertionError):
            return False


def test_when_the_system_has_no_descriptor_left_it_does_not_spin():
    """The limit is lowered under the running server, below what it has open."""
    with Server("127.0.0.1:0") as server:
        held = [says(Raw(server.dial())) for _ in range(10)]
        count = len(os.listdir(f"/proc/{server.process.pid}/fd"))
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (count, count))
        before = server.processor_seconds()
        for _ in range(30):
            assert reads_end(server.dial())
        for raw in held:
            says(raw)
        assert server.processor_seconds() - before < 5
        for raw in held:
            raw.sock.close()
        eventually(lambda: works(server), "a place")


# ---- peers that do not read ----

def not_reading(server, megabytes=64):
    """A connection that asks for much with windows wide open, and reads nothing."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(server.address())
    raw = Raw(sock)
    raw.h2.update_settings({4: (1 << 31) - 1})
    raw.h2.increment_flow_control_window((1 << 31) - 1 - 65535)
    raw.ask("/echo.Echo/Download", b"%d 1000000" % megabytes)
    return raw


def test_a_peer_that_takes_nothing_is_closed():
    with Server("127.0.0.1:0", words=["write_timeout=300"]) as server:
        raw = not_reading(server)
        server.hears("takes nothing of what is sent to it")
        assert raw.until_closed() < 10 << 20
        raw.sock.close()
        assert works(server)


def test_a_peer_that_reads_slowly_is_not():
    with Server("127.0.0.1:0", words=["write_timeout=3000"]) as server:
        raw = not_reading(server, 4)
        got = 0
        while got < 4000000:
            data = raw.sock.recv(16384)
            assert data, "it was closed"
            got += len(data)
        raw.sock.close()
        assert not any("takes nothing" in line for line in server.said), server.said


def test_what_all_leave_unread_is_bounded():
    with Server("127.0.0.1:0", words=["unwritten_max=400000"]) as server:
        fast = says(Raw(server.dial()))
        slow = [not_reading(server) for _ in range(12)]
        server.hears("leave too much unread")
        says(fast)
        for raw in slow:
            raw.sock.close()
        fast.sock.close()


if __name__ == "__main__":
    main()
