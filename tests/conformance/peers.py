"""The two test servers as tests start them, stock channels to them, and a raw HTTP/2 client for
what no stock client would send."""
import atexit
import functools
import pathlib
import queue
import socket
import ssl
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
import grpc  # noqa: E402
import h2.config  # noqa: E402
import h2.connection  # noqa: E402
import h2.events  # noqa: E402
import h2.settings  # noqa: E402
from google.protobuf import descriptor_pb2, descriptor_pool  # noqa: E402
from zwytest import build_dir, program, scratch_dir  # noqa: E402
from zwytest.authority import authority, client_pair, server_pair  # noqa: E402
from zwytest.standard import message_of, stub  # noqa: E402

PATIENCE = 60  # seconds until a hang counts as a failure
TRANSPORTS = ("tcp", "unix", "tls")
CHANNEL_OPTIONS = [("grpc.max_receive_message_length", 64 << 20), ("grpc.enable_retries", 0),
                   ("grpc.use_local_subchannel_pool", 1)]


@functools.lru_cache(maxsize=None)
def pool(name):
    """The descriptors that the server `name` was built with."""
    made = descriptor_pool.DescriptorPool()
    data = (build_dir() / f"tests/conformance/{name}.descriptors").read_bytes()
    for file in descriptor_pb2.FileDescriptorSet.FromString(data).file:
        made.Add(file)
    return made


class Messages:
    """Messages of a package as attributes: Messages("interop", "grpc.testing").SimpleRequest(...)."""

    def __init__(self, name, package):
        self._pool, self._package = pool(name), package

    def __getattr__(self, name):
        return message_of(self._pool, f"{self._package}.{name}")


class Peer:
    """A server of one's own that listens on every transport; `targets` by transport."""

    def __init__(self, name, options=(), listen=None):
        folder = scratch_dir(f"{name}-")
        self.name = name
        words = [program(f"zwy-{name}-server"), *options]
        if listen is None:
            listen = ["127.0.0.1:0", f"unix:{folder}/socket", "tls:127.0.0.1:0"]
            if name == "conformance":  # there --tls-cert makes HOST:PORT speak TLS: a second server has the certificate
                listen.pop()
            else:
                words += ["--tls-cert", server_pair().certificate, "--tls-key", server_pair().key]
        for target in listen:
            words += ["--listen", target]
        self.process = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        atexit.register(self.kill)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.targets = {}
        for _ in listen:
            line = self.lines.get(timeout=PATIENCE)
            assert line and line.startswith("listening "), f"{self.name} said {line!r}"
            self._add(line.split()[1])

    def _read(self):
        with self.process.stdout as out:
            for line in out:
                self.lines.put(line.decode())
        self.lines.put(None)

    def _add(self, target):
        kind = target.split(":", 1)[0]
        if kind == "tls":
            target = target.removeprefix("tls:")
        self.targets[kind if kind in ("unix", "tls") else "tcp"] = target

    def channel(self, transport, options=(), certificate=None, **more):
        options = CHANNEL_OPTIONS + list(options)
        target = self.targets[transport]
        if transport != "tls":
            return grpc.insecure_channel(target, options=options, **more)
        own = (certificate.key_bytes, certificate.chain_bytes) if certificate else (None, None)
        return grpc.secure_channel(target, grpc.ssl_channel_credentials(authority().pem, *own), options=options, **more)

    def stub(self, channel, path):
        return stub(channel, pool(self.name), path)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self):
        """It must end well on SIGTERM, having said nothing but where it listens."""
        self.process.terminate()
        status = self.process.wait(PATIENCE)
        rest = self.lines.get(timeout=PATIENCE)
        assert status == 0 and rest is None, f"{self.name} ended with {status} and said {rest!r}"


