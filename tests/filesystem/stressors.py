"""stress-ng's classes at drafts/: which a control filesystem passes, and which it refuses, with what.

Each class begins by making a directory, which is refused, and there it ends. To see the rest of it, stress_home.c
gives it drafts/ itself for that directory."""
import os
import pathlib
import re
import shutil
import subprocess

from fstest import Skip
from zwytest.tap import scratch_dir

HERE = pathlib.Path(__file__).resolve().parent
OPERATIONS = 100
SECONDS = 30  # for a class that does not come to its hundred operations by itself

# No directory of their own: they go over what the working directory holds.
WITHOUT_HOME = "dirdeep fstat getdent handle io open splice".split()

# class: options beside --CLASS 1 --CLASS-ops 100
PASSES = {
    "aio": "", "aiol": "", "chmod": "--chmod-ops 20", "chown": "", "dentry": "--dentries 200", "dirmany": "",
    "dnotify": "", "dup": "", "fallocate": "--fallocate-bytes 1M --fallocate-ops 5", "fcntl": "", "file-ioctl": "", "flock": "",
    "fsize": "--fsize-ops 20", "fstat": "", "getdent": "", "handle": "", "hdd": "--hdd-bytes 1M", "io": "",
    "iomix": "--iomix-bytes 1M", "lease": "", "locka": "", "lockf": "", "lockofd": "", "open": "",
    "readahead": "--readahead-bytes 1M", "rename": "", "seek": "--seek-size 1M", "sendfile": "--sendfile-size 1M",
    "splice": "", "sync-file": "--sync-file-bytes 1M --sync-file-ops 20", "touch": "", "utime": ""}

FAILED, NO_RESOURCE = 2, 3
EPERM, EINVAL, EACCES = "errno=1 (", "errno = 22 (", "failed: 13 ("

# class: options, exit status, what it says
REFUSED = {
    "access": ("", FAILED, r"access 001 .*" + re.escape(EACCES)),  # nothing in a mount can be executed
    "chdir": ("", FAILED, r"mkdir .*" + re.escape(EPERM)),
    "copy-file": ("", NO_RESOURCE, r"ftruncated failed"),  # EFBIG: it wants 256 MiB
    "dir": ("", FAILED, r"mkdir .*" + re.escape(EPERM)),
    "fiemap": ("", 0, r"FIEMAP not supported"),
    "filename": ("", FAILED, r"creat\(\) failed .*" + re.escape(EINVAL)),  # names have at most 128 bytes
    "link": ("", NO_RESOURCE, r"link calls not allowed"),
    "symlink": ("", NO_RESOURCE, r"link calls not allowed"),
    "verity": ("", 0, r"not supported"),
    "xattr": ("", NO_RESOURCE, r"does not support xattr")}
# These go on without a word where each of their calls is refused: they come to nothing.
IDLE = ("mknod", "inode-flags")


class StressNg:
    """Runs classes of it in a folder of the mount."""

    def __init__(self, folder):
        if not shutil.which("stress-ng") or not shutil.which("cc"):
            raise Skip("stress-ng or a compiler is not there")
        self.folder = folder
        self.scratch = pathlib.Path(scratch_dir("stress-"))
        self.preload = self.scratch / "home.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", self.preload, HERE / "stress_home.c"], check=True, timeout=60)

    def run(self, name, options="", at_home=True, seconds=SECONDS):
        """(exit status, what it said, operations counted)"""
        table = self.scratch / "table.yaml"
        table.unlink(missing_ok=True)
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        if at_home:
            environment |= {"LD_PRELOAD": str(self.preload), "STRESS_HOME": self.folder}
        command = ["timeout", "--kill-after", "5", str(4 * SECONDS), "stress-ng", f"--{name}", "1",
                   f"--{name}-ops", str(OPERATIONS), *options.split(), "--timeout", str(seconds), "--temp-path",
                   str(self.scratch) if at_home else self.folder, "--metrics-brief", "--yaml", str(table)]
        ran = subprocess.run(command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        counted = re.search(r"bogo-ops: (\d+)", table.read_text()) if table.exists() else None
        assert os.listdir(self.folder) == [], (name, os.listdir(self.folder))
        assert not [left for left in os.listdir(self.scratch) if left.startswith("tmp-")], name
        return ran.returncode, ran.stdout, int(counted.group(1)) if counted else 0
