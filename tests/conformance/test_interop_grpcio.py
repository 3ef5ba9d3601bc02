#!/usr/bin/python3
"""The interoperability cases of grpc's doc/interop-test-descriptions.md, by grpcio, over every transport.

What grpcio cannot do or see, the compression of single messages, a raw client does."""
# timeout: 300
# smoke: yes
import functools
import gzip
import pathlib
import queue
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from peers import PATIENCE, TRANSPORTS, Messages, Peer, Raw, failure, framed, grpc, print_matrix  # noqa: E402
from zwytest import main, rounds  # noqa: E402

SERVICE = "grpc.testing.TestService"
M = Messages("interop", "grpc.testing")
INITIAL, TRAILING = ("x-grpc-test-echo-initial", "test_initial_metadata_value"), ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab")
SIZES = ((31415, 27182), (9, 8), (2653, 1828), (58979, 45904))  # of answers and requests


@functools.lru_cache(maxsize=None)
def peer():
    return Peer("interop")


class Client:
    """The methods of the service as attributes."""

    def __init__(self, transport, **options):
        self.transport = transport
        self.channel = peer().channel(transport, **options)

    def __getattr__(self, name):
        call = peer().stub(self.channel, f"{SERVICE}/{name}")
        return lambda request, timeout=PATIENCE, **more: call(request, timeout=timeout, **more)

    def future(self, name, request):
        return peer().stub(self.channel, f"{SERVICE}/{name}").future(request, timeout=PATIENCE)


def payload(size):
    return M.Payload(body=bytes(size))


def large_request(**more):
    return M.SimpleRequest(response_size=314159, payload=payload(271828), **more)


def is_large(response):
    return response.payload.body == bytes(314159)


def output(*sizes, request=None, **more):
    return M.StreamingOutputCallRequest(response_parameters=[M.ResponseParameters(size=size) for size in sizes],
                                        payload=request and payload(request), **more)


def sizes_of(answers):
    return [len(answer.payload.body) for answer in answers]


class PingPong:
    """A stream that is asked and answered in turn."""

    def __init__(self, client, **more):
        self.queue = queue.Queue()
        self.call = client.FullDuplexCall(iter(self.queue.get, None), **more)

    def ask(self, request):
        self.queue.put(request)
        return len(next(self.call).payload.body)

    def end(self):
        self.queue.put(None)


# ---- the cases ------------------------------------------------------------------

def empty_unary(client):
    assert client.EmptyCall(M.Empty()) == M.Empty()


def large_unary(client):
    assert is_large(client.UnaryCall(large_request()))


def cacheable_unary(client):
    call = peer().stub(client.channel, f"{SERVICE}/CacheableUnaryCall")
    (first, about), (second, _) = (call.with_call(M.SimpleRequest(), timeout=PATIENCE) for _ in range(2))
    assert first.payload.body.isdigit() and first.payload.body != second.payload.body
    assert "max-age=60" in dict(about.initial_metadata())["cache-control"]


def client_streaming(client):
    requests = [M.StreamingInputCallRequest(payload=payload(size)) for _, size in SIZES]
    assert client.StreamingInputCall(iter(requests)).aggregated_payload_size == 74922


def server_streaming(client):
    sizes = [size for size, _ in SIZES]
    assert sizes_of(client.StreamingOutputCall(output(*sizes))) == sizes


def ping_pong(client):
    talk = PingPong(client)
    for answer, request in SIZES:
        assert talk.ask(output(answer, request=request)) == answer
    talk.end()
    assert list(talk.call) == [] and talk.call.code() == grpc.StatusCode.OK


def half_duplex(client):
    requests = [output(answer, request=request) for answer, request in SIZES]
    assert sizes_of(client.HalfDuplexCall(iter(requests))) == [answer for answer, _ in SIZES]


def empty_stream(client):
    assert list(client.FullDuplexCall(iter(()))) == []


def cancel_after_begin(client):
    call = peer().stub(client.channel, f"{SERVICE}/StreamingInputCall").future(iter(threading.Event().wait, True))
    call.cancel()
    assert call.code() == grpc.StatusCode.CANCELLED


