#!/usr/bin/python3
"""Stock grpcio against echo_server, over TCP, IPv6, TLS and a Unix socket. TAP on standard output."""
import concurrent.futures
import os
import pathlib
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import authority, end_by_signal  # noqa: E402

OUT_OF_TIME = 60  # seconds until a hang counts as a failure


class Server:
    def __init__(self, program, *targets, words=()):
        self.process = subprocess.Popen([program, *words, *targets], stdout=subprocess.PIPE, text=True)
        self.targets = []
        for _ in targets:
            line = self.process.stdout.readline()
            assert line.startswith("listening "), line
            self.targets.append(line.split()[1])

    def stop(self):
        status = end_by_signal(self.process, OUT_OF_TIME)
        assert status == 0, f"server ended with {status}"
        return self.process.stdout.read()


class Echo:
    """The methods of one server, over one channel."""

    def __init__(self, target):
        options = [("grpc.max_receive_message_length", 64 << 20), ("grpc.use_local_subchannel_pool", 1)]
        if target.startswith("tls:"):
            credentials = grpc.ssl_channel_credentials(authority.authority().pem)
            self.channel = grpc.secure_channel(target[len("tls:"):], credentials, options)
        else:
            self.channel = grpc.insecure_channel(target, options)
        self.unary = self.channel.unary_unary("/echo.Echo/Unary")
        self.later = self.channel.unary_unary("/echo.Echo/Later")
        self.fault = self.channel.unary_unary("/echo.Echo/Fault")
        self.sleep = self.channel.unary_unary("/echo.Echo/Sleep")
        self.peer = self.channel.unary_unary("/echo.Echo/Peer")
        self.upload = self.channel.stream_unary("/echo.Echo/Upload")
        self.download = self.channel.unary_stream("/echo.Echo/Download")
        self.chat = self.channel.stream_stream("/echo.Echo/Chat")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()


def refused(call, *args, **kwargs):
    try:
        call(*args, timeout=OUT_OF_TIME, **kwargs)
    except grpc.RpcError as error:
        return error
    raise AssertionError("the call succeeded")


def unary_calls_answer(echo):
    for i in range(200):
        assert echo.unary(b"hello %d" % i, timeout=OUT_OF_TIME) == b"hello %d" % i
    assert echo.unary(b"", timeout=OUT_OF_TIME) == b""


def a_reply_may_come_on_a_later_turn(echo):
    futures = [echo.later.future(b"%d" % i, timeout=OUT_OF_TIME) for i in range(100)]
    assert [f.result() for f in futures] == [b"%d" % i for i in range(100)]


def metadata_goes_both_ways(echo):
    reply, call = echo.unary.with_call(b"x", timeout=OUT_OF_TIME,
                                       metadata=(("x-header", "value"), ("x-trailer-bin", b"\0\xff\n")))
    assert reply == b"x"
    assert ("x-header", "value") in [tuple(pair) for pair in call.initial_metadata()]
    assert ("x-trailer-bin", b"\0\xff\n") in [tuple(pair) for pair in call.trailing_metadata()]


def large_messages_pass_and_larger_ones_are_refused(echo):
    body = os.urandom(1 << 20) * 4
    assert echo.unary(body, timeout=OUT_OF_TIME) == body
    error = refused(echo.unary, body + b"x")
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error
    assert echo.unary(b"still here", timeout=OUT_OF_TIME) == b"still here"


def uploads_are_counted(echo):
    parts = [os.urandom(n) for n in (0, 1, 100000, 3000000, 7)]
    assert echo.upload(iter(parts), timeout=OUT_OF_TIME) == b"3100008"
    assert echo.upload(iter([]), timeout=OUT_OF_TIME) == b"0"


def downloads_arrive_whole(echo):
    sizes = [len(part) for part in echo.download(b"300 65536", timeout=OUT_OF_TIME)]
    assert sizes == [65536] * 300
    assert list(echo.download(b"0 0", timeout=OUT_OF_TIME)) == []


