"""Peers that are slow, silent or stuck: rows of (name, what is said, the right answer, how the peer is
made, the limits of its server). The terms are short here, so that nobody waits long; how long exactly
they are is proved in tests/rpc with a clock of its own."""
import os
import signal
import time

from peer import PATIENCE, Peer
from right import DEADLINE, Right, calm, ends, resets
from wire import (ACK, DATA, END_STREAM, HEADERS, INITIAL_WINDOW_SIZE, LARGEST_WINDOW, PREFACE, SETTINGS, frame,
                  message, ping, setting, varint, window_update)

SHORT = ("preface_timeout=500", "settings_timeout=500", "header_timeout=500", "receive_timeout=500", "send_timeout=500",
         "abort_grace=100")
# Where the peer has something to do in time, there is time, for a busy machine.
WAITING = ("preface_timeout=5000", "settings_timeout=5000", "header_timeout=500", "receive_timeout=500", "send_timeout=5000")
DEAD = ("keepalive_time=300", "keepalive_timeout=300")
ALIVE = ("keepalive_time=300", "keepalive_timeout=10000")
IDLE = ("max_connection_idle=1000",)
OLD = ("max_connection_age=1500", "max_connection_age_grace=300")

SERVICE = "/grpc.testing.TestService/"
ANYTHING = Right("anything", lambda peer: True)


def nothing(peer):
    del peer


def silent_crowd(peer):
    """All of them are closed, and others are served meanwhile."""
    crowd = [Peer(peer.target, greet=False) for _ in range(200)]
    assert peer.target.serves()
    for one in crowd:
        assert one.listen(lambda p=one: p.closed), "a silent connection was kept"
        one.socket.close()
    peer.say(PREFACE + frame(SETTINGS))


def byte_by_byte(peer):
    end = time.monotonic() + PATIENCE
    for byte in peer.headers(1, END_STREAM) * 1000:
        peer.say(bytes([byte]))
        if peer.listen(lambda: peer.closed, 0.02) or time.monotonic() > end:
            break


def half_message(peer):
    peer.say(peer.headers(1) + frame(DATA, 0, 1, b"\0\0\0"))


def half_message_in_a_stream(peer):
    peer.say(peer.headers(1, path=SERVICE + "FullDuplexCall") + frame(DATA, 0, 1, b"\0\0\0\0\x09x"))


def no_message(peer):
    peer.say(peer.headers(1))


def no_end(peer):
    peer.say(peer.headers(1) + frame(DATA, 0, 1, message()))


def waiting_stream(peer):
    """Nothing is half done: it may go on for as long as it likes."""
    peer.say(peer.headers(1, path=SERVICE + "FullDuplexCall"))
    assert peer.hears_nothing_for(1.5), peer
    peer.say(frame(DATA, END_STREAM, 1))


def never_acknowledges(peer):
    peer.say(peer.call(1))
    assert peer.listen(lambda: peer.reply(1).status == 0)


def while_it_stands_still(peer):
    """All that is waited for is said in time; the server finds it when its patience is over."""
    assert peer.listen(lambda: peer.their_settings)
    os.kill(peer.target.pid, signal.SIGSTOP)
    try:
        peer.say(PREFACE + frame(SETTINGS) + frame(SETTINGS, ACK) + peer.call(1))
        time.sleep(1)  # longer than any of SHORT
    finally:
        os.kill(peer.target.pid, signal.SIGCONT)


def large_replies(calls, size):
    """Each asks for 8 messages of that size."""
    parameters = b"\x08" + varint(size)
    wish = message((b"\x12" + varint(len(parameters)) + parameters) * 8)

    def say(peer):
        for stream in range(1, 2 * calls, 2):
            peer.say(peer.headers(stream, path=SERVICE + "StreamingOutputCall") + frame(DATA, END_STREAM, stream, wish))
    return say


def large_replies_to_nobody(peer):
    peer.say(window_update(0, LARGEST_WINDOW - 65535))
    large_replies(100, 1 << 20)(peer)


def growing_window(peer):
    """Opened byte by byte."""
    large_replies(1, 100)(peer)
    reply = peer.reply(1)
    while not reply.over:
        before = len(reply.body)
        assert peer.listen(lambda n=before: len(reply.body) >= n or reply.over)
        peer.say(window_update(1, 1))
        peer.listen(lambda n=before: len(reply.body) > n or reply.over)


