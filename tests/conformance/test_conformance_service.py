#!/usr/bin/python3
"""What the public conformance suite asks of a gRPC server, in a table of our own: every kind of call, answered well
and badly, with metadata, details, delays, deadlines, limits of size and compression, by grpcio; odd requests by a raw
client. model.py works out from the request what has to come back."""
# timeout: 300
# smoke: yes
import functools
import gzip
import itertools
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from model import KINDS, SERVICE, M, Wish, check, perform, requests_of  # noqa: E402
from peers import PATIENCE, Messages, Peer, Raw, authority, client_pair, failure, framed, grpc, server_pair  # noqa: E402
from zwytest import main  # noqa: E402
from zwytest.standard import Reflection, standard, standard_stub  # noqa: E402

MAX_RECV = 200 * 1024


# ---- servers ----------------------------------------------------------------------

@functools.lru_cache(maxsize=None)
def plain():
    return Peer("conformance", ["--max-recv", str(MAX_RECV)])


@functools.lru_cache(maxsize=None)
def encrypted():
    """With a certificate HOST:PORT means TLS: a server that prints HOST:PORT and nothing else."""
    peer = Peer("conformance", ["--tls-cert", server_pair().certificate, "--tls-key", server_pair().key], ["127.0.0.1:0"])
    peer.targets["tls"] = peer.targets.pop("tcp")
    return peer


@functools.lru_cache(maxsize=None)
def channel_to(transport):
    server = encrypted() if transport == "tls" else plain()
    return server, server.channel(transport)


# ---- the table ----------------------------------------------------------------------

def packed(message, name):
    return Messages("conformance", "google.protobuf").Any(type_url="type.googleapis.com/" + name, value=message.SerializeToString())


DETAILS = [packed(M.Header(name=name, value=["x"]), "connectrpc.conformance.v1.Header") for name in ("first", "second", "third")]
CODES = {code.name.lower(): code.value[0] for code in grpc.StatusCode if code != grpc.StatusCode.OK}
FOO, BING = (("x-custom-header", ("foo",)),), (("x-custom-trailer", ("bing",)),)

WISHES = {
    "success": Wish(headers=FOO, trailers=BING),
    "no_definition": None,
    "no_data": Wish(data=(), headers=FOO, trailers=BING),
    "nothing_asked": Wish(data=()),
    "one_answer": Wish(data=(b"only",)),
    "more_answers_than_requests": Wish(data=tuple(b"%d" % i for i in range(7))),
    "empty_data": Wish(data=(b"", b"")),
    "large_data": Wish(data=(bytes(90000), bytes(1), bytes(100000))),
    "delay": Wish(delay=20, headers=FOO),
    "duplicate_metadata": Wish(headers=(("x-custom-header", ("foo", "bar", "baz")),), trailers=(("x-custom-trailer", ("bing", "quux")),)),
    "binary_metadata": Wish(headers=(("x-custom-bin", ("AAEC/w", "")),), trailers=(("x-other-bin", ("/////w",)),)),
    "upper_case_metadata": Wish(headers=(("X-Custom-Header", ("foo",)),), trailers=(("X-Custom-Trailer", ("bing",)),)),
    "error": Wish(data=(), error=(9, "failed", ())),
    "error_after_answers": Wish(error=(13, "failed late", ()), headers=FOO, trailers=BING),
    "error_with_metadata": Wish(data=(), error=(16, "unauthenticated", ()), headers=FOO, trailers=BING),
    "error_with_details": Wish(data=(), error=(8, "with details", DETAILS)),
    "error_with_details_after_answers": Wish(error=(8, "with details", DETAILS)),
    "error_with_unicode": Wish(data=(), error=(13, "\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\n", ())),
    "error_without_text": Wish(data=(), error=(13, "", ())),
    "error_after_delay": Wish(data=(), error=(10, "aborted", ()), delay=20),
} | {f"error_{name}": Wish(data=(), error=(code, name, ())) for name, code in CODES.items()}


def table_case(kind, wish, transport, compression):
    def run():
        server, channel = channel_to(transport)
        check(server, channel, kind, requests_of(kind, wish), compression=compression)
    return run