def chats_interleave(echo):
    def talk(k):
        said = [b"%d-%d" % (k, i) for i in range(100)]
        return list(echo.chat(iter(said), timeout=OUT_OF_TIME)) == said
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(talk, range(24)))


def a_chat_of_large_messages_is_held_back_not_lost(echo):
    said = [os.urandom(200000) for _ in range(50)]
    assert list(echo.chat(iter(said), timeout=OUT_OF_TIME)) == said


def faults_carry_status_and_text(echo):
    text = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
    error = refused(echo.fault, b"-21 " + text.encode())
    assert error.code() != grpc.StatusCode.OK
    assert error.details() == text, error.details()
    assert "grpc-status-details-bin" in [pair[0] for pair in error.trailing_metadata()]


def unknown_methods_are_unimplemented(echo):
    for path in ("/echo.Echo/None", "/none.None/Unary", "/echo.Echo/Unary/"):
        error = refused(echo.channel.unary_unary(path), b"x")
        assert error.code() == grpc.StatusCode.UNIMPLEMENTED, error


def deadlines_pass(echo):
    try:
        echo.sleep(b"x", timeout=0.2)
        raise AssertionError("it answered")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error


def calls_can_be_cancelled(echo):
    future = echo.sleep.future(b"x", timeout=OUT_OF_TIME)
    future.cancel()
    stream = echo.download(b"1000000 10000", timeout=OUT_OF_TIME)
    next(stream)
    stream.cancel()
    try:
        for _ in stream:
            pass
        raise AssertionError("it ended well")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.CANCELLED, error
    assert echo.unary(b"still here", timeout=OUT_OF_TIME) == b"still here"


def a_hundred_callers_at_once(echo):
    def call(i):
        return echo.unary(b"%d" % i, timeout=OUT_OF_TIME) == b"%d" % i
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        assert all(pool.map(call, range(2000)))


ON_ANY_TRANSPORT = [
    unary_calls_answer, a_reply_may_come_on_a_later_turn, metadata_goes_both_ways,
    large_messages_pass_and_larger_ones_are_refused, uploads_are_counted, downloads_arrive_whole,
    chats_interleave, a_chat_of_large_messages_is_held_back_not_lost, faults_carry_status_and_text,
    unknown_methods_are_unimplemented, deadlines_pass, calls_can_be_cancelled, a_hundred_callers_at_once,
]


def on_transport(name, test):
    def run(program, folder):
        target = {"tcp": "127.0.0.1:0", "ipv6": "[::1]:0", "unix": f"unix:{folder}/new/folder/socket",
                  "tls": "tls:127.0.0.1:0"}[name]
        words = []
        if name == "tls":
            pair = authority.server_pair()
            words = [f"certificate={pair.certificate}", f"key={pair.key}"]
        server = Server(program, target, words=words)
        assert not server.targets[0].endswith(":0")
        with Echo(server.targets[0]) as echo:
            test(echo)
        server.stop()
    run.__name__ = f"{name}_{test.__name__}"
    return run


def the_peer_of_a_unix_socket_is_known_by_its_uid(program, folder):
    server = Server(program, f"unix:{folder}/socket", "127.0.0.1:0")
    with Echo(server.targets[0]) as echo:
        assert echo.peer(b"", timeout=OUT_OF_TIME) == b"unix %d 1 unix:uid=%d " % (os.getuid(), os.getuid())
    with Echo(server.targets[1]) as echo:
        assert echo.peer(b"", timeout=OUT_OF_TIME).startswith(b"tcp 0 1 127.0.0.1:")
    server.stop()


