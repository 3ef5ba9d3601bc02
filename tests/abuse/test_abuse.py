#!/usr/bin/python3
# timeout: 240
# smoke: yes
"""Hostile peers, one case after another: each gets the answer that is right, costs little, and
harms nobody else. The rows are in floods.py, terms.py and answers.py."""
import functools
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import main  # noqa: E402

import answers  # noqa: E402
import floods  # noqa: E402
import target  # noqa: E402
import terms  # noqa: E402
from peer import Peer  # noqa: E402


@functools.lru_cache(maxsize=None)
def server(kind, *limits):
    return target.zwyd() if kind == "zwyd" else target.interop(*limits)


def case(which, say, right, how):
    """A test of one row, at the server that `which` gives."""
    def run():
        abused = which()
        with abused.watched() as look, Peer(abused, **how) as peer:
            say(peer)
            assert peer.listen(lambda: right.holds(peer)), f"wanted: {right.words}; heard: {peer}"
            look()
    return run


def rows():
    """Of each row: its name, its server, the rest."""
    for name, *rest in floods.ANYWHERE + floods.INTEROP + answers.ROWS:
        yield name, functools.partial(server, "interop"), rest
    for name, *rest in floods.ANYWHERE:
        yield f"at_zwyd_{name}", functools.partial(server, "zwyd"), rest
    for name, say, right, how, limits in terms.ROWS:
        yield name, functools.partial(server, "interop", *limits), (say, right, how)


for title, at, row in rows():
    globals()["test_" + title] = case(at, *row)

if __name__ == "__main__":
    main()
