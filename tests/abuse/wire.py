"""Bytes of HTTP/2 and gRPC as no library would write them: frames, header blocks, messages."""
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 1
END_HEADERS, PADDED, HAS_PRIORITY = 4, 8, 32

ERRORS = ("NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
          "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
          "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED")

MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE = 3, 4  # ids of SETTINGS
LARGEST_WINDOW = 0x7FFFFFFF


def error_name(code):
    return ERRORS[code] if code < len(ERRORS) else hex(code)


def frame(kind, flags=0, stream=0, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def setting(name, value):
    return struct.pack(">HI", name, value)


def settings(*entries):
    return frame(SETTINGS, payload=b"".join(setting(*entry) for entry in entries))


def window_update(stream, n):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", n))


def reset(stream, code=8):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def ping():
    return frame(PING, payload=b"12345678")


# ---- HPACK, RFC 7541: literals without Huffman, which say exactly what is meant ----

def integer(value, bits, pattern=0):
    most = (1 << bits) - 1
    if value < most:
        return bytes([pattern | value])
    out = [pattern | most]
    value -= most
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + [value])


def string(text):
    data = text.encode() if isinstance(text, str) else text
    return integer(len(data), 7) + data


def field(name, value, keep=False):
    """A literal; keep: it also goes into the table."""
    return (b"\x40" if keep else b"\0") + string(name) + string(value)


def indexed(index):
    return integer(index, 7, 0x80)


FIRST_OF_OUR_OWN = 62  # in the table, behind the static entries


def fields(pairs):
    return b"".join(field(name, value) for name, value in pairs)


def header_frames(stream, block, flags=0, piece=16384):
    """HEADERS and as many CONTINUATION as it takes."""
    pieces = [block[at:at + piece] for at in range(0, len(block), piece)] or [b""]
    out = []
    for number, part in enumerate(pieces):
        last = END_HEADERS if number == len(pieces) - 1 else 0
        out.append(frame(CONTINUATION if number else HEADERS, last | (0 if number else flags), stream, part))
    return b"".join(out)


# ---- gRPC ----

def message(data=b"", flag=0):
    return bytes([flag]) + struct.pack(">I", len(data)) + data


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))
