"""One request that is odd in one way: rows of (name, what is said, the right answer). The methods are
those of grpc.testing.TestService."""
import gzip
import zlib

from right import (DEADLINE, EXHAUSTED, FOREIGN, INTERNAL, MALFORMED, NOT_ALLOWED, OK, UNIMPLEMENTED, Right, status)
from wire import DATA, END_HEADERS, END_STREAM, HEADERS, field, frame, message

SERVICE = "/grpc.testing.TestService/"
MESSAGE_MAX = 4 << 20


def call(body=None, end=True, **wishes):
    """A request on stream 1 with this body, within the server's windows."""
    data = message() if body is None else body

    def say(peer):
        content = data() if callable(data) else data
        peer.say(peer.headers(1, **wishes))
        peer.body(1, content, end)
    return say


def with_field(name, value, **more):
    return call(extra=[(name, value)], **more)


def rows(right, cases):
    return [(name, say, right, {}) for name, say in cases]


def end_on_headers(peer):
    peer.say(peer.headers(1, END_STREAM))


def pseudo_after_regular(peer):
    peer.say(frame(HEADERS, END_HEADERS, 1, peer.request() + field(":path", "/x")))


def request_trailers(peer):
    peer.say(peer.headers(1) + frame(DATA, 0, 1, message()) + frame(HEADERS, END_HEADERS | END_STREAM, 1, field("x-t", "v")))


def one_byte_frames(peer):
    peer.say(peer.headers(1, path=SERVICE + "UnaryCall"))
    data = message(b"\x1a\x04\x12\x02hi")
    for at, byte in enumerate(data):
        peer.say(frame(DATA, END_STREAM if at == len(data) - 1 else 0, 1, bytes([byte])))


def bomb():
    """1 GiB of zeros as 1 MiB of gzip: one block again and again."""
    maker = zlib.compressobj(9, zlib.DEFLATED, 31)
    first = maker.compress(bytes(1 << 20)) + maker.flush(zlib.Z_FULL_FLUSH)
    again = maker.compress(bytes(1 << 20)) + maker.flush(zlib.Z_FULL_FLUSH)
    return message(first + again * 1023 + maker.flush(), 1)


def unary(body, **wishes):
    return call(body, path=SERVICE + "UnaryCall", **wishes)


def zipped(body, **wishes):
    return call(body, extra=[("grpc-encoding", "gzip")], **wishes)


EMPTY = gzip.compress(b"")
TIMEOUTS_GOOD = ("1S", "99999999S", "99999999H", "00000001S")
TIMEOUTS_BAD = ("", "1", "S", "1x", "-1S", "+1S", " 1S", "1 S", "100000000S", "1s", "1.5S")
PATHS = ("/", "/foo", "//x", "/a/b/c", SERVICE, SERVICE + "EmptyCall?x=1", SERVICE + "EmptyCall/",
         "/GRPC.testing.testservice/emptycall", "/" + "a" * 3000 + "/b", "/no.Such/Method", SERVICE + "Nope")

