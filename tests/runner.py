#!/usr/bin/python3
"""Runs test programs, two at a time, and counts what they prove.

A test is an executable. If it prints TAP lines (`ok 1 - name`, `not ok 2 - name`,
`ok 3 - name # SKIP why`) each of them is one test; if not, the program itself is.
It gets a directory of its own in TMPDIR and ZWY_TEST_DIR, the build in ZWY_BUILD,
and must leave neither a process nor a mount behind: what is left is removed and
counted as a failure. A comment `timeout: SECONDS` among its first lines replaces
the default time limit.
"""
import argparse
import concurrent.futures
import fnmatch
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PARALLEL = 2
TIMEOUT = 120  # seconds; three times that under sanitizers
FOLDERS = ("conformance", "abuse", "fuzz", "scenarios", "simulation", "filesystem", "clients", "faults", "bench")
TAP = re.compile(r"^(not ok|ok)\b(?:\s+\d+)?(?:\s+-)?\s*(.*?)\s*(?:#\s*(SKIP|skip)\S*\s*(.*))?$")


class Test:
    def __init__(self, name, command, build, timeout=TIMEOUT, env=None):
        self.name = name
        self.command = [str(word) for word in command]
        self.build = build
        self.timeout = timeout
        self.env = env or {}


class Outcome:
    def __init__(self, test):
        self.test = test
        self.lines = []  # (passed|failed|skipped, name, note)
        self.log = ""
        self.seconds = 0.0


def own_timeout(path, default):
    """The time limit that a test file states among its first lines."""
    with open(path, "rb") as file:
        head = file.read(2000).decode("utf-8", "replace")
    found = re.search(r"timeout: (\d+)", head)
    return int(found.group(1)) if found else default


def unit_tests(build, prefix=""):
    """The programs that CMake registered, by `layer/name`."""
    listing = subprocess.run(["ctest", "--test-dir", str(build), "--show-only=json-v1"],
                             stdout=subprocess.PIPE, check=True)
    for entry in json.loads(listing.stdout)["tests"]:
        if "command" in entry:
            yield Test(prefix + entry["name"].replace("/test_", "/"), entry["command"], build)


def test_name(folder, path):
    return f"{folder}/{path.stem.removeprefix('test_')}"


def script_tests(build, prefix="", smoke=False):
    """Executables test_* in the folders that hold other kinds of tests."""
    for folder in FOLDERS:
        for path in sorted((ROOT / "tests" / folder).glob("test_*")):
            if path.is_dir() or not os.access(path, os.X_OK):
                continue
            if smoke and b"smoke: yes" not in path.read_bytes()[:2000]:
                continue
            yield Test(prefix + test_name(folder, path), [path], build, own_timeout(path, TIMEOUT))


def plan(arguments):
    yield Test("layers", [ROOT / "tests/layers"], ROOT / "build")
    yield from unit_tests(ROOT / "build")
    yield from script_tests(ROOT / "build")
    if not arguments.sanitizers:
        return
    strict = {
        "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=99:detect_stack_use_after_return=1",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=99",
        "TSAN_OPTIONS": "halt_on_error=1:exitcode=99:second_deadlock_stack=1",
    }
    slow = list(unit_tests(ROOT / "build-asan", "asan/"))
    slow += script_tests(ROOT / "build-asan", "asan/", smoke=True)
    slow += (t for t in unit_tests(ROOT / "build-tsan", "tsan/") if re.match(r"tsan/(store|rpc|services|net)/", t.name))
    slow += (t for t in script_tests(ROOT / "build-tsan", "tsan/", smoke=True) if t.name.startswith("tsan/scenarios/"))
    for test in slow:
        test.timeout *= 3
        test.env = strict | {"ZWY_ROUNDS": "quick"}
        yield test


def wanted(tests, pattern):
    """(test, case) pairs; a pattern FILE:CASE chooses one case of a program."""
    name, _, case = (pattern or "").partition(":")
    for test in tests:
        if not pattern or fnmatch.fnmatch(test.name, name) or (name and name in test.name):
            yield test, case


# ---- one test ----------------------------------------------------------------

RUNNING = set()  # process groups of tests under way


def stop_running(*_):
    """An interrupted run ends its tests too."""
    for group in list(RUNNING):
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            pass
    os._exit(130)


def left_behind(mark):
    """Processes that carry this test's mark in their environment."""
    needle = f"ZWY_TEST_DIR={mark}\0".encode()
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                environment = file.read()
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                state = file.read().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if needle in environment + b"\0" and state != "Z":
            yield int(entry)


