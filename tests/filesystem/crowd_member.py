#!/usr/bin/python3
"""One of a crowd (crowd.py): works in the mount that is its working directory until its input ends; then says, as
JSON, what it did and what was wrong.

    crowd_member.py KIND SEED LABEL REQUEST

LABEL begins the names of its files; REQUEST is a file with a whole request."""
import errno
import json
import os
import pathlib
import random
import select
import signal
import sys

KNOWN = 400  # paths that a walker remembers
GONE = (errno.ENOENT, errno.EACCES)
# A path of any kind is asked in every way.
MISUSED = (errno.ENOTDIR, errno.EISDIR, errno.EINVAL)
# What an action, or a request for one unit too many, may be refused with.
REFUSED = (errno.EPERM, errno.EACCES, errno.EAGAIN, errno.EBADMSG, errno.ENOENT, errno.EDQUOT)
START = ["README", "whoami", "status/connection", "status/lag", "systems/finance-portal/record", "applications", "events",
         "catalogue/by-name/云服务器", "catalogue/by-layer/iaas", "applications/index.tsv", "requests", "results", "drafts", "inbox",
         "users", "nodes", "applications/by-state", "quotas/provincial-finance", "applications/mine", "audit"]


class Member:
    def __init__(self, seed, label, request):
        self.dice = random.Random(int(seed))
        self.label = label
        self.request = pathlib.Path(request).read_bytes()
        self.done = {}
        self.wrong = []
        self.number = 0
        self.known = list(START)
        self.last = 0

    def work(self, kind):
        step = getattr(self, kind)
        while not select.select([sys.stdin], [], [], 0)[0] and len(self.wrong) < 5:
            self.number += 1
            try:
                step()
            except (OSError, AssertionError, ValueError) as error:
                self.wrong.append(f"{kind} {self.label} step {self.number}: {error!r}")
        print(json.dumps({"kind": kind, "done": self.done, "wrong": self.wrong}))

    def count(self, what):
        self.done[what] = self.done.get(what, 0) + 1

    def attempt(self, function, *arguments, allowed):
        """What the function returns; None if it ends with one of these errors."""
        try:
            return function(*arguments)
        except OSError as error:
            if error.errno not in allowed:
                raise
            self.count(errno.errorcode[error.errno])
            return None

    # -- readers -----------------------------------------------------------------

    def walk(self):
        """Any way of asking, of any path that was ever seen."""
        path = self.dice.choice(self.known)
        how = self.dice.choice((os.stat, os.lstat, os.readlink, os.access, self.read, self.read, self.listing, self.listing))
        self.attempt(how, path, *((os.R_OK,) if how is os.access else ()), allowed=GONE + MISUSED)
        self.count(how.__name__)

    def listing(self, path):
        names = os.listdir(path)
        assert len(names) == len(set(names)), f"{path} shows a name twice"
        found = [os.path.join(path, name) for name in self.dice.sample(names, min(len(names), 20))]
        self.known = (self.known + [path for path in found if path.count("/") < 8])[:KNOWN]
        if len(self.known) == KNOWN:
            self.known = START + self.dice.sample(self.known, KNOWN // 2)

    @staticmethod
    def read(path):
        """Its size is exact, whatever changes at the server meanwhile."""
        fd = os.open(path, os.O_RDONLY)
        try:
            size, got = os.fstat(fd).st_size, b""
            while piece := os.read(fd, 1 << 16):
                got += piece
        finally:
            os.close(fd)
        own = ("/actions/", "/drafts/", "/requests/", "drafts/", "requests/")
        if not any(word in path for word in own) and os.path.basename(path) not in ("new", "events"):
            assert len(got) == size, f"{path}: {len(got)} bytes, and a size of {size}"

    def compare(self):
        """One record in one piece, never an older one after a newer."""
        text = pathlib.Path("systems/finance-portal/record").read_text(encoding="utf-8")
        values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        name, party = values["name-zh"].rpartition(" ")[2], values["party-in-charge"].rpartition(" ")[2]
        assert name == party, f"torn: {text}"
        assert not name.isdigit() or int(name) >= self.last, f"{name} after {self.last}"
        self.last = int(name) if name.isdigit() else self.last
        self.count("compare")

    # -- writers -----------------------------------------------------------------

    def rename(self):
        """Files of its own among those of others."""
        one, other = (f"drafts/{self.label}-{which}" for which in self.dice.sample(range(4), 2))
        text = f"{self.label} {self.number}\n" * self.dice.randint(1, 300)
        with open(one, "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(one, other)
        assert pathlib.Path(other).read_text(encoding="utf-8") == text, f"{other} is not what was written"
        assert not os.path.exists(one), one
        if self.dice.random() < 0.5:
            os.unlink(other)
            assert os.path.basename(other) not in os.listdir("drafts"), other
        self.count("rename")

    def file(self):
        """Requests: whole ones are accepted and are there at once, others are never filed."""
        name = f"{self.label}-{self.number}.req"
        kind = self.dice.random()
        body, wanted = self.request, 0
        if kind < 0.15:
            body, wanted = self.request.removesuffix(b"submit\n"), errno.EBADMSG
        elif kind < 0.3:
            body, wanted = self.request.replace(b"purpose", b"\xff"), errno.EBADMSG
        came = self.write(f"requests/{name}", body)
        assert came == wanted or came in REFUSED, (name, errno.errorcode.get(came), wanted)
        self.count("incomplete" if wanted else "refused" if came else "accepted")
        if came == 0:
            case = pathlib.Path(f"results/{name}/id").read_text(encoding="utf-8").strip()
            assert pathlib.Path(f"applications/{case}/status").read_text(encoding="utf-8"), name
        self.attempt(os.unlink, f"requests/{name}", allowed=(errno.ENOENT,))

    @staticmethod
    def write(path, body):
        """0, or the errno that the writer got of any of its calls."""
        try:
            with open(path, "wb", buffering=0) as file:
                file.write(body)
            return 0
        except OSError as error:
            return error.errno

    def act(self):
        """Any action of any case that it sees, possible or not."""
        cases = [name for name in os.listdir("applications") if name.startswith("A-")]
        if not cases:
            return
        case = f"applications/{self.dice.choice(cases)}"
        actions = self.attempt(os.listdir, f"{case}/actions", allowed=GONE) or []
        action = self.dice.choice(actions + ["accept", "withdraw", "assign"])
        came = self.write(f"{case}/actions/{action}", b"reason=crowd comment=crowd\n")
        assert came == 0 or came in REFUSED, (case, action, errno.errorcode.get(came))
        self.count("refused" if came else "acted")
        self.attempt(self.read, f"{case}/status", allowed=GONE)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    Member(*sys.argv[2:5]).work(sys.argv[1])