def a_unix_socket_is_open_to_all_and_removed_at_the_end(program, folder):
    path = pathlib.Path(folder, "made", "socket")
    server = Server(program, f"unix:{path}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o666
    server.stop()
    assert not path.exists()


def a_stale_socket_is_replaced_but_a_live_one_is_not(program, folder):
    target = f"unix:{folder}/socket"
    first = Server(program, target)
    second = subprocess.run([program, target], capture_output=True, text=True, timeout=OUT_OF_TIME)
    assert second.returncode == 1 and "listens there already" in second.stderr, second
    with Echo(target) as echo:
        assert echo.unary(b"x", timeout=OUT_OF_TIME) == b"x"
    first.process.kill()
    first.process.wait()
    first.process.stdout.close()
    assert os.path.exists(f"{folder}/socket")
    third = Server(program, target)
    with Echo(target) as echo:
        assert echo.unary(b"x", timeout=OUT_OF_TIME) == b"x"
    third.stop()


def a_file_that_is_no_socket_is_not_replaced(program, folder):
    path = pathlib.Path(folder, "socket")
    path.write_text("mine")
    run = subprocess.run([program, f"unix:{path}"], capture_output=True, text=True, timeout=OUT_OF_TIME)
    assert run.returncode == 1 and "not a socket" in run.stderr, run
    assert path.read_text() == "mine"


def targets_that_are_none_are_refused(program, folder):
    for target in ("", "unix:", "nonsense", "::1:80", "[::1]", "127.0.0.1:70000", "127.0.0.1:x", f"unix:{'x' * 200}"):
        run = subprocess.run([program, target], capture_output=True, text=True, timeout=OUT_OF_TIME)
        assert run.returncode == 1 and run.stderr.startswith("echo_server: "), (target, run)


def a_drain_lets_calls_under_way_finish(program, folder):
    server = Server(program, f"unix:{folder}/socket")
    with Echo(server.targets[0]) as echo:
        gate = threading.Event()

        def say():
            yield b"first"
            gate.wait(OUT_OF_TIME)
            yield b"last"
        replies = echo.chat(say(), timeout=OUT_OF_TIME)
        assert next(replies) == b"first"
        server.process.send_signal(signal.SIGTERM)
        while os.path.exists(f"{folder}/socket"):  # the listener is closed first
            time.sleep(0.01)
        gate.set()
        assert list(replies) == [b"last"]
    assert server.process.wait(OUT_OF_TIME) == 0
    server.process.stdout.close()


def after_its_grace_a_drain_ends_what_is_left(program, folder):
    server = Server(program, f"unix:{folder}/socket")
    with Echo(server.targets[0]) as echo:
        future = echo.sleep.future(b"x", timeout=OUT_OF_TIME)
        echo.unary(b"x", timeout=OUT_OF_TIME)
        server.process.send_signal(signal.SIGTERM)
        error = refused(lambda timeout: future.result(timeout))
        assert error.code() == grpc.StatusCode.UNAVAILABLE, error
    assert server.process.wait(OUT_OF_TIME) == 0
    server.process.stdout.close()


OWN_SERVER = [
    the_peer_of_a_unix_socket_is_known_by_its_uid, a_unix_socket_is_open_to_all_and_removed_at_the_end,
    a_stale_socket_is_replaced_but_a_live_one_is_not, a_file_that_is_no_socket_is_not_replaced,
    targets_that_are_none_are_refused, a_drain_lets_calls_under_way_finish,
    after_its_grace_a_drain_ends_what_is_left,
]


def main():
    program, only = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    tests = [on_transport(name, t) for name in ("tcp", "ipv6", "unix", "tls") for t in ON_ANY_TRANSPORT] + OWN_SERVER
    tests = [t for t in tests if only in t.__name__]
    failed = 0
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(program, folder)
                print(f"ok {number} - {test.__name__}", flush=True)
            except Exception:  # whatever it was, it is this test's failure
                failed += 1
                for line in traceback.format_exc().splitlines():
                    print(f"# {line}")
                print(f"not ok {number} - {test.__name__}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
