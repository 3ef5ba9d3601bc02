"""What the tests of the mount share: users, shells, requests."""
import collections
import contextlib
import csv
import errno
import functools
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "harness"))
from zwytest import Mount, Skip, demo, eventually, main, rounds, scratch_dir, with_server  # noqa: E402,F401

Ran = collections.namedtuple("Ran", "status out err")
DRAFT = demo.text(documents=())
WHOLE = demo.text()
# The same as one line of applications/new.
LINE = "kind=regular system=finance-portal zone=extranet block-storage=2 purpose='two words' " + " ".join(
    f"cloud-plan.{key.replace('_', '-')}='{value}'" for key, value in demo.PLAN.items()) + " " + " ".join(
    f"document.{kind}='{value}'" for kind, value in demo.digests().items())
REPO = TESTS.parent
TIMEOUT = 60  # seconds; a command in a mount that takes that long hangs
PATH = "/usr/bin:/bin:/usr/sbin:/sbin"


def uid(principal):
    """The user id that the demonstration data gives a principal."""
    with open(REPO / "server/data/demo/principals.csv", encoding="utf-8") as file:
        return next(int(row["uids"]) for row in csv.DictReader(file) if row["slug"] == principal)


def let_through(path):
    """Other users must be able to reach the mount point."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & 0o001 and folder.stat().st_uid == os.geteuid():
            folder.chmod(mode & 0o7777 | 0o011)


class Shared(Mount):
    """A mount for every user of the host."""

    def __init__(self, server, options=None):
        if os.geteuid() != 0:
            raise Skip("a shared mount with several users needs root")
        super().__init__(server, options="allow_other" + ("," + options if options else ""))
        let_through(self.point)


@functools.lru_cache(maxsize=None)
def home():
    """What editors keep of their own goes there."""
    return scratch_dir("home-")


def shell(mount, script, as_=None, shell_="bash", timeout=TIMEOUT, stdin=None):
    """Runs a script with the mount as its working directory, as a principal's user where one is given."""
    who = []
    if as_ is not None:
        number = str(as_ if isinstance(as_, int) else uid(as_))
        who = ["setpriv", "--reuid", number, "--regid", number, "--clear-groups"]
    ran = subprocess.run(who + [shell_, "-c", script], cwd=mount.point, input=stdin, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, timeout=timeout, check=False, text=True,
                         env={"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": home()},
                         **({} if stdin is not None else {"stdin": subprocess.DEVNULL}))
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def error_of(function):
    """The errno with which it fails; 0 if it does not."""
    try:
        function()
    except OSError as error:
        return error.errno
    return 0


def missing(rows):
    """What the rows of a table need and this machine lacks."""
    return sorted({needed for needed in (row.needs for row in rows) if not shutil.which(needed, path=PATH)})


def ok(mount, script, as_=None, **options):
    """As shell(), and it must succeed; its standard output."""
    ran = shell(mount, script, as_, **options)
    assert ran.status == 0, (script, ran)
    return ran.out


def result(mount, name, base=""):
    """What became of a request."""
    folder = mount / base / "results" / name
    return {field: (folder / field).read_text(encoding="utf-8").strip() for field in ("state", "id", "error")}


def applications(server):
    return [item.name for item in server.client().list("ListApplications")]


def request_file(tmp, name="a.req", text=WHOLE):
    path = pathlib.Path(tmp) / name
    path.write_text(text, encoding="utf-8")
    return path


@contextlib.contextmanager
def mounted(server, options=None, shared=False):
    """A mount for the block: private, acting as the department's clerk unless told otherwise; or shared."""
    mount = Shared(server, options) if shared else Mount(server, options or "as=" + demo.DU)
    try:
        yield mount
    finally:
        mount.close()


@contextlib.contextmanager
def scratch():
    """A directory outside the mount that every user may read."""
    with tempfile.TemporaryDirectory(prefix="files-") as name:
        path = pathlib.Path(name)
        path.chmod(0o755)
        let_through(path)
        yield path


def listens(mount):
    """The mount keeps nothing before it has heard where the server is."""
    eventually(lambda: mount.read("status/revision") != "0\n", "the mount to hear of the server")


def comes_to_show(mount, path, begin):
    """Waits until the file begins so. A server that is just back may not be reached at once."""
    def shows():
        try:
            return mount.read(path).startswith(begin)
        except OSError as error:
            if error.errno not in (errno.EHOSTDOWN, errno.ETIMEDOUT):
                raise
            return False
    eventually(shows, f"{path} to show {begin!r}")


@contextlib.contextmanager
def stopped(process):
    """It stands still for the block: a server, or a mount's daemon."""
    os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process.pid, signal.SIGCONT)


def interrupted(command, mount, stop=signal.SIGINT):
    process = subprocess.Popen(command, cwd=mount.point, stdout=subprocess.PIPE, stderr=subprocess.PIPE, shell=True,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    eventually(lambda: is_stuck(process, mount), "the call to wait")
    process.send_signal(stop)
    return process.wait(60)


def system_call(process):
    """In which the process waits for the mount, with its arguments; None if it does not."""
    at = pathlib.Path(f"/proc/{process.pid}")
    channel = (at / "wchan").read_text()
    waits = "request_wait_answer" in channel or "fuse" in channel
    return (at / "syscall").read_text() if waits else None


def is_stuck(process, mount):
    """Whether it waits for the server. The mount takes requests in their order and answers this one by itself: when
    it has, it has seen what the process asked before. Of that, too, much is answered by the mount alone."""
    before = system_call(process)
    for _ in range(2):
        if before is None or system_call(process) != before:
            return False
        mount.read("status/connection")
    return system_call(process) == before
