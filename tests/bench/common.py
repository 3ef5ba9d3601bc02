"""What all parts of the bench use: lines, programs that measure, their loads."""
import collections
import os
import pathlib
import struct
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "harness"))
from zwytest import contract, program  # noqa: E402

# One line of the table: what is asked, over which transport, how many at a time, of whom.
Line = collections.namedtuple("Line", "group what over n who")
ZWYD, CXX, LMDB, HTTP2 = "zwyd", "gRPC C++", "LMDB alone", "HTTP/2 alone"
ZWYFS, BARE, TMPFS, SSHFS = "zwyfs", "bare libfuse", "tmpfs", "sshfs"
SERVICE = "block-storage"


def tool(*words, **options):
    """Runs a measuring program; its key=value line as numbers."""
    ran = subprocess.run([str(w) for w in words], stdout=subprocess.PIPE, text=True, check=True, **options)
    return {key: float(value) for key, value in (pair.split("=") for pair in ran.stdout.split() if "=" in pair)}


def load(target, method, as_, requests, concurrency, *words):
    """Unary calls of a method by zwy-load."""
    return tool(program("zwy-load"), "--target", target, "--path", contract.call_path(contract.method(method)), "--as",
                f"principals/{as_}", "--requests", requests, "--concurrency", concurrency, *words)


def write_requests(path, messages):
    """Writes the messages that zwy-load shall send in turn."""
    with open(path, "wb") as file:
        for item in messages:
            encoded = item.SerializeToString()
            file.write(struct.pack(">I", len(encoded)) + encoded)
    return path


def private_kib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return int(fields["RssAnon"].split()[0])


class Samples:
    """What was measured: a result of every line and round."""

    def __init__(self):
        self.samples = {}  # Line -> [result]

    def note(self, line, result):
        self.samples.setdefault(line, []).append(result)
