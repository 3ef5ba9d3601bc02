"""A real mount of a server."""
import contextlib
import os
import pathlib
import subprocess

from .tap import Skip, eventually, program, scratch_dir


def can_mount():
    return os.path.exists("/dev/fuse") and os.access("/dev/fuse", os.R_OK | os.W_OK)


class Mount:
    def __init__(self, server, options=None, target=None, inside=(), environment=None):
        """inside: words before the command, e.g. those of hosts.Host; environment: beside the test's own."""
        if not can_mount():
            raise Skip("no /dev/fuse")
        self.point = pathlib.Path(scratch_dir("mount-"))
        self.log = self.point.parent / (self.point.name + ".log")
        options = [options] if options else []
        if "read_deadline=" not in "".join(options):
            options.append("read_deadline=10000")  # generous, for a busy machine
        command = [*inside, program("zwyfs"), "-f", "-o", ",".join(options)]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command + [target or server.unix, str(self.point)], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env={**os.environ, **(environment or {})})
        try:
            eventually(self._ready, "the mount to be there")
        except AssertionError:
            self.close()
            raise

    def _ready(self):
        assert self.process.poll() is None, f"zwyfs ended: {self.log.read_text(errors='replace')}"
        return os.path.ismount(self.point)

    def __truediv__(self, path):
        return self.point / path

    def read(self, path):
        return (self.point / path).read_text(encoding="utf-8")

    def _unmounted(self):
        """A file that somebody is just letting go of keeps the mount busy for a moment."""
        if os.path.ismount(self.point):
            subprocess.run(["fusermount3", "-u", str(self.point)], check=False)
        return not os.path.ismount(self.point)

    def close(self):
        """Unmounts; zwyfs must end by itself with status 0."""
        with contextlib.suppress(AssertionError):
            eventually(self._unmounted, "the unmount")
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            subprocess.run(["umount", "-l", str(self.point)], check=False)
            raise AssertionError(f"zwyfs did not end: {self.log.read_text(errors='replace')[-3000:]}") from None
        assert status == 0, f"zwyfs ended with {status}: {self.log.read_text(errors='replace')[-3000:]}"
        os.rmdir(self.point)