def cancel_after_first_response(client):
    talk = PingPong(client)
    assert talk.ask(output(31415, request=27182)) == 31415
    talk.call.cancel()
    assert failure(lambda: next(talk.call)).code() == grpc.StatusCode.CANCELLED
    talk.end()


def timeout_on_sleeping_server(client):
    talk = PingPong(client, timeout=0.001)
    talk.queue.put(output(request=27182))
    assert failure(lambda: next(talk.call)).code() == grpc.StatusCode.DEADLINE_EXCEEDED
    talk.end()


def intervals_are_kept(client):
    """A long one comes after the answer before it, and not before its time: the deadline is there first."""
    request = M.StreamingOutputCallRequest(response_parameters=[M.ResponseParameters(size=1, interval_us=1000), M.ResponseParameters(
        size=2, interval_us=2000000000)])
    assert client.EmptyCall(M.Empty()) == M.Empty()  # connected: the time below is the call's own
    call = client.StreamingOutputCall(request, timeout=2)
    assert len(next(call).payload.body) == 1
    assert failure(lambda: next(call)).code() == grpc.StatusCode.DEADLINE_EXCEEDED


def both_status(client, code, message):
    status = M.EchoStatus(code=code.value[0], message=message)
    for error in (failure(lambda: client.UnaryCall(M.SimpleRequest(response_status=status))),
                  failure(lambda: list(client.FullDuplexCall(iter([M.StreamingOutputCallRequest(response_status=status)]))))):
        assert error.code() == code and error.details() == message, error


def status_code_and_message(client):
    both_status(client, grpc.StatusCode.UNKNOWN, "test status message")


def special_status_message(client):
    both_status(client, grpc.StatusCode.UNKNOWN, "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n")


def every_status_code(client):
    for code in grpc.StatusCode:
        if code != grpc.StatusCode.OK:
            both_status(client, code, code.name)


def custom_metadata(client):
    unary = peer().stub(client.channel, f"{SERVICE}/UnaryCall")
    response, whole = unary.with_call(large_request(), timeout=PATIENCE, metadata=(INITIAL, TRAILING))
    assert is_large(response)
    stream = client.FullDuplexCall(iter([output(314159, request=271828)]), metadata=(INITIAL, TRAILING))
    assert sizes_of(stream) == [314159]
    for call in (whole, stream):
        assert INITIAL in [tuple(pair) for pair in call.initial_metadata()]
        assert TRAILING in [tuple(pair) for pair in call.trailing_metadata()]


def unimplemented_method(client):
    error = failure(lambda: client.UnimplementedCall(M.Empty()))
    assert error.code() == grpc.StatusCode.UNIMPLEMENTED


def unimplemented_service(client):
    call = peer().stub(client.channel, "grpc.testing.UnimplementedService/UnimplementedCall")
    assert failure(lambda: call(M.Empty(), timeout=PATIENCE)).code() == grpc.StatusCode.UNIMPLEMENTED


def yes(value=True):
    return M.BoolValue(value=value)


def client_compressed_unary(client):
    gzip_call = {"compression": grpc.Compression.Gzip}
    error = failure(lambda: client.UnaryCall(large_request(expect_compressed=yes())))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
    error = failure(lambda: client.UnaryCall(large_request(expect_compressed=yes(False)), **gzip_call))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
    assert is_large(client.UnaryCall(large_request(expect_compressed=yes()), **gzip_call))
    assert is_large(client.UnaryCall(large_request(expect_compressed=yes(False))))


def server_compressed_unary(client):
    for wish in (True, False):
        assert is_large(client.UnaryCall(large_request(response_compressed=yes(wish))))
        with Raw(peer(), client.transport) as raw:
            request = large_request(response_compressed=yes(wish)).SerializeToString()
            reply = raw.call(f"/{SERVICE}/UnaryCall", framed(request), {"grpc-accept-encoding": "identity,deflate,gzip"})
        (flag, body), = reply.answers
        assert flag == int(wish) and reply.status == 0, reply.headers
        assert is_large(M.SimpleResponse.FromString(gzip.decompress(body) if flag else body))
        assert not wish or dict(reply.headers)["grpc-encoding"] == "gzip"