ROWS = [
    *rows(OK, [
        ("a_good_call", call()),
        ("content_type_grpc_proto", call(content_type="application/grpc+proto")),
        ("content_type_with_a_parameter", call(content_type="application/grpc;charset=utf-8")),
        ("content_type_in_capitals", call(content_type="Application/GRPC")),
        ("te_may_be_missing", call(te=None)),
        ("host_instead_of_authority", call(without=(":authority",), extra=[("host", "localhost")])),
        ("host_beside_authority", with_field("host", "evil.example")),
        *((f"timeout_{value}", with_field("grpc-timeout", value)) for value in TIMEOUTS_GOOD),
        ("two_timeouts", call(extra=[("grpc-timeout", "1S"), ("grpc-timeout", "5S")])),
        ("gzip_of_nothing", zipped(message(EMPTY, 1))),
        ("gzip_announced_but_not_used", zipped(message())),
        ("gzip_in_two_members", zipped(message(EMPTY * 2, 1))),
        ("unknown_fields_of_a_message", unary(message(b"\xf8\x3f\x01"))),
        ("binary_metadata_unpadded", with_field("x-bin", "AQI")),
        ("binary_metadata_joined_by_a_comma", with_field("x-bin", "AQI,AwQ=")),
        ("a_reserved_name", with_field("grpc-foo", "x")),
        ("blanks_around_a_value", with_field("x-a", " a ")),
        ("request_trailers", request_trailers),
        ("a_message_in_frames_of_one_byte", one_byte_frames),
    ]),
    *rows(FOREIGN, [
        ("content_type_missing", call(content_type=None)),
        ("content_type_html", call(content_type="text/html")),
        ("content_type_grpcfoo", call(content_type="application/grpcfoo")),
        ("content_type_grpc_web", call(content_type="application/grpc-web+proto")),
        ("another_content_type_behind_it", with_field("content-type", "text/html")),
    ]),
    *rows(NOT_ALLOWED, [("method_get", call(method="GET")), ("method_put", call(method="PUT"))]),
    *rows(UNIMPLEMENTED, [
        ("content_type_grpc_json", call(content_type="application/grpc+json")),
        *((f"path_{number}", call(path=path)) for number, path in enumerate(PATHS)),
        ("an_unknown_encoding", with_field("grpc-encoding", "zork", body=message(b"xx", 1))),
        ("an_unknown_encoding_not_used", with_field("grpc-encoding", "zork")),
        ("deflate", with_field("grpc-encoding", "deflate", body=message(zlib.compress(b""), 1))),
        ("two_messages", call(message() + message())),
        ("no_message_and_the_end_on_headers", end_on_headers),
        ("no_message_and_the_end_on_data", call(b"")),
        ("bytes_behind_the_message", call(message() + b"\0\0")),
    ]),
    *rows(INTERNAL, [
        *((f"bad_timeout_{number}", with_field("grpc-timeout", value)) for number, value in enumerate(TIMEOUTS_BAD)),
        ("compressed_without_an_encoding", call(message(b"xx", 1))),
        ("compressed_by_identity", with_field("grpc-encoding", "identity", body=message(b"xx", 1))),
        ("flag_2", call(message(b"", 2))),
        ("flag_255", call(message(b"", 255))),
        ("gzip_garbage", zipped(message(b"not gzip at all", 1))),
        ("gzip_of_zero_bytes", zipped(message(b"", 1))),
        ("gzip_cut_off", zipped(message(gzip.compress(b"\x0a\x00" * 100)[:-6], 1))),
        ("gzip_with_a_wrong_sum", zipped(message(EMPTY[:-8] + b"\1\2\3\4\0\0\0\0", 1))),
        ("gzip_with_something_behind_it", zipped(message(EMPTY + b"JUNK", 1))),
        ("a_prefix_cut_off", call(b"\0\0\0")),
        ("a_message_cut_off", call(b"\0\0\0\0\x0aabc")),
        ("no_protobuf", unary(message(b"\xff" * 11))),
        ("a_length_beyond_the_message", unary(message(b"\x12\x80"))),
        ("groups_100000_deep", unary(message(b"\x9b\x06" * 100000))),
        ("binary_metadata_that_is_not_base64", with_field("x-bin", "!!!not base64")),
        ("binary_metadata_of_another_alphabet", with_field("x-bin", "-_-_")),
    ]),
    *rows(DEADLINE, [
        ("timeout_0S", with_field("grpc-timeout", "0S")),
        ("timeout_0n", with_field("grpc-timeout", "0n")),
        ("timeout_within_a_message", with_field("grpc-timeout", "200m", body=b"\0\0", end=False)),
        ("timeout_of_a_silent_stream", with_field("grpc-timeout", "200m", body=b"", end=False, path=SERVICE + "FullDuplexCall")),
    ]),
    *rows(EXHAUSTED, [
        ("a_bomb_of_1_gib", zipped(bomb)),
        ("4_gib_announced", call(b"\0\xff\xff\xff\xff" + b"x" * 100, end=False)),
        ("one_byte_too_much_announced", call(b"\0" + (MESSAGE_MAX + 1).to_bytes(4, "big"), end=False)),
        ("5_mib_sent", unary(lambda: message(b"\x1a\xfb\xff\xbf\x02" + bytes((5 << 20) - 5)))),
    ]),
    *rows(MALFORMED, [
        ("te_gzip", call(te="gzip")),
        ("te_with_more_than_trailers", call(te="trailers, deflate;q=0.5")),
        ("scheme_missing", call(without=(":scheme",))),
        ("authority_and_host_missing", call(without=(":authority",))),
        ("path_missing", call(without=(":path",))),
        ("a_path_without_its_slash", call(path="foo/bar")),
        ("a_path_of_a_star", call(path="*")),
        ("a_name_in_capitals", with_field("X-Up", "a")),
        ("a_line_break_in_a_value", with_field("x-a", "a\nb")),
        ("a_zero_byte_in_a_value", with_field("x-a", "a\0b")),
        ("an_empty_name", with_field("", "b")),
        ("a_blank_in_a_name", with_field("a b", "c")),
        ("a_connection_field", with_field("connection", "close")),
        ("transfer_encoding", with_field("transfer-encoding", "chunked")),
        ("a_pseudo_field_behind_a_regular_one", pseudo_after_regular),
    ]),
    ("a_value_beyond_ascii", with_field("x-a", b"\xc3\xa9"), OK | INTERNAL, {}),
    ("a_message_of_exactly_the_limit", unary(lambda: message(b"\x1a\xfb\xff\xff\x01" + bytes(MESSAGE_MAX - 5))),
     Right("not too large", lambda peer: peer.reply(1).ended and not status(8).holds(peer)), {}),
]
