"""Running test functions, and the few helpers that everything else needs."""
import atexit
import contextlib
import functools
import inspect
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

PLACES = ("server", "server/services", "fusefs", "clients/cli", "tests/bench", "tests/conformance")


class Skip(Exception):
    """Raised by a test that this machine cannot run; the text says why."""


def build_dir():
    return pathlib.Path(os.environ.get("ZWY_BUILD", pathlib.Path(__file__).resolve().parents[3] / "build"))


@functools.lru_cache(maxsize=None)
def program(name):
    found = [path for place in PLACES if (path := build_dir() / place / name).is_file()]
    assert found, f"{name} has not been built in {build_dir()}"
    return str(found[0])


@functools.lru_cache(maxsize=None)
def _scratch():
    """One directory for all that this program makes; gone at its end. Other users may pass through it."""
    base = tempfile.mkdtemp(prefix="zwy-scratch-")
    os.chmod(base, 0o711)
    atexit.register(shutil.rmtree, base, ignore_errors=True)
    return base


def scratch_dir(prefix):
    return tempfile.mkdtemp(prefix=prefix, dir=_scratch())


def rounds(normal, quick=None, long=None):
    """How often a randomised test repeats, by what tests/run was asked for."""
    return {"quick": quick or max(1, normal // 5), "normal": normal, "long": long or normal * 10}[
        os.environ.get("ZWY_ROUNDS", "normal")]


def eventually(condition, what, timeout=30):
    """Waits until condition() is true; its value. AssertionErrors inside are final."""
    end = time.monotonic() + timeout
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited {timeout} s for {what}"
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def end_by_signal(process, timeout):
    """SIGTERM, and its exit status; subprocess.TimeoutExpired if it does not end.

    It is said again from time to time: the thread sanitizer's runtime may hold a signal back that comes just before a
    thread begins to wait, until the next one."""
    end = time.monotonic() + timeout
    while True:
        process.terminate()
        try:
            return process.wait(min(10, timeout))
        except subprocess.TimeoutExpired:
            if time.monotonic() >= end:
                raise


@contextlib.contextmanager
def refused(reason, status=None, article=None, text=None):
    """The block must raise Refused for that reason; `as` gives a list that then holds the refusal."""
    from .refusal import Refused
    caught = []
    try:
        yield caught
    except Refused as refusal:
        caught.append(refusal)
        assert refusal.reason == reason, f"wanted {reason}, got {refusal}"
        assert status is None or refusal.status == status, f"wanted {status}, got {refusal}"
        assert article is None or refusal.article.split(".")[0] == str(article), f"wanted Art. {article}, got {refusal}"
        assert text is None or text in refusal.text, f"wanted '{text}' in {refusal}"
    else:
        raise AssertionError(f"was not refused ({reason})")


def _run(function):
    """Gives the function what its parameters name, and closes all of it, last made first."""
    from .mount import Mount
    from .server import Server
    names = inspect.signature(function).parameters
    with contextlib.ExitStack() as stack:
        given = {}
        if "server" in names or "mount" in names:
            server = Server(**getattr(function, "server_options", {}))
            stack.push(lambda kind, *_: server.close(check=kind is None))
            given["server"] = server
        if "mount" in names:
            mount = Mount(server)
            stack.callback(mount.close)
            given["mount"] = mount
        function(**{name: given[name] for name in names})


def with_server(**options):
    """Decorates a test: its server is started with these options."""
    def mark(function):
        function.server_options = options
        return function
    return mark


def main():
    """Runs the calling module's tests; exits with 1 if one fails."""
    module = sys.modules["__main__"]
    tests = [(name, item) for name, item in vars(module).items() if name.startswith("test_") and callable(item)]
    chosen = os.environ.get("ZWY_CASE") or (sys.argv[1] if len(sys.argv) > 1 else "")
    tests = [(name, item) for name, item in tests if chosen in name]
    print(f"1..{len(tests)}", flush=True)
    failed = 0
    for number, (name, function) in enumerate(tests, 1):
        title = name.removeprefix("test_")
        try:
            _run(function)
            print(f"ok {number} - {title}", flush=True)
        except Skip as skip:
            print(f"ok {number} - {title} # SKIP {skip}", flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print("# " + traceback.format_exc().rstrip().replace("\n", "\n# "), flush=True)
            print(f"not ok {number} - {title}", flush=True)
    sys.stdout.flush()
    sys.exit(1 if failed else 0)
