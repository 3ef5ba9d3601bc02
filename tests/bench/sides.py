"""The directories that are compared: zwyfs's, the floors below it, and sshfs beside it."""
import contextlib
import getpass
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading

from common import BARE, SSHFS, TMPFS, ZWYFS
from zwytest import Mount, eventually, program, scratch_dir

CPUS = sorted(os.sched_getaffinity(0))
SERVER_CPU, FILES_CPU = CPUS[0], CPUS[-1]  # the server's; and the client's with its filesystem
SHM = "/dev/shm"
SFTP = "/usr/lib/openssh/sftp-server"
SSHD = "/usr/sbin/sshd"
SSHD_RUN = pathlib.Path("/run/sshd")  # sshd insists on it, as root
LONG = 3600  # seconds that the kernel may keep what does not change


@contextlib.contextmanager
def on(cpu):
    """What is started in the block runs on that processor only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Absent(Exception):
    """This machine has no such side; the text says why."""


class Side:
    """A tree where the same can be done: `records` holds directories, each with a file `status`; `one` is a
    directory with as many entries as a record of zwyfs has; in `written` files may be created."""

    def __init__(self, who, point, names, records="records", one="flat", written="written"):
        self.who = who
        self.records = point / records
        self.one = point / one
        self.written = point / written
        self.status = self.records / names[0] / "status"
        self.list = pathlib.Path(scratch_dir("list-")) / "list"
        self.list.write_text("".join(f"{self.records / name / 'status'}\n" for name in names))


class OtherMount(Mount):
    """A mount by another program than zwyfs, which ends when it is unmounted."""

    def __init__(self, command):  # pylint: disable=super-init-not-called
        self.point = pathlib.Path(scratch_dir("side-"))
        self.log = self.point.parent / (self.point.name + ".log")
        with on(FILES_CPU), open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(word) for word in [*command, self.point]], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        try:
            eventually(self._ready, "the mount to be there")
        except Absent:
            os.rmdir(self.point)
            raise
        except AssertionError:
            self.close()
            raise

    def _ready(self):
        if self.process.poll() is not None:
            raise Absent(self.log.read_text(errors="replace").strip() or f"ended with {self.process.returncode}")
        return os.path.ismount(self.point)


@contextlib.contextmanager
def zwyfs(server, options):
    with on(FILES_CPU):
        mount = Mount(server, options)
    with contextlib.closing(mount):
        yield mount


def zwyfs_side(cases, box, names):
    """Records of one mount; requests are written through another."""
    return Side(ZWYFS, cases.point, names, records="applications", one=f"applications/{names[0]}", written=box.point / "requests")


@contextlib.contextmanager
def bare(cached, records, entries):
    """zwy-bare with zwyfs's options: nothing of a file is kept by the kernel, and a reader's close is not told."""
    timeout = LONG if cached else 0
    with contextlib.closing(OtherMount([program("zwy-bare"), "--records", records, "--flat", entries, "--entry-timeout", timeout,
                                        "--attr-timeout", timeout, "--direct-io", "--noflush"])) as mount:
        yield Side(BARE, mount.point, [f"R-{n + 1:010}" for n in range(records)])


def is_tmpfs(path):
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        return any(words[1] == path and words[2] == "tmpfs" for words in map(str.split, mounts))


@contextlib.contextmanager
def tmpfs(original):
    """The same records, and the same names in one directory, on tmpfs."""
    if not is_tmpfs(SHM):
        raise Absent(f"{SHM} is none")
    names = [path.split("/")[-2] for path in original.list.read_text().split()]
    point = pathlib.Path(tempfile.mkdtemp(prefix="zwy-bench-", dir=SHM))
    try:
        text = original.status.read_bytes()
        for name in names:
            (point / "records" / name).mkdir(parents=True)
            (point / "records" / name / "status").write_bytes(text)
        for folder in ("flat", "written"):
            (point / folder).mkdir()
        for name in os.listdir(original.one):
            (point / "flat" / name).touch()
        yield Side(TMPFS, point, names)
    finally:
        shutil.rmtree(point)


# ---- sshfs ------------------------------------------------------------------------

SSHD_CONFIG = """
HostKey {0}/host
AuthorizedKeysFile {0}/user.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
LogLevel ERROR
Subsystem sftp {1}
"""
SSH_CONFIG = """
Host loopback
HostName 127.0.0.1
Port {1}
IdentityFile {0}/user
IdentitiesOnly yes
BatchMode yes
UserKnownHostsFile {0}/known
StrictHostKeyChecking yes
HostKeyAlias loopback
LogLevel ERROR
"""


class Sshd:
    """An sshd for each connection to a port of ours on loopback, with keys that nobody else has."""

    def __init__(self):
        for needed in (shutil.which("sshfs"), SSHD, SFTP):
            if not needed or not os.path.exists(needed):
                raise Absent("sshfs or openssh-server is not installed")
        self.directory = pathlib.Path(scratch_dir("sshd-"))
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.directory / name], check=True)
        self.processes = []
        self.made = os.geteuid() == 0 and not SSHD_RUN.exists()
        if self.made:
            SSHD_RUN.mkdir(mode=0o755)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self._write("known", "loopback " + (self.directory / "host.pub").read_text())
        self._write("server", SSHD_CONFIG.format(self.directory, SFTP))
        self._write("client", SSH_CONFIG.format(self.directory, self.socket.getsockname()[1]))
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _write(self, name, text):
        (self.directory / name).write_text(text)

    def _serve(self):
        os.sched_setaffinity(0, {SERVER_CPU})
        with contextlib.suppress(OSError):  # the socket was shut down
            while True:
                with self.socket.accept()[0] as connection, open(self.directory / "log", "ab") as log:
                    self.processes.append(subprocess.Popen([SSHD, "-i", "-e", "-f", self.directory / "server"],
                                                           stdin=connection, stdout=connection, stderr=log))

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()
        for process in self.processes:
            process.terminate()
            process.wait()
        if self.made:
            SSHD_RUN.rmdir()


UNCACHED = "dir_cache=no,direct_io,entry_timeout=0,attr_timeout=0"


@contextlib.contextmanager
def sshfs(original, cached):
    """The tree on tmpfs by sshfs, as Debian has it, or without its caches."""
    names = [path.split("/")[-2] for path in original.list.read_text().split()]
    with contextlib.closing(Sshd()) as server:
        command = ["sshfs", "-f", "-F", server.directory / "client", *(() if cached else ("-o", UNCACHED)),
                   f"{getpass.getuser()}@loopback:{original.records.parent}"]
        with contextlib.closing(OtherMount(command)) as mount:
            yield Side(SSHFS, mount.point, names)