def input_request(size, compressed):
    """A message of a stream and its compression as it claims it."""
    return M.StreamingInputCallRequest(payload=payload(size), expect_compressed=yes(compressed)).SerializeToString()


def client_compressed_streaming(client):
    error = failure(lambda: client.StreamingInputCall(
        iter([M.StreamingInputCallRequest(payload=payload(27182), expect_compressed=yes())])))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
    with Raw(peer(), client.transport) as raw:
        body = framed(gzip.compress(input_request(27182, True)), 1) + framed(input_request(45904, False))
        reply = raw.call(f"/{SERVICE}/StreamingInputCall", body, {"grpc-encoding": "gzip"})
    (_, answer), = reply.answers
    assert reply.status == 0 and M.StreamingInputCallResponse.FromString(answer).aggregated_payload_size == 73086


def server_compressed_streaming(client):
    request = M.StreamingOutputCallRequest(response_parameters=[M.ResponseParameters(compressed=yes(), size=31415), M.ResponseParameters(
        compressed=yes(False), size=92653)])
    assert sizes_of(client.StreamingOutputCall(request)) == [31415, 92653]
    with Raw(peer(), client.transport) as raw:
        reply = raw.call(f"/{SERVICE}/StreamingOutputCall", framed(request.SerializeToString()), {"grpc-accept-encoding": "gzip"})
    assert [flag for flag, _ in reply.answers] == [1, 0] and reply.status == 0
    bodies = [gzip.decompress(body) if flag else body for flag, body in reply.answers]
    assert sizes_of(M.StreamingOutputCallResponse.FromString(body) for body in bodies) == [31415, 92653]


def rpc_soak(client):
    for _ in range(rounds(30, quick=5, long=2000)):
        assert is_large(client.UnaryCall(large_request()))


def channel_soak(client):
    for _ in range(rounds(20, quick=5, long=1000)):
        fresh = Client(client.transport)
        assert is_large(fresh.UnaryCall(large_request()))
        fresh.channel.close()


def concurrent_large_unary(client):
    futures = [client.future("UnaryCall", large_request()) for _ in range(rounds(100, quick=30, long=1000))]
    assert all(is_large(future.result()) for future in futures)


CASES = [empty_unary, large_unary, cacheable_unary, client_streaming, server_streaming, ping_pong, half_duplex, empty_stream,
         cancel_after_begin, cancel_after_first_response, timeout_on_sleeping_server, intervals_are_kept, status_code_and_message,
         special_status_message, every_status_code, custom_metadata, unimplemented_method, unimplemented_service,
         client_compressed_unary, server_compressed_unary, client_compressed_streaming, server_compressed_streaming, rpc_soak,
         channel_soak, concurrent_large_unary]


PASSED = set()


def over(transport, case):
    def run():
        client = Client(transport)
        try:
            case(client)
            PASSED.add((case.__name__, transport))
        finally:
            client.channel.close()
    return run


for _transport in TRANSPORTS:
    for _case in CASES:
        globals()[f"test_{_case.__name__}_over_{_transport}"] = over(_transport, _case)


def test_more_calls_than_streams_wait_their_turn():
    small = Peer("interop", ["--limit", "max_concurrent_streams=2"], ["127.0.0.1:0"])
    channel = small.channel("tcp")
    call = small.stub(channel, f"{SERVICE}/UnaryCall")
    futures = [call.future(large_request(), timeout=PATIENCE) for _ in range(20)]
    assert all(is_large(future.result()) for future in futures)
    channel.close()
    small.stop()


def test_the_server_ends_in_order_and_has_said_nothing_more():
    peer().stop()
    print_matrix("grpcio", [case.__name__ for case in CASES], PASSED)


if __name__ == "__main__":
    main()