for _kind, (_name, _wish), _transport in itertools.product(KINDS, WISHES.items(), ("tcp", "tls")):
    globals()[f"test_{_kind.name}_{_name}_over_{_transport}"] = table_case(_kind, _wish, _transport, None)
    if _name in ("success", "large_data", "error_with_details", "error_after_answers") and _transport == "tcp":
        globals()[f"test_{_kind.name}_{_name}_with_gzip"] = table_case(_kind, _wish, _transport, grpc.Compression.Gzip)


def per_kind(kinds=tuple(KINDS)):
    """The decorated test once for each kind of call."""
    def spread(function):
        for kind in kinds:
            globals()[f"{function.__name__}_{kind.name}"] = functools.partial(function, kind)
        return None
    return spread


STREAMS = [kind for kind in KINDS if kind.many_requests]


# ---- requests, deadlines, cancellation ------------------------------------------------

@per_kind(STREAMS)
def test_no_request_at_all(kind):
    server, channel = channel_to("tcp")
    infos = check(server, channel, kind, [])
    assert len(infos) == (0 if kind.many_answers else 1)


@per_kind(STREAMS)
def test_many_requests(kind):
    server, channel = channel_to("tcp")
    wish = Wish(data=tuple(b"%d" % i for i in range(40)), trailers=BING)
    check(server, channel, kind, requests_of(kind, wish, extra=39))
    check(server, channel, kind, requests_of(kind, Wish(data=(b"1",), error=(5, "more was said than answered", ())), extra=5))


@per_kind()
def test_metadata_of_the_request_comes_back(kind):
    metadata = (("x-one", "a, b"), ("x-two-bin", b"\0\1\2\xff"), ("x-one", "c"), ("x-two-bin", b""), ("x.three_-4", "~ !"))
    server, channel = channel_to("tcp")
    check(server, channel, kind, requests_of(kind, Wish(data=(b"x",))), metadata=metadata)


@per_kind()
def test_the_deadline_is_told_and_kept(kind):
    server, channel = channel_to("tcp")
    infos = check(server, channel, kind, requests_of(kind, Wish(data=(b"x",))), timeout=40)
    assert 0 < infos[0].timeout_ms <= 41000  # clients round it up
    seen, _ = perform(server, channel, kind, requests_of(kind, Wish(delay=100000)), timeout=0.2)
    assert seen.code == grpc.StatusCode.DEADLINE_EXCEEDED.value[0] and not seen.answers, seen


@per_kind()
def test_without_a_deadline_none_is_told(kind):
    server, channel = channel_to("tcp")
    infos = check(server, channel, kind, requests_of(kind, Wish(data=(b"x",))), timeout=None)
    assert not infos[0].HasField("timeout_ms")


def test_headers_come_before_the_first_delayed_answer():
    server, channel = channel_to("tcp")
    for kind in KINDS:
        if not kind.many_answers:
            continue
        requests = requests_of(kind, Wish(headers=FOO, delay=100000))
        call = server.stub(channel, f"{SERVICE}/{kind.method}")
        running = call(iter(requests) if kind.many_requests else requests[0], timeout=PATIENCE)
        assert dict(running.initial_metadata())["x-custom-header"] == "foo"
        running.cancel()


@per_kind()
def test_a_cancelled_call_leaves_the_server_well(kind):
    server, channel = channel_to("tcp")
    requests = requests_of(kind, Wish(delay=100000))
    call = server.stub(channel, f"{SERVICE}/{kind.method}")
    argument = iter(requests) if kind.many_requests else requests[0]
    running = call(argument, timeout=PATIENCE) if kind.many_answers else call.future(argument, timeout=PATIENCE)
    running.cancel()
    error = failure(lambda: list(running)) if kind.many_answers else running
    assert error.code() == grpc.StatusCode.CANCELLED
    check(server, channel, kind, requests_of(kind, WISHES["success"]))


def test_the_unimplemented_method_and_unknown_ones_are_unimplemented():
    server, channel = channel_to("tcp")
    error = failure(lambda: server.stub(channel, f"{SERVICE}/Unimplemented")(M.UnimplementedRequest(), timeout=PATIENCE))
    assert error.code() == grpc.StatusCode.UNIMPLEMENTED
    for path in ("connectrpc.conformance.v1.UnknownService/UnknownMethod", f"{SERVICE}/Unknown"):
        assert failure(lambda p=path: channel.unary_unary("/" + p)(b"", timeout=PATIENCE)).code() == grpc.StatusCode.UNIMPLEMENTED


# ---- sizes -----------------------------------------------------------------------------