def process_title(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return "?"


def unmount_under(directory):
    """Unmounts what is still mounted below; says what that was."""
    points = []
    with open("/proc/self/mounts", encoding="utf-8") as file:
        for line in file:
            point = line.split()[1].encode().decode("unicode_escape")
            if point.startswith(directory + "/"):
                points.append(point)
    for point in sorted(points, reverse=True):
        if subprocess.run(["umount", "-l", point], stderr=subprocess.DEVNULL).returncode:
            subprocess.run(["fusermount3", "-uz", point], stderr=subprocess.DEVNULL)
    return points


def clean_up(directory):
    """Removes all that a test left; returns what should not have been there."""
    problems = []
    end = time.monotonic() + 5
    while (pids := list(left_behind(directory))) and time.monotonic() < end:
        time.sleep(0.05)
    for pid in pids:
        problems.append(f"left a process behind: {pid} {process_title(pid)}")
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    problems += [f"left a mount behind: {point}" for point in unmount_under(directory)]
    shutil.rmtree(directory, ignore_errors=True)
    return problems


def execute(test, directory, case, rounds):
    """Runs the program; returns (exit status or None on timeout, output)."""
    environment = dict(os.environ, TMPDIR=directory, ZWY_TEST_DIR=directory, ZWY_BUILD=str(test.build),
                       ZWY_ROUNDS=rounds, ZWY_CASE=case, CMOCKA_MESSAGE_OUTPUT="TAP", PYTHONDONTWRITEBYTECODE="1")
    environment.update(test.env)
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(test.command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        RUNNING.add(process.pid)
        try:
            status = process.wait(test.timeout)
        except subprocess.TimeoutExpired:
            status = None
        RUNNING.discard(process.pid)
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        output.seek(0)
        return status, output.read().decode("utf-8", "replace")


def judge(outcome, status, problems):
    """Fills in the outcome's lines from what the program said and did."""
    planned = None
    for line in outcome.log.splitlines():
        if found := re.match(r"^1\.\.(\d+)", line):
            planned = (planned or 0) + int(found.group(1))
        elif found := TAP.match(line):
            word, name, skip, note = found.groups()
            verdict = "failed" if word == "not ok" else "skipped" if skip else "passed"
            outcome.lines.append((verdict, f"{outcome.test.name}: {name}", note or ""))
    told = len(outcome.lines)
    if status is None:
        problems.insert(0, f"no end after {outcome.test.timeout} s")
    elif planned is not None and told < planned:
        problems.insert(0, f"ended after {told} of {planned} (status {status})")
    elif status == 77 and not told:
        note = (outcome.log.strip().splitlines() or [""])[-1]
        outcome.lines.append(("skipped", outcome.test.name, note))
    elif status and not any(line[0] == "failed" for line in outcome.lines):
        problems.insert(0, f"exit status {status}")
    elif not told and not problems:
        outcome.lines.append(("passed", outcome.test.name, ""))
    outcome.lines += [("failed", outcome.test.name, problem) for problem in problems]


def run_one(test, case, rounds):
    outcome = Outcome(test)
    start = time.monotonic()
    directory = os.path.realpath(tempfile.mkdtemp(prefix="zwy-test-"))
    os.chmod(directory, 0o711)  # tests act as other users too
    try:
        status, outcome.log = execute(test, directory, case, rounds)
    except OSError as error:
        status, outcome.log = 127, str(error)
    judge(outcome, status, clean_up(directory))
    outcome.seconds = time.monotonic() - start
    return outcome


# ---- all of them -------------------------------------------------------------


def show(outcome):
    words = {"passed": "ok    ", "failed": "not ok", "skipped": "skip  "}
    for verdict, name, note in outcome.lines:
        print(words[verdict], name, f"({note})" if note else "")
    logs = outcome.test.build / "test-logs"
    logs.mkdir(exist_ok=True)
    (logs / (outcome.test.name.replace("/", "-") + ".log")).write_text(outcome.log)
    if any(line[0] == "failed" for line in outcome.lines):
        print(f"---- log of {outcome.test.name}, its end ----")
        print("\n".join(outcome.log.splitlines()[-80:]))
        print("----")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description="Run zwy's tests; tests/run builds first and then calls this.")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--only", metavar="PATTERN")
    parser.add_argument("--rounds", choices=("quick", "normal", "long"), default="normal")
    parser.add_argument("--sanitizers", action="store_true")
    arguments = parser.parse_args()
    chosen = list(wanted(plan(arguments), arguments.only))
    if arguments.list:
        print("\n".join(test.name for test, _ in chosen))
        return 0
    if arguments.rounds == "long":
        for test, _ in chosen:
            test.timeout *= 10
    signal.signal(signal.SIGTERM, stop_running)
    signal.signal(signal.SIGINT, stop_running)
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    start = time.monotonic()
    # The bench wants the machine to itself: it runs last, alone.
    alone = [pair for pair in chosen if pair[0].name.startswith("bench/")]
    together = [pair for pair in chosen if pair not in alone]
    for pairs, workers in ((together, PARALLEL), (alone, 1)):
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            futures = [pool.submit(run_one, test, case, arguments.rounds) for test, case in pairs]
            for future in concurrent.futures.as_completed(futures):
                outcome = future.result()
                show(outcome)
                for verdict, _, _ in outcome.lines:
                    counts[verdict] += 1
    print(f"# {len(chosen)} programs in {time.monotonic() - start:.0f} s; logs in build*/test-logs")
    if not sum(counts.values()):
        counts["failed"] = 1
        print("not ok - no test matches")
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    print(f"{counts['passed']} passed, {counts['failed']} failed{skipped}")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
