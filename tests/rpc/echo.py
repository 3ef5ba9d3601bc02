"""For tests of the transports: the echo server, and clients that a library would not be."""
import os
import pathlib
import queue
import signal
import socket
import ssl
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import authority, eventually  # noqa: E402

os.environ.setdefault("GRPC_VERBOSITY", "NONE")
import grpc  # noqa: E402
import h2.config  # noqa: E402
import h2.connection  # noqa: E402
import h2.events  # noqa: E402

TIMEOUT = 60  # seconds until a hang counts as a failure
PROGRAM = pathlib.Path(os.environ.get("ZWY_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build"), "tests/rpc/rpc_echo_server")


class Server:
    """echo_server with words and targets; keeps what it says on standard error."""

    def __init__(self, *targets, words=(), pair=None, **popen):
        if pair is None and any(target.startswith("tls:") for target in targets):
            pair = authority.server_pair()
        if pair:
            words = [f"certificate={pair.certificate}", f"key={pair.key}", *words]
        self.process = subprocess.Popen([PROGRAM, *map(str, words), *targets], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, **popen)
        self.said = []
        self.told = False
        self._lines = queue.Queue()
        self._readers = [threading.Thread(target=self._read, args=(self.process.stdout, self._lines.put), daemon=True),
                         threading.Thread(target=self._read, args=(self.process.stderr, self.said.append), daemon=True)]
        for reader in self._readers:
            reader.start()
        self.targets = []
        for _ in targets:
            line = self._line()
            assert line.startswith("listening "), (line, self.said)
            self.targets.append(line.split()[1])

    @staticmethod
    def _read(pipe, put):
        with pipe:
            for line in pipe:
                put(line.rstrip("\n"))
        put("")

    def _line(self):
        return self._lines.get(timeout=TIMEOUT)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self.process.kill()
            self.process.wait()
            print("\n".join("# " + line for line in self.said), flush=True)

    def terminate(self):
        if not self.told:
            self.process.send_signal(signal.SIGTERM)
        self.told = True

    def stop(self):
        self.terminate()
        status = self.process.wait(TIMEOUT)
        for reader in self._readers:
            reader.join(TIMEOUT)
        assert status == 0, (status, self.said)

    def hears(self, text):
        """Waits until the server has said it."""
        eventually(lambda: any(text in line for line in self.said), f"the server to say '{text}': {self.said}")

    def address(self, index=0):
        host, port = self.targets[index].rsplit(":", 1)
        return host.split(":")[-1], int(port)

    def dial(self, index=0):
        return socket.create_connection(self.address(index), TIMEOUT)

    def processor_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss(self):
        """Private memory in bytes."""
        with open(f"/proc/{self.process.pid}/smaps_rollup", encoding="ascii") as file:
            return sum(int(line.split()[1]) << 10 for line in file if line.startswith("Private_"))


def context(pair=None, trusted=None, alpn=("h2",), least=None, most=None):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(cadata=(trusted or authority.authority().pem).decode())
    if alpn:
        made.set_alpn_protocols(list(alpn))
    if pair:
        made.load_cert_chain(pair.certificate, pair.key)
    if least:
        made.minimum_version = least
    if most:
        made.maximum_version = most
    return made


def shake(server, made=None, index=0, session=None):
    """A TLS connection; raises ssl.SSLError where the server says no."""
    sock = server.dial(index)
    try:
        return (made or context()).wrap_socket(sock, server_hostname="localhost", session=session)
    except OSError:
        sock.close()
        raise


class Raw:
    """HTTP/2 on a socket, by hand; unary calls, and whatever else is done to `h2`."""

    def __init__(self, sock):
        self.sock = sock
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self.h2.initiate_connection()
        self.send()

    def send(self):
        self.sock.sendall(self.h2.data_to_send())

    def ask(self, path, message, end=True):
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, [(":method", "POST"), (":scheme", "https"), (":path", path), (":authority", "localhost"),
                                      ("content-type", "application/grpc"), ("te", "trailers")])
        self.h2.send_data(stream, b"\0" + len(message).to_bytes(4, "big") + message, end_stream=end)
        self.send()
        return stream

    def unary(self, path, message=b""):
        """The reply's message and the call's status."""
        stream = self.ask(path, message)
        body, headers = b"", {}
        while True:
            data = self.sock.recv(65536)
            assert data, "the server closed the connection"
            for event in self.h2.receive_data(data):
                if getattr(event, "stream_id", None) != stream:
                    continue
                if isinstance(event, h2.events.DataReceived):
                    body += event.data
                    self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
                if isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
                    headers.update((str(k), str(v)) if isinstance(k, str) else (k.decode(), v.decode()) for k, v in event.headers)
                if isinstance(event, h2.events.StreamEnded):
                    self.send()
                    return body[5:], int(headers["grpc-status"])

    def until_closed(self):
        """Reads to the end, which may be hard; the number of bytes."""
        n = 0
        while True:
            try:
                data = self.sock.recv(65536)
            except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
                return n
            if not data:
                return n
            n += len(data)


def reads_end(sock):
    """The peer closes, whatever it says before."""
    sock.settimeout(TIMEOUT)
    try:
        while sock.recv(65536):
            pass
    except ConnectionResetError:
        pass
    sock.close()
    return True


def channel(server, pair=None, trusted=None, index=0):
    own = (pair.key_bytes, pair.chain_bytes) if pair else (None, None)
    credentials = grpc.ssl_channel_credentials(trusted or authority.authority().pem, *own)
    options = (("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1), ("grpc.initial_reconnect_backoff_ms", 100),
               ("grpc.max_reconnect_backoff_ms", 300), ("grpc.max_receive_message_length", 64 << 20))
    return grpc.secure_channel(server.targets[index].removeprefix("tls:"), credentials, options)


def who(made):
    """What the server's Peer method says on a channel: tls, uid, loopback, address, name."""
    with made:
        return made.unary_unary("/echo.Echo/Peer")(b"", timeout=TIMEOUT).decode().split(" ", 4)


def turned_away(made):
    """The channel cannot call; what it is told."""
    with made:
        try:
            made.unary_unary("/echo.Echo/Peer")(b"", timeout=TIMEOUT)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNAVAILABLE, error
            return error.details()
    raise AssertionError("the call succeeded")
