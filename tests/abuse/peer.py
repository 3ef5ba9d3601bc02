"""A client that says any bytes whatever, and keeps an account of what it hears."""
import select
import socket
import time

import hpack

from wire import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HAS_PRIORITY, HEADERS, INITIAL_WINDOW_SIZE,
                  PADDED, PING, PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE, error_name, fields, frame, message)

PATIENCE = 20  # seconds until a wait is given up; generous, for sanitizers on a busy machine


class Reply:
    """What one stream has heard."""

    def __init__(self):
        self.blocks = []  # of header fields: headers, trailers
        self.body = b""
        self.ended = False
        self.reset = None  # error code

    @property
    def fields(self):
        return dict(pair for block in self.blocks for pair in block)

    @property
    def status(self):
        value = self.fields.get("grpc-status")
        return None if value is None else int(value)

    @property
    def http(self):
        return self.fields.get(":status")

    @property
    def over(self):
        return self.ended or self.reset is not None

    def __str__(self):
        return (f"http {self.http}, grpc-status {self.status} {self.fields.get('grpc-message', '')!r}, "
                f"{len(self.body)} bytes, reset {None if self.reset is None else error_name(self.reset)}")


class Peer:  # pylint: disable=too-many-instance-attributes
    """settings: payload of its SETTINGS; greet: say the preface at all; polite: acknowledge SETTINGS;
    deaf: never read, with a small buffer."""

    # pylint: disable-next=too-many-arguments
    def __init__(self, target, settings=b"", greet=True, polite=True, answer_pings=True, deaf=False):
        self.target = target
        self.polite = {SETTINGS: polite, PING: answer_pings}
        self.deaf = deaf
        self.replies = {}
        self.goaways = []  # (last stream, code, text)
        self.closed = False
        self.pings = self.acknowledged_pings = self.acknowledged_settings = self.window_updates = 0
        self.their_settings = {}
        self.windows = {0: 65535}
        self.heard = b""
        self.owed = b""  # acknowledgements, to be sent between frames
        self.saying = False
        self.block = None
        self.decoder = hpack.Decoder()
        self.decoder.max_allowed_table_size = 65536
        self.socket = socket.socket()
        if deaf:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(target.address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        if greet:
            self.say(PREFACE + frame(SETTINGS, payload=settings))
            if not deaf:
                self.listen(lambda: self.their_settings)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    # -- saying ----------------------------------------------------------------

    def say(self, data):
        """All of it, reading meanwhile; False when the peer is gone or takes nothing any more."""
        self.saying = True
        said = self._say(data)
        self.saying = False
        self._acknowledge()
        return said

    def _say(self, data):
        left = memoryview(data)
        while left and not self.closed:
            try:
                left = left[self.socket.send(left[:65536]):]
            except BlockingIOError:
                if not select.select([] if self.deaf else [self.socket], [self.socket], [], 1 if self.deaf else PATIENCE)[1]:
                    if self.deaf:
                        return False
            except OSError:
                if not self.deaf:
                    self.listen(lambda: False)
                self.closed = True
            if not self.deaf:
                self._read()
        return not left

    def headers(self, stream, flags=0, **wishes):
        return frame(HEADERS, END_HEADERS | flags, stream, self.request(**wishes))

    # pylint: disable-next=too-many-arguments
    def request(self, path=None, method="POST", content_type="application/grpc", te="trailers", extra=(), without=()):
        pairs = [(":method", method), (":scheme", "http"), (":path", self.target.unary if path is None else path),
                 (":authority", "localhost")]
        pairs += [("te", te)] if te is not None else []
        pairs += [("content-type", content_type)] if content_type is not None else []
        return fields([pair for pair in pairs if pair[0] not in without] + list(extra))

    def call(self, stream, **wishes):
        """HEADERS and one empty message, whole."""
        return self.headers(stream, **wishes) + frame(DATA, END_STREAM, stream, message())

    def body(self, stream, data, end=True):
        """DATA within the server's windows; False when it says stop."""
        own = self.windows.setdefault(stream, self.their_settings.get(INITIAL_WINDOW_SIZE, 65535))
        while True:
            own = self.windows[stream]
            n = max(0, min(len(data), 16384, self.windows[0], own))
            if n or not data:
                self.say(frame(DATA, END_STREAM if end and n == len(data) else 0, stream, data[:n]))
                self.windows[0] -= n
                self.windows[stream] -= n
                data = data[n:]
                if not data:
                    return True
            elif not self.listen(lambda: self._can_go_on(stream)):
                return False
            if self.closed or self.reply(stream).over:
                return False

    def _can_go_on(self, stream):
        return (self.windows[0] > 0 and self.windows[stream] > 0) or self.reply(stream).over

    # -- hearing ---------------------------------------------------------------

    def reply(self, stream):
        return self.replies.setdefault(stream, Reply())

    @property
    def resets(self):
        return [r.reset for r in self.replies.values() if r.reset is not None]

    @property
    def goaway(self):
        """The last one: code, text."""
        return self.goaways[-1][1:] if self.goaways else (None, "")

    def listen(self, until, timeout=PATIENCE):
        """Reads until the condition holds, or the server closes; whether it holds."""
        end = time.monotonic() + timeout
        while not until():
            left = end - time.monotonic()
            if self.closed or left <= 0:
                return bool(until())
            if select.select([self.socket], [], [], left)[0]:
                self._read()
        return True

    def hears_nothing_for(self, seconds):
        """Whether no reply, reset or GOAWAY comes meanwhile."""
        return not self.listen(lambda: self.closed or self.goaways or any(r.over for r in self.replies.values()), seconds)

    def _read(self):
        while True:
            try:
                data = self.socket.recv(262144)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.closed = True
                return
            self.heard += data
            self._parse()

    def _parse(self):
        data, at = self.heard, 0
        while len(data) - at >= 9:
            n = int.from_bytes(data[at:at + 3], "big")
            if len(data) - at < 9 + n:
                break
            kind, flags = data[at + 3], data[at + 4]
            stream = int.from_bytes(data[at + 5:at + 9], "big")
            self._hear(kind, flags, stream, data[at + 9:at + 9 + n])
            at += 9 + n
        self.heard = data[at:]

    def _hear(self, kind, flags, stream, payload):
        if kind in (HEADERS, CONTINUATION):
            self._hear_block(kind, flags, stream, payload)
        elif kind == DATA:
            reply = self.reply(stream)
            reply.body += payload
            reply.ended |= bool(flags & END_STREAM)
        elif kind == RST_STREAM:
            self.reply(stream).reset = int.from_bytes(payload, "big")
        elif kind == GOAWAY:
            self.goaways.append((int.from_bytes(payload[:4], "big"), int.from_bytes(payload[4:8], "big"),
                                 payload[8:].decode("latin1")))
        elif kind == WINDOW_UPDATE:
            self.window_updates += 1
            start = self.their_settings.get(INITIAL_WINDOW_SIZE, 65535) if stream else 65535
            self.windows[stream] = self.windows.get(stream, start) + int.from_bytes(payload, "big")
        elif kind in (PING, SETTINGS):
            self._hear_question(kind, flags, payload)

    def _hear_question(self, kind, flags, payload):
        if flags & ACK:
            if kind == PING:
                self.acknowledged_pings += 1
            else:
                self.acknowledged_settings += 1
            return
        if kind == PING:
            self.pings += 1
        for at in range(0, len(payload) if kind == SETTINGS else 0, 6):
            self.their_settings[int.from_bytes(payload[at:at + 2], "big")] = int.from_bytes(payload[at + 2:at + 6], "big")
        if self.polite[kind]:
            self.owed += frame(kind, ACK, 0, payload if kind == PING else b"")
            self._acknowledge()

    def _acknowledge(self):
        """Never in the middle of a frame of our own."""
        if self.saying or not self.owed:
            return
        try:
            self.socket.send(self.owed)
            self.owed = b""
        except OSError:
            pass

    def _hear_block(self, kind, flags, stream, payload):
        if kind == HEADERS:
            if flags & PADDED:
                payload = payload[1:len(payload) - payload[0]]
            if flags & HAS_PRIORITY:
                payload = payload[5:]
            self.block = (b"", flags)
        self.block = (self.block[0] + payload, self.block[1])
        if flags & END_HEADERS:
            reply = self.reply(stream)
            reply.blocks.append([(str(name), str(value)) for name, value in self.decoder.decode(self.block[0])])
            reply.ended |= bool(self.block[1] & END_STREAM)

    def __str__(self):
        said = [f"GOAWAY {error_name(code)} {text!r}" for _, code, text in self.goaways]
        counts = {error_name(code): self.resets.count(code) for code in self.resets}
        said += [f"resets {counts}"] if counts else []
        said += [f"stream {stream}: {reply}" for stream, reply in list(self.replies.items())[:3]]
        said += [] if not self.closed else ["closed"]
        return "; ".join(said) or "silence"