def pings(peer):
    for n in range(20):
        if peer.closed or not peer.say(ping()):
            break
        peer.listen(lambda n=n: peer.acknowledged_pings > n or peer.closed)


def open_stream(peer):
    peer.say(peer.headers(1, path=SERVICE + "FullDuplexCall"))


def no_stream_is_left(calls):
    return Right("an end of every call", lambda peer: sum(r.over for r in peer.replies.values()) == calls)


DRAINED = Right("two GOAWAYs", lambda peer: [code for _, code, _ in peer.goaways] == [0, 0] and peer.closed)
UNAVAILABLE = Right("UNAVAILABLE", lambda peer: peer.reply(1).status == 14)


def window(n):
    return {"settings": setting(INITIAL_WINDOW_SIZE, n)}


ROWS = [
    ("silent_connections_are_closed", silent_crowd, ends("SETTINGS_TIMEOUT", "settings_timeout"),
     {"greet": False, "polite": False}, SHORT),
    ("half_a_preface", lambda p: p.say(PREFACE[:10]), ends("SETTINGS_TIMEOUT", "preface_timeout"),
     {"greet": False, "polite": False}, SHORT),
    ("a_preface_without_settings", lambda p: p.say(PREFACE), ends("SETTINGS_TIMEOUT", "preface_timeout"),
     {"greet": False, "polite": False}, SHORT),
    ("a_preface_that_came_while_the_server_stood_still", while_it_stands_still, Right("OK", lambda p: p.reply(1).status == 0),
     {"greet": False, "polite": False}, SHORT),
    ("settings_that_are_never_acknowledged", never_acknowledges, ends("SETTINGS_TIMEOUT", "settings_timeout"),
     {"polite": False}, SHORT),
    ("headers_byte_by_byte", byte_by_byte, calm("header_timeout"), {}, SHORT),
    ("half_a_header_block", lambda p: p.say(frame(HEADERS, END_STREAM, 1, p.request())), calm("header_timeout"), {}, SHORT),
    ("half_a_message", half_message, DEADLINE, {}, SHORT),
    ("half_a_message_in_a_stream", half_message_in_a_stream, DEADLINE, {}, SHORT),
    ("a_unary_call_without_its_message", no_message, DEADLINE, {}, SHORT),
    ("a_unary_call_without_its_end", no_end, DEADLINE, {}, SHORT),
    ("a_stream_that_waits", waiting_stream, Right("OK", lambda p: p.reply(1).status == 0), {}, WAITING),
    ("large_replies_and_no_window", large_replies(100, 1 << 20), no_stream_is_left(100), window(0), SHORT),
    ("large_replies_and_a_window_of_1", large_replies(100, 1 << 20), no_stream_is_left(100), window(1), SHORT),
    ("a_reply_that_is_never_taken", large_replies(1, 100000), resets("CANCEL"), window(1000), SHORT),
    ("a_reply_that_is_taken_slowly", growing_window, Right("OK", lambda p: p.reply(1).status == 0), window(1), WAITING),
    ("large_replies_that_nobody_reads", large_replies_to_nobody, ANYTHING,
     {"deaf": True, "settings": setting(INITIAL_WINDOW_SIZE, LARGEST_WINDOW)}, SHORT),
    ("pings_without_a_call", pings, calm("too_many_pings"), {}, SHORT),
    ("a_dead_peer", open_stream, ends("NO_ERROR", "keepalive_timeout"), {"answer_pings": False}, DEAD),
    ("a_peer_that_answers_is_kept", lambda p: (open_stream(p), p.listen(lambda: p.pings > 3), p.say(frame(DATA, END_STREAM, 1))),
     Right("OK", lambda p: p.reply(1).status == 0), {}, ALIVE),
    ("an_idle_connection", nothing, DRAINED, {}, IDLE),
    ("a_connection_with_a_call_is_not_idle", waiting_stream, Right("OK", lambda p: p.reply(1).status == 0), {}, IDLE),
    ("an_old_connection", open_stream, UNAVAILABLE & DRAINED, {}, OLD),
]
