"""Whole connections that misbehave: rows of (name, what is said, the right answer).

What is said is a function of a Peer that has greeted, unless the row says how it is to be made.
Each kind of flood stands beside a use that must pass (SERVED): the same in a small number, or as
stock clients do it."""
import os
import struct

from right import CLOSED, MALFORMED, OK, Right, calm, ends, status
from wire import (CONTINUATION, DATA, END_HEADERS, END_STREAM, FIRST_OF_OUR_OWN, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE,
                  LARGEST_WINDOW, PADDED, PING, PREFACE, PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS, field, frame,
                  header_frames, indexed, integer, message, ping, reset, setting, settings, string, window_update)

FLOOD = 20000  # frames or streams, where the number is not the point


def streams(n):
    return range(1, 2 * n, 2)


SERVED = Right("the connection still serves", lambda peer: peer.reply(999999).status == 0)


def then_good_call(peer):
    peer.say(peer.call(999999))


# ---- no HTTP/2 at all ----

def http1(peer):
    peer.say(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")


def upgrade(peer):
    peer.say(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
             b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")


def garbage(peer):
    peer.say(os.urandom(4096))


def no_settings(peer):
    peer.say(PREFACE + ping())


# ---- header blocks ----

def continuations(payload, n):
    def say(peer):
        peer.say(frame(HEADERS, 0, 1, peer.request()) + frame(CONTINUATION, 0, 1, payload) * n)
    return say


def header_block(pairs, piece=16384):
    def say(peer):
        peer.say(header_frames(1, peer.request(extra=pairs), piece=piece) + frame(DATA, END_STREAM, 1, message()))
    return say


def many(n, size):
    return [(f"x-{number}", "y" * size) for number in range(n)]


def long_value(peer):
    """A length of 1 MiB, and as many bytes."""
    block = peer.request() + b"\0" + string("x") + integer(1 << 20, 7) + b"y" * (1 << 20)
    peer.say(header_frames(1, block))


def header_bomb(peer):
    """One entry of 4000 bytes in the table, then references to it of one byte each."""
    peer.say(frame(HEADERS, END_HEADERS | END_STREAM, 1, peer.request() + field("x", "y" * 4000, keep=True)))
    for stream in streams(100)[1:]:
        peer.say(frame(HEADERS, END_HEADERS | END_STREAM, stream, peer.request() + indexed(FIRST_OF_OUR_OWN) * 16000))


def bomb_in_trailers(peer):
    peer.say(peer.headers(1) + frame(DATA, 0, 1, message()) +
             frame(HEADERS, END_HEADERS | END_STREAM, 1, indexed(32) * 16000))


def bombs_for_closed_streams(peer):
    peer.say(peer.call(1))
    peer.listen(lambda: peer.reply(1).over)
    for _ in range(FLOOD):
        if not peer.say(frame(HEADERS, END_HEADERS | END_STREAM, 1, indexed(2) * 16000)):
            break


def table_sizes(peer):
    """8000 changes of the table's size before each request."""
    peer.say(b"".join(frame(HEADERS, END_HEADERS, stream, b"\x20\x3f\xe1\x1f" * 4000 + peer.request()) for stream in streams(50)))
    then_good_call(peer)


def long_headers_again_and_again(peer):
    for stream in streams(100):
        peer.say(header_frames(stream, peer.request(extra=many(30, 1000)), END_STREAM))


# ---- resets ----

def rapid_resets(n, whole=False, wait=False):
    def say(peer):
        for first in range(1, 2 * n, 200):
            part = range(first, min(first + 200, 2 * n), 2)
            call = peer.call if whole else peer.headers
            if not peer.say(b"".join(call(stream) + reset(stream) for stream in part)):
                break
        if wait:
            then_good_call(peer)
    return say


def provoked(offence, n=5000):
    """The offence on one stream after another, each heard before the next."""
    def say(peer):
        for stream in streams(n):
            if not peer.say(offence(peer, stream)):
                break
            peer.listen(lambda s=stream: peer.reply(s).over or peer.goaways)
            if peer.goaways:
                break
        if n < 100:
            then_good_call(peer)
    return say


def trailers(peer, stream, block, flags=END_STREAM):
    return peer.headers(stream) + frame(DATA, 0, stream, message()) + frame(HEADERS, END_HEADERS | flags, stream, block)


def window_beyond(peer, stream):
    return peer.headers(stream) + window_update(stream, LARGEST_WINDOW)


def pseudo_trailers(peer, stream):
    return trailers(peer, stream, field(":path", "/x"))


def endless_trailers(peer, stream):
    return trailers(peer, stream, field("a", "b"), 0)


def content_length(peer, stream):
    return peer.headers(stream, extra=[("content-length", "1")]) + frame(DATA, 0, stream, message())


def malformed(peer, stream):
    return peer.headers(stream, END_STREAM, extra=[("UPPER", "x")])


OFFENCES = {"a_window_beyond_the_largest": window_beyond, "trailers_with_a_pseudo_header": pseudo_trailers,
            "trailers_that_do_not_end": endless_trailers, "another_content_length": content_length,
            "a_malformed_field": malformed}


def once(offence):
    def say(peer):
        peer.say(offence(peer, 1))
    return say


# ---- frames in numbers ----

def frames(data, n, on_stream=True, passes=False):
    def say(peer):
        peer.say((peer.headers(1) if on_stream else b"") + data * n)
        if passes:
            then_good_call(peer)
    return say


def each_stream(kind, payload, n):
    def say(peer):
        peer.say(b"".join(frame(kind, 0, stream, payload) for stream in streams(n)))
    return say


def pings_after_answers(peer):
    """As C core does, which measures the bandwidth."""
    for stream in streams(100):
        peer.say(peer.call(stream))
        peer.listen(lambda s=stream: peer.reply(s).over)
        peer.say(ping())
    then_good_call(peer)


def window_flip(peer):
    peer.say(b"".join(peer.headers(stream) for stream in streams(99)))
    peer.say((settings((INITIAL_WINDOW_SIZE, LARGEST_WINDOW)) + settings((INITIAL_WINDOW_SIZE, 1))) * 5000)


def many_settings(peer):
    peer.say(frame(SETTINGS, payload=setting(1, 4096) * 2000))


def data_after_refusal(peer):
    """What was on its way when the server said no: heard out, and the windows given back."""
    peer.say(peer.headers(1, path="/no.Such/Method"))
    peer.listen(lambda: peer.reply(1).over)
    peer.say(frame(DATA, 0, 1, bytes(8000)) * 20)
    then_good_call(peer)


# ---- windows, sizes, ids ----

def beyond_window(peer):
    peer.say(peer.headers(1, path="/grpc.testing.TestService/StreamingInputCall"))
    peer.say(frame(DATA, 0, 1, b"\0\0\x3f\xff\xff" + bytes(16000)) + frame(DATA, 0, 1, bytes(16384)) * 1000)


def too_many_streams(peer):
    peer.say(b"".join(peer.headers(stream) for stream in streams(5000)))


def burst_before_settings(peer):
    """Calls that a client begins before it can know how many may be open."""
    peer.say(PREFACE + frame(SETTINGS) + b"".join(peer.call(stream) for stream in streams(1000)))
    peer.listen(lambda: sum(peer.reply(stream).over for stream in streams(1000)) == 1000)
    refused = [r for r in peer.resets if r != 0]
    assert all(r == 7 for r in refused), refused  # REFUSED_STREAM: to be tried again
    assert sum(peer.reply(stream).status == 0 for stream in streams(1000)) + len(refused) == 1000
    then_good_call(peer)


def goaway_then_call(peer):
    peer.say(frame(GOAWAY, payload=bytes(8)) + peer.call(1))


ANYWHERE = [
    # name, what is said, the right answer, how the peer is made
    ("http1_is_closed", http1, CLOSED, {"greet": False}),
    ("an_upgrade_is_closed", upgrade, CLOSED, {"greet": False}),
    ("garbage_is_closed", garbage, CLOSED, {"greet": False}),
    ("the_first_frame_must_be_settings", no_settings, ends("PROTOCOL_ERROR"), {"greet": False}),

    ("a_flood_of_continuations_of_one_byte", continuations(b"\0", 100000), calm("too_many_continuations"), {}),
    ("a_flood_of_empty_continuations", continuations(b"", 200000), calm("too_many_continuations"), {}),
    ("a_flood_of_full_continuations", continuations(b"".join(field(*pair) for pair in many(140, 100)), 4000),
     calm("too_much_metadata"), {}),
    ("a_few_continuations_pass", header_block(many(80, 100), piece=1500), OK, {}),
    ("12_kb_of_metadata_pass", header_block(many(90, 100)), OK, {}),
    ("20_kb_of_metadata_are_refused", header_block(many(150, 100)), status(8), {}),
    ("70_kb_of_metadata_end", header_block(many(600, 100)), calm("too_much_metadata"), {}),
    ("20000_fields_end", header_block(many(20000, 1)), calm("too_much_metadata"), {}),
    ("a_value_of_1_mib_ends", long_value, ends("COMPRESSION_ERROR"), {}),
    ("too_much_metadata_again_and_again", long_headers_again_and_again, calm("too_much_metadata"), {}),
    ("a_header_bomb", header_bomb, calm("too_much_metadata"), {}),
    ("a_header_bomb_in_trailers", bomb_in_trailers, calm("too_much_metadata"), {}),
    ("header_bombs_for_closed_streams", bombs_for_closed_streams, ends("STREAM_CLOSED"), {}),
    ("many_changes_of_the_table_are_cheap", table_sizes, SERVED | ends("COMPRESSION_ERROR"), {}),

    ("rapid_resets", rapid_resets(FLOOD), calm("too_many_resets"), {}),
    ("rapid_resets_of_whole_requests", rapid_resets(FLOOD, whole=True), calm("too_many_resets"), {}),
    ("a_burst_of_resets_passes", rapid_resets(400, wait=True), SERVED, {}),
    *((f"resets_provoked_by_{name}", provoked(offence), calm("too_many_stream_errors"), {})
      for name, offence in OFFENCES.items()),
    *((f"a_few_resets_provoked_by_{name}_pass", provoked(offence, 50), SERVED, {}) for name, offence in OFFENCES.items()),
    ("a_window_update_of_0", once(lambda p, s: p.headers(s) + window_update(s, 0)),
     ends("PROTOCOL_ERROR") | MALFORMED, {}),
    ("priority_of_a_wrong_length", once(lambda p, s: p.headers(s) + frame(PRIORITY, 0, s, bytes(4))),
     ends("FRAME_SIZE_ERROR") | MALFORMED, {}),
    ("a_stream_that_depends_on_itself", provoked(lambda p, s: p.headers(s) + frame(PRIORITY, 0, s, struct.pack(">IB", s, 1)) +
                                                 frame(DATA, END_STREAM, s, message()), 20),
     SERVED | ends("PROTOCOL_ERROR"), {}),
    ("data_after_the_end", once(lambda p, s: p.call(s) + frame(DATA, END_STREAM, s, message())),
     ends("STREAM_CLOSED"), {}),
    ("headers_after_the_end", once(lambda p, s: p.call(s) + frame(HEADERS, END_HEADERS | END_STREAM, s, field("a", "b"))),
     ends("STREAM_CLOSED"), {}),

    ("a_flood_of_pings", frames(ping(), 50000, on_stream=False), calm("too_many_pings"), {}),
    ("a_flood_of_pings_whose_answers_nobody_reads", frames(ping(), 500000, on_stream=False), CLOSED, {"deaf": True}),
    ("pings_after_answers_pass", pings_after_answers, SERVED, {}),
    ("a_flood_of_settings_whose_answers_nobody_reads", frames(settings((1, 4096)), 500000, on_stream=False), CLOSED,
     {"deaf": True}),
    ("2000_entries_in_one_settings", many_settings, ends("ENHANCE_YOUR_CALM"), {}),
    ("a_window_that_flips_for_all_streams", window_flip, calm("too_many_settings"), {}),
    ("a_few_settings_pass", frames(settings((INITIAL_WINDOW_SIZE, 70000)), 50, passes=True), SERVED, {}),
    ("a_flood_of_empty_data", frames(frame(DATA, 0, 1), FLOOD), calm("too_many_glitches"), {}),
    ("a_flood_of_padding", frames(frame(DATA, PADDED, 1, b"\x0f" + bytes(15)), FLOOD),
     calm("too_many_glitches") | ends("FLOW_CONTROL_ERROR"), {}),
    ("a_flood_of_priorities", each_stream(PRIORITY, struct.pack(">IB", 0, 1), FLOOD), calm("too_many_glitches"), {}),
    ("a_flood_of_unknown_frames", frames(frame(0xBB, 0, 0, b"whatever"), FLOOD), calm("too_many_glitches"), {}),
    ("a_flood_of_window_updates", frames(window_update(1, 1), FLOOD), calm("too_many_glitches"), {}),
    ("a_flood_of_resets_of_nothing", lambda p: p.say(p.call(1) + reset(1) * FLOOD), calm("too_many_glitches"), {}),
    *((f"some_{name}_pass", frames(data, 500, passes=True), SERVED, {}) for name, data in (
        ("empty_data", frame(DATA, 0, 1)), ("padding", frame(DATA, PADDED, 1, b"\3" + bytes(3))),
        ("unknown_frames", frame(0xBB, 0, 0, b"whatever")), ("window_updates", window_update(1, 1)))),

    ("the_connections_window_beyond_the_largest", frames(window_update(0, LARGEST_WINDOW), 2, on_stream=False),
     ends("FLOW_CONTROL_ERROR"), {}),
    ("a_frame_larger_than_allowed", frames(frame(DATA, 0, 1, bytes(20000)), 1), ends("FRAME_SIZE_ERROR"), {}),
    ("more_streams_than_allowed", too_many_streams, ends("PROTOCOL_ERROR") | calm("too_many_glitches"), {}),
    ("a_burst_of_calls_before_the_settings_are_known", burst_before_settings, SERVED, {"greet": False}),
    ("a_push_promise", lambda p: p.say(p.headers(1) + frame(PUSH_PROMISE, END_HEADERS, 1, bytes(3) + b"\2" + p.request())),
     ends("PROTOCOL_ERROR"), {}),
    ("an_even_stream", lambda p: p.say(p.headers(2, END_STREAM)), ends("PROTOCOL_ERROR"), {}),
    ("stream_0", lambda p: p.say(p.headers(0, END_STREAM)), ends("PROTOCOL_ERROR"), {}),
    ("a_ping_of_a_wrong_length", lambda p: p.say(frame(PING, payload=b"1234")), ends("FRAME_SIZE_ERROR"), {}),
    ("a_reset_of_a_call_that_never_began_passes", lambda p: (p.say(p.call(1) + reset(3)), then_good_call(p)), SERVED, {}),
    ("a_reset_of_an_idle_stream", lambda p: p.say(frame(RST_STREAM, 0, 7, bytes(4))), ends("PROTOCOL_ERROR"), {}),
    ("a_call_right_behind_goaway", goaway_then_call, OK | CLOSED, {}),
    ("data_for_a_call_that_was_refused", data_after_refusal, SERVED, {}),
]

# These need the methods of grpc.testing.TestService.
INTEROP = [
    ("data_beyond_the_window", beyond_window, ends("FLOW_CONTROL_ERROR") | Right("reset", lambda p: p.resets), {}),
]
