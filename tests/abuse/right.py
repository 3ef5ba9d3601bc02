"""Answers that are right: predicates over what a peer has heard, each with words for a failure."""
from wire import ERRORS


class Right:
    def __init__(self, words, holds):
        self.words, self.holds = words, holds

    def __or__(self, other):
        return Right(f"{self.words}, or {other.words}", lambda peer: self.holds(peer) or other.holds(peer))

    def __and__(self, other):
        return Right(f"{self.words} and {other.words}", lambda peer: self.holds(peer) and other.holds(peer))


CLOSED = Right("closed", lambda peer: peer.closed)


def ends(code, text=None):
    """GOAWAY with that code, and text if one is given, then the end."""
    number = ERRORS.index(code)
    return Right(f"GOAWAY {code} {text or ''}",
                 lambda peer: peer.goaway[0] == number and text in (None, peer.goaway[1])) & CLOSED


def calm(text):
    return ends("ENHANCE_YOUR_CALM", text)


def resets(code, stream=1):
    number = ERRORS.index(code)
    return Right(f"reset {code}", lambda peer: peer.reply(stream).reset == number)


def status(number, http="200", stream=1):
    """A whole answer with this grpc-status: after DATA when it is OK, else in one block."""
    def holds(peer):
        reply = peer.reply(stream)
        return (reply.ended and reply.status == number and reply.http == http
                and len(reply.blocks) == (2 if number == 0 else 1) and reply.reset in (None, 0))
    return Right(f"http {http}, grpc-status {number}", holds)


OK = status(0)
CANCELLED, UNKNOWN, INVALID, DEADLINE, EXHAUSTED, UNIMPLEMENTED, INTERNAL = (status(n) for n in (1, 2, 3, 4, 8, 12, 13))
FOREIGN = status(3, http="415")
NOT_ALLOWED = status(13, http="405")
MALFORMED = resets("PROTOCOL_ERROR")