def grown(request, size):
    """The request, with so much data that it has exactly that size."""
    request.request_data = b""
    request.request_data = bytes(size - request.ByteSize() - 4)
    assert request.ByteSize() == size
    return request


@per_kind()
def test_a_request_of_exactly_the_limit_passes(kind):
    server, channel = channel_to("tcp")
    requests = [grown(request, MAX_RECV) for request in requests_of(kind, Wish(data=(b"x", b"y")))]
    check(server, channel, kind, requests)
    check(server, channel, kind, requests, compression=grpc.Compression.Gzip)


@per_kind()
def test_a_request_over_the_limit_is_refused(kind):
    server, channel = channel_to("tcp")
    for sizes in ((1, 0), (0, 1))[:2 if kind.many_requests else 1]:
        requests = [grown(request, MAX_RECV + size) for request, size in zip(requests_of(kind, Wish()), sizes)]
        for compression in (None, grpc.Compression.Gzip):
            seen, _ = perform(server, channel, kind, requests, compression=compression)
            assert seen.code == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0], seen


# ---- compression on the wire ---------------------------------------------------------------

@per_kind()
def test_a_gzip_request_is_answered_in_gzip_if_that_is_accepted(kind):
    wish = Wish(data=(bytes(20000),) * 3)
    body = b"".join(framed(gzip.compress(request.SerializeToString()), 1) for request in requests_of(kind, wish, extra=2))
    for accept, flag in (("gzip", 1), ("identity", 0), ("identity,deflate,gzip", 1)):
        with Raw(plain()) as raw:
            reply = raw.call(f"/{SERVICE}/{kind.method}", body, {"grpc-encoding": "gzip", "grpc-accept-encoding": accept})
        assert reply.status == 0 and {f for f, _ in reply.answers} == {flag}, reply.headers
        assert (dict(reply.headers).get("grpc-encoding") == "gzip") == bool(flag)
        for answer_flag, answer in reply.answers:
            answer = gzip.decompress(answer) if answer_flag else answer
            assert getattr(M, kind.method + "Response").FromString(answer).payload.data == bytes(20000)


# ---- odd requests ----------------------------------------------------------------------------

ONE = framed(b"")
UNIMPLEMENTED, INTERNAL, INVALID = 12, 13, 3
ODD = {  # name: (changes of the head, body, HTTP status, grpc-status or several)
    "content_type_of_a_picture": ({"content-type": "image/jpeg"}, b"12345678", 415, None),
    "no_content_type": ({"content-type": None}, ONE, 415, None),
    "content_type_of_another_codec": ({"content-type": "application/grpc+foo"}, ONE, 200, (INTERNAL, UNIMPLEMENTED, 2)),
    "content_type_with_a_parameter": ({"content-type": "application/grpc; charset=utf-8"}, ONE, 200, 0),
    "content_type_proto": ({"content-type": "application/grpc+proto"}, ONE, 200, 0),
    "content_type_in_capitals": ({"content-type": "Application/gRPC"}, ONE, 200, 0),
    "verb_delete": ({":method": "DELETE"}, ONE, 405, (2, INTERNAL, UNIMPLEMENTED)),
    "verb_get": ({":method": "GET"}, ONE, 405, (2, INTERNAL, UNIMPLEMENTED)),
    "no_message": ({}, b"", 200, UNIMPLEMENTED),
    "no_message_and_no_data": ({}, None, 200, UNIMPLEMENTED),
    "two_messages": ({}, ONE * 2, 200, UNIMPLEMENTED),
    "unknown_encoding": ({"grpc-encoding": "foo"}, ONE, 200, UNIMPLEMENTED),
    "compressed_without_encoding": ({}, framed(gzip.compress(b""), 1), 200, INTERNAL),
    "compressed_with_identity": ({"grpc-encoding": "identity"}, framed(b"", 1), 200, INTERNAL),
    "compressed_badly": ({"grpc-encoding": "gzip"}, framed(b"no gzip at all", 1), 200, INTERNAL),
    "identity_in_a_gzip_call": ({"grpc-encoding": "gzip"}, ONE, 200, 0),
    "flag_of_another_kind": ({}, framed(b"", 2), 200, INTERNAL),
    "cut_in_the_prefix": ({}, b"\0\0", 200, INTERNAL),
    "cut_in_the_message": ({}, framed(b"abc", length=9), 200, INTERNAL),
    "too_long_by_its_prefix": ({}, framed(b"", length=MAX_RECV + 1), 200, 8),
    "not_protobuf": ({}, framed(b"\xff\xff\xff"), 200, INTERNAL),
    "definition_not_protobuf": ({}, framed(b"\x0a\x01\xff"), 200, INTERNAL),
    "definition_of_another_type": ({}, framed(b"\x0a\x02\x08\x01"), 200, 0),
    "unknown_fields": ({}, framed(b"\xf8\x07\x01"), 200, 0),
    "timeout_of_nothing": ({"grpc-timeout": "0S"}, ONE, 200, 4),
    "timeout_without_unit": ({"grpc-timeout": "10"}, ONE, 200, INTERNAL),
    "timeout_without_digits": ({"grpc-timeout": "S"}, ONE, 200, INTERNAL),
    "timeout_of_nine_digits": ({"grpc-timeout": "123456789m"}, ONE, 200, INTERNAL),
    "timeout_negative": ({"grpc-timeout": "-1S"}, ONE, 200, INTERNAL),
    "timeout_of_99999999_hours": ({"grpc-timeout": "99999999H"}, ONE, 200, 0),
    "binary_metadata_that_is_none": ({"x-bad-bin": "!"}, ONE, 200, INTERNAL),
    "path_with_a_query": ({":path": f"/{SERVICE}/Unary?x"}, ONE, 200, UNIMPLEMENTED),
}


