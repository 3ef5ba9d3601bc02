#!/usr/bin/python3
"""clients/quickstart as a person runs it, and what it says to try next. timeout: 300"""
import os
import pathlib
import re
import subprocess
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import Skip, build_dir, can_mount, main, scratch_dir  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Demo:
    """A demonstration in directories of its own, stopped and looked after at the end."""

    def __init__(self):
        if not can_mount() or os.geteuid():
            raise Skip("wants root and /dev/fuse")
        base = pathlib.Path(scratch_dir("quickstart-"))
        os.chmod(base, 0o755)
        self.dir, self.mount = base / "state", base / "mnt"
        self.environment = dict(os.environ, ZWY_DEMO_DIR=str(self.dir), ZWY_DEMO_MOUNT=str(self.mount),
                                ZWY_BUILD=str(build_dir()), ZWY_SERVER=f"unix:{self.dir}/zwyd.sock",
                                PATH=f"{build_dir()}/clients/cli:{os.environ['PATH']}")

    def run(self, *words, status=0):
        return self.shell(f"{ROOT}/clients/quickstart {' '.join(words)}", status)

    def shell(self, command, status=0):
        ran = subprocess.run(["bash", "-c", command], env=self.environment, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=200, check=False)
        assert ran.returncode == status, f"{command}: {ran.returncode}\n{ran.stdout}"
        return ran.stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.run("stop")


def test_a_second_run_is_harmless_and_stop_leaves_nothing():
    with Demo() as demo:
        first = demo.run()
        name = re.search(r"Application (A-\d{4}-\d{6})", first).group(1)
        assert "submitted" in first, first
        assert (demo.mount / "applications" / name / "status").read_text().startswith("submitted\n")
        second = demo.run("start")
        assert name in second and "submitted" in second, second
        assert "mounted on" in demo.run("status")
        demo.run("stop")
        assert not os.path.ismount(demo.mount)
        assert "does not run" in demo.run("status")
        demo.run("stop")
        assert name in demo.run(), "the records stay"


def test_what_it_tells_people_to_try_works():
    """The lines are taken from its own words."""
    with Demo() as demo:
        said = demo.run()
        commands = re.findall(r"^ +(zwy --as .*|setpriv --reuid .*whoami.*)$", said, re.M)
        assert len(commands) >= 9, said
        for command in commands:
            out = demo.shell(command)
            if "whoami" in command:
                assert "core-ca" in out, out
        assert "closed" in demo.shell(re.search(r"zwy why \S+", said).group(0))
        health, metrics = re.findall(r"(http://[^ ;]+)", re.search(r"How it is doing: +(.*)", said).group(1))
        assert urllib.request.urlopen(health, timeout=30).read() == b"serving\n"
        assert b"grpc_server_handled_total" in urllib.request.urlopen(metrics, timeout=30).read()
        refusal = re.search(r"A refusal: +(.*)\n +(cat .*)\n", said)
        assert subprocess.run(["bash", "-c", refusal.group(1)], stderr=subprocess.DEVNULL, check=False).returncode != 0
        assert "QUOTA_EXCEEDED" in demo.shell(refusal.group(2))


if __name__ == "__main__":
    main()