class Reply:
    """What came back on one stream; `answers` are (flag, bytes) of each message."""

    def __init__(self):
        self.headers, self.trailers, self.reset = None, [], None
        self.body, self.ended = bytearray(), False

    def add_headers(self, fields):
        if self.headers is None:
            self.headers = list(fields)
        else:
            self.trailers += fields

    def field(self, name):
        """Of the trailers, or of a head that is trailers too."""
        found = [value for key, value in (self.headers or []) + self.trailers if key == name]
        return found[-1] if found else None

    @property
    def http_status(self):
        return int(self.field(":status"))

    @property
    def status(self):
        value = self.field("grpc-status")
        return None if value is None else int(value)

    @property
    def answers(self):
        body, found = bytes(self.body), []
        while body:
            size = int.from_bytes(body[1:5], "big")
            assert len(body) >= 5 + size, "a message is cut short"
            found.append((body[0], body[5:5 + size]))
            body = body[5 + size:]
        return found


def framed(message, flag=0, length=None):
    return bytes([flag]) + (len(message) if length is None else length).to_bytes(4, "big") + message


class Raw:
    """One HTTP/2 connection; `head` of a call may replace or leave off (None) any header."""

    def __init__(self, peer, transport="tcp"):
        target = peer.targets[transport]
        if transport == "unix":
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(PATIENCE)
            self.socket.connect(target.removeprefix("unix:"))
        else:
            host, _, port = target.rpartition(":")
            self.socket = socket.create_connection((host.strip("[]"), int(port)), PATIENCE)
        if transport == "tls":
            context = ssl.create_default_context(cadata=authority().pem.decode())
            context.set_alpn_protocols(["h2"])
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        config = h2.config.H2Configuration(client_side=True, header_encoding="utf-8", validate_outbound_headers=False,
                                           normalize_outbound_headers=False)
        self.h2 = h2.connection.H2Connection(config)
        self.h2.initiate_connection()
        self.replies = {}
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def begin(self, path, head=None, end=False):
        fields = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "localhost",
                  "content-type": "application/grpc", "te": "trailers"} | (head or {})
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, [pair for pair in fields.items() if pair[1] is not None], end_stream=end)
        self.replies[stream] = Reply()
        self.flush()
        return stream

    def send(self, stream, data, end=False):
        """As far as the server's windows and patience allow."""
        reply = self.replies[stream]
        while not reply.ended and reply.reset is None:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(data))
            if room == 0 and data:
                self.receive()
                continue
            part, data = data[:room], data[room:]
            self.h2.send_data(stream, part, end_stream=end and not data)
            self.flush()
            if not data:
                return

    def receive(self):
        data = self.socket.recv(65536)
        assert data, "the server closed the connection"
        for event in self.h2.receive_data(data):
            reply = self.replies.get(getattr(event, "stream_id", None))
            if isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
                reply.add_headers(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                reply.body += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                reply.ended = True
            elif isinstance(event, h2.events.StreamReset):
                reply.reset = event.error_code
        self.flush()

    def finish(self, stream):
        reply = self.replies[stream]
        while not reply.ended and reply.reset is None:
            self.receive()
        return reply

    def call(self, path, body=b"", head=None):
        """A whole call; `body` as it goes out, frames and all; None: HEADERS end it."""
        stream = self.begin(path, head, end=body is None)
        if body is not None:
            self.send(stream, body, end=True)
        return self.finish(stream)


def failure(call):
    """The RpcError that the call ends with."""
    try:
        call()
    except grpc.RpcError as error:
        return error
    raise AssertionError("the call succeeded")


def print_matrix(client, cases, passed):
    """Which (case, transport) have passed, for people who read the log."""
    print(f"# {client:36}" + "".join(f"{transport:>6}" for transport in TRANSPORTS))
    for case in cases:
        print(f"# {case:36}" + "".join(f"{'ok' if (case, transport) in passed else '-':>6}" for transport in TRANSPORTS))


__all__ = ["CHANNEL_OPTIONS", "Messages", "PATIENCE", "Peer", "Raw", "Reply", "TRANSPORTS", "authority", "client_pair", "failure",
           "framed", "grpc", "message_of", "pool", "print_matrix", "server_pair"]