def odd_case(head, body, http_status, statuses):
    def run():
        with Raw(plain()) as raw:
            reply = raw.call(f"/{SERVICE}/Unary", body, head)
            assert reply.http_status == http_status, reply.headers
            if statuses is not None:
                assert reply.status in (statuses if isinstance(statuses, tuple) else (statuses,)), (reply.headers, reply.trailers)
            assert raw.call(f"/{SERVICE}/Unary", ONE).status == 0, "the connection does not go on"
    return run


for _name, _row in ODD.items():
    globals()[f"test_odd_{_name}"] = odd_case(*_row)


def test_a_server_stream_takes_one_message():
    for body in (b"", ONE * 2):
        with Raw(plain()) as raw:
            assert raw.call(f"/{SERVICE}/ServerStream", body).status == UNIMPLEMENTED


def test_timeouts_in_units_long_enough_are_told_in_milliseconds():
    for text, ms in (("2H", 7200000), ("3M", 180000), ("4S", 4000), ("5000m", 5000), ("60000000u", 60000)):
        with Raw(plain()) as raw:
            reply = raw.call(f"/{SERVICE}/Unary", ONE, {"grpc-timeout": text})
        (_, answer), = reply.answers
        assert M.UnaryResponse.FromString(answer).payload.request_info.timeout_ms == ms, text


# ---- client certificates, health, reflection ----------------------------------------------------

def test_with_a_client_authority_only_known_clients_are_served():
    server = Peer("conformance", ["--tls-cert", server_pair().certificate, "--tls-key", server_pair().key, "--client-ca",
                                  authority().certificate], ["127.0.0.1:0"])
    server.targets["tls"] = server.targets.pop("tcp")
    known, unknown = server.channel("tls", certificate=client_pair("a client")), server.channel("tls")
    for kind in KINDS:
        check(server, known, kind, requests_of(kind, WISHES["success"]))
    error = failure(lambda: server.stub(unknown, f"{SERVICE}/Unary")(M.UnaryRequest(), timeout=PATIENCE))
    assert error.code() == grpc.StatusCode.UNAVAILABLE, error
    known.close()
    unknown.close()
    server.stop()


def test_health_and_reflection_know_the_service():
    _, channel = channel_to("tcp")
    check_health = standard_stub(channel, "health.v1.Health/Check")
    for name in ("", SERVICE):
        assert check_health(standard("health.v1.HealthCheckRequest", service=name), timeout=PATIENCE).status == 1
    for version in ("v1", "v1alpha"):
        reflection = Reflection(channel, version)
        assert SERVICE in reflection.services()
        methods = reflection.pool().FindServiceByName(SERVICE).methods
        assert [m.name for m in methods] == ["Unary", "ServerStream", "ClientStream", "BidiStream", "Unimplemented", "IdempotentUnary"]


def test_the_servers_end_in_order_and_have_said_nothing_more():
    for server in (plain(), encrypted()):
        server.stop()


if __name__ == "__main__":
    main()
