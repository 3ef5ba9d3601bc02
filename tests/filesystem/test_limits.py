#!/usr/bin/python3
"""No name is too odd, nobody holds too much, and who tries leaves the others theirs. smoke: yes timeout: 300"""
import contextlib
import errno
import os
import random
import signal
import subprocess

from crowd import END, Crowd, private_bytes, proc, sanitized, where
from fstest import demo, eventually, main, mounted, ok, request_file, scratch, shell, stopped, uid
from users import STRANGER, acting_as, errno_of, touch

# ---- names -------------------------------------------------------------------------------

NAMES = [("n" * 128, 0), ("n" * 129, errno.EINVAL), ("n" * 255, errno.EINVAL), ("n" * 256, errno.ENAMETOOLONG), ("n" * 1000, errno.ENAMETOOLONG),
         ("n" * 4000, errno.ENAMETOOLONG), ("-rf", errno.EINVAL), ("a\nb", errno.EINVAL), ("a\x1b[2Jb", errno.EINVAL), ("a\tb", errno.EINVAL),
         ("\x7f", errno.EINVAL), (b"\xff\xfe", errno.EINVAL), (b"\xc0\xae\xc0\xae", errno.EINVAL), (b"\xed\xa0\x80", errno.EINVAL),
         ("%s%n%x", 0), ("..a", 0), ("文" * 42, 0), ("文" * 43, errno.EINVAL), (" ", 0), ("a'b\"c$(id)`id`", 0), ("\\", 0), ("*?[", 0)]


def test_no_name_is_too_odd_to_be_answered(server):
    with mounted(server) as mount:
        for place in ("drafts", "requests"):
            folder = os.fsencode(mount.point / place)
            for name, wanted in NAMES:
                path = folder + b"/" + (name if isinstance(name, bytes) else name.encode())
                came = errno_of(touch, path, os.O_WRONLY | os.O_CREAT)
                assert came == wanted, (place, name, errno.errorcode.get(came), wanted)
                wanted = errno.ENAMETOOLONG if wanted == errno.ENAMETOOLONG else 0 if came == 0 else errno.ENOENT
                assert errno_of(os.lstat, path) == wanted, (place, name)
                if came == 0:
                    os.rename(path, folder + b"/x")
                    os.unlink(folder + b"/x")
                else:
                    touch(folder + b"/x", os.O_WRONLY | os.O_CREAT)
                    assert errno_of(os.rename, folder + b"/x", path) in (errno.EPERM, errno.ENAMETOOLONG), name
                    os.unlink(folder + b"/x")
            assert os.listdir(folder) == []


def test_no_path_is_too_deep_or_too_round_to_be_answered(server):
    with mounted(server) as mount, scratch() as tmp:
        odd = [b"\xff", b"\x1b[2J", b"n" * 255, "文".encode() * 85, b"%n", b"...", b" ", b"~", b"#", b"A-2026-000001", b"A-2026-99999999999999999999",
               b"A-2026--1", b"0", b"-1", b"18446744073709551616", b"1" * 200]
        dice = random.Random(1)
        tops = [os.fsencode(name) for name in os.listdir(mount.point)]
        for _ in range(1500):
            path = b"/".join([dice.choice(tops)] + [dice.choice(odd) for _ in range(dice.randint(1, 12))])
            came = errno_of(os.lstat, os.fsencode(mount.point) + b"/" + path)
            assert came in (0, errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EACCES), (path, errno.errorcode.get(came))
        at = os.open(mount.point, os.O_RDONLY)
        try:
            deep = 0
            while deep < 3000 and errno_of(os.lstat, "applications/../" * deep + "README", dir_fd=at) == 0:
                deep = deep * 2 + 1
            assert deep > 200, deep
        finally:
            os.close(at)
        os.symlink(mount.point / "drafts" / ".." / ".." / ".." / ".." / tmp.name / "loop", tmp / "loop")
        assert errno_of(os.stat, tmp / "loop") in (errno.ELOOP, errno.ENOENT)
        os.symlink("/proc/self/cwd/" + "requests/../" * 41 + "README", tmp / "many")
        assert shell(mount, f"cat {tmp}/many").status != 0
        assert mount.read("status/connection") == "connected\n"


# ---- what one may hold -------------------------------------------------------------------

def taken(function, most):
    """Calls it until it is refused; how often it was not, and the refusal."""
    for count in range(most):
        try:
            function(count)
        except OSError as error:
            return count, error.errno
    return most, 0


def others_are_well(mount):
    ok(mount, "cat README whoami > /dev/null; ls catalogue > /dev/null; echo x > drafts/x && cat drafts/x && rm drafts/x", demo.CA)


def test_a_document_that_could_not_be_opened_stays_as_it_was(server):
    name = demo.file(server.client(), submit=False, documents=()).name
    with mounted(server, f"as={demo.DU},max_handles=2") as mount, scratch() as tmp:
        (tmp / "plan.pdf").write_bytes(b"the plan")
        folder = f"{name}/documents/construction-plan"
        ok(mount, f"cp {tmp}/plan.pdf {folder}/plan.pdf")
        with open(mount / "README", encoding="utf-8"), open(mount / "status/lag", encoding="utf-8"):
            assert errno_of(touch, f"{mount.point}/{folder}/plan.pdf", os.O_WRONLY | os.O_TRUNC) == errno.EBUSY
            assert errno_of(touch, f"{mount.point}/drafts/new", os.O_WRONLY | os.O_CREAT) == errno.EBUSY
        eventually(lambda: errno_of(touch, f"{mount.point}/README", os.O_RDONLY) == 0, "the files to be closed")
        assert (mount / folder / "plan.pdf").read_bytes() == b"the plan"
        assert os.listdir(mount / "drafts") == []


def test_each_user_has_so_many_files_open_and_leaves_the_others_theirs(server):
    with mounted(server, "max_handles=20", shared=True) as mount:
        ok(mount, "ls drafts", demo.DU)
        for path, flags in (("README", os.O_RDONLY), ("catalogue", os.O_RDONLY | os.O_DIRECTORY), ("events", os.O_RDONLY),
                            ("applications/new", os.O_RDWR), (f"users/{demo.DU}/drafts/a", os.O_RDWR | os.O_CREAT),
                            (f"users/{demo.DU}/requests/a.req", os.O_RDWR | os.O_CREAT)):
            held = []
            with acting_as(demo.DU):
                count, came = taken(lambda _: held.append(os.open(f"{mount.point}/{path}", flags)), 50)
            assert (count, came) == (20, errno.EBUSY), (path, count, came)
            others_are_well(mount)
            for fd in held:
                os.close(fd)
            eventually(lambda: errno_of_as(demo.DU, touch, f"{mount.point}/{path}", flags) == 0, "the files to be closed")


def errno_of_as(who, function, *arguments):
    with acting_as(who):
        return errno_of(function, *arguments)


def test_each_user_has_so_many_bytes_and_files_and_leaves_the_others_theirs(server):
    with mounted(server, "max_files=10,max_bytes=100000,max_file=60000", shared=True) as mount:
        folder = f"{mount.point}/users/{demo.DU}/drafts"

        def write(count):
            with open(f"{folder}/{count}", "wb", buffering=0) as file:
                file.write(b"x" * 30000)

        def create(count):
            touch(f"{folder}/e{count}", os.O_WRONLY | os.O_CREAT)

        with acting_as(demo.DU):
            assert taken(write, 10) == (3, errno.ENOSPC)
            assert errno_of(os.truncate, f"{folder}/3", 20000) == errno.ENOSPC
            count, came = taken(create, 20)
            assert (count, came) == (6, errno.EBUSY)  # beside the four
        others_are_well(mount)
        with acting_as(demo.DU):
            for name in os.listdir(folder):
                os.unlink(f"{folder}/{name}")
            write(0)


def test_snapshots_that_a_user_holds_open_are_bounded_too(server):
    """Each open file holds what it showed when it was opened."""
    case = demo.file(server.client(), documents=(), submit=False).name
    size, limit = 1 << 20, 4 << 20
    with mounted(server, f"max_bytes={limit}", shared=True) as mount:
        place = f"{mount.point}/{case}/documents/{demo.DOCUMENTS[0]}"
        with acting_as(demo.DU):
            with open(f"{place}/big.pdf", "wb") as file:
                file.write(b"x" * size)
            before, held = private_bytes(mount.process.pid), []
            count, came = taken(lambda _: held.append(os.open(f"{place}/big.pdf", os.O_RDONLY)), 100)
            grown = private_bytes(mount.process.pid) - before
        others_are_well(mount)
        for fd in held:
            os.close(fd)
        assert came == errno.EBUSY or grown < 2 * limit, (count, came, grown)


def test_names_of_directories_that_a_user_holds_open_are_bounded_too(server):
    with mounted(server, f"as={demo.DU},max_bytes=5000,cache=0") as mount:
        with scratch() as tmp:
            ok(mount, f"for i in $(seq 100); do : > drafts/a-name-that-is-somewhat-long-$i; done; ls drafts > {tmp}/names")
        held = []
        count, came = taken(lambda _: held.append(os.open(f"{mount.point}/drafts/.", os.O_RDONLY | os.O_DIRECTORY)), 100)
        assert came == errno.EBUSY and count == 1, (count, came)
        names = os.listdir(held[0])
        for fd in held:
            os.close(fd)
        eventually(lambda: errno_of(os.listdir, f"{mount.point}/drafts") == 0, "the directories to be closed")
        assert len(names) == 100 and sorted(names) == sorted(os.listdir(mount / "drafts"))


def test_answers_that_nobody_reads_are_not_kept_for_ever(server):
    with mounted(server, f"as={demo.DU}") as mount:
        fd = os.open(mount / "applications/new", os.O_RDWR)
        for _ in range(300):
            errno_of(os.write, fd, b"x" * 1000 + b"=1\n")
        told = os.read(fd, 1 << 20)
        os.close(fd)
        assert told.startswith(b"error: ") and len(told) <= (64 << 10) + 4096, len(told)


def test_many_strangers_cost_little(server):
    with mounted(server, shared=True) as mount:
        def strangers(first, count):
            for number in range(first, first + count):
                with acting_as(number):
                    assert errno_of(os.listdir, f"{mount.point}/catalogue") == errno.EACCES
            return private_bytes(mount.process.pid)

        before = strangers(100000, 50)
        grown = strangers(200000, 1000) - before
        assert sanitized() or grown < 1000 * 1024, f"{grown} bytes for 1000 users whom nobody knows"


class Started(contextlib.ExitStack):
    """Commands of users that run while the block goes on, and not longer."""

    def start(self, mount, who, *command):
        number = str(uid(who))
        process = subprocess.Popen(["setpriv", "--reuid", number, "--regid", number, "--clear-groups", *command], cwd=mount.point,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.callback(process.communicate)
        self.callback(process.kill)
        return process


PATIENT = "read_deadline=600000,identity_time=600000"


def test_each_user_has_so_many_calls_under_way_and_leaves_the_others_theirs(server):
    with mounted(server, f"max_calls=6,{PATIENT}", shared=True) as mount:
        for who in (demo.DU, demo.CA):
            ok(mount, "ls requests/; cat whoami", who)  # so that the mount knows who calls
        with Started() as started:
            with stopped(server):
                asking = [started.start(mount, demo.DU, "cat", f"systems/nobody-{i}/name-zh") for i in range(20)]
                eventually(lambda: sum(process.poll() is not None for process in asking) >= 14, "those beyond the bound to be refused")
                ok(mount, "cat README status/connection; ls", demo.CA)
            said = [process.communicate(timeout=60)[0] for process in asking]
        assert sum("busy" in words for words in said) == 14 and sum("No such file" in words for words in said) == 6, said
        others_are_well(mount)


def test_a_name_that_waits_for_the_server_holds_up_no_other_of_its_directory(server):
    with mounted(server, PATIENT, shared=True) as mount:
        for who in (demo.DU, demo.CA):
            ok(mount, "ls requests/; cat whoami", who)
        with Started() as started, stopped(server):
            first = started.start(mount, demo.DU, "cat", "catalogue/nobody-1/name-zh")
            eventually(lambda: "request_wait" in proc(first.pid, "wchan"), "the first to wait for the server")
            shape = started.start(mount, demo.CA, "stat", "catalogue/by-name")
            second, third = (started.start(mount, demo.CA, "cat", f"catalogue/nobody-{i}/name-zh") for i in (2, 3))
            try:
                assert shape.wait(END) == 0
                for process, stop in ((second, signal.SIGKILL), (third, signal.SIGINT), (first, signal.SIGINT)):
                    eventually(lambda: "request_wait" in proc(process.pid, "wchan"), "it to wait")
                    process.send_signal(stop)
                    assert process.wait(END) == -stop
            except (AssertionError, subprocess.TimeoutExpired) as error:
                raise AssertionError(f"{error}: " + "\n".join(where(process.pid) for process in (shape, second, third))) from None


def test_who_hammers_leaves_the_others_their_answers(server):
    seed = random.randrange(2**32)
    print(f"# seed {seed}")
    with mounted(server, shared=True) as mount, scratch() as tmp:
        with Crowd(mount, request_file(tmp), random.Random(seed)) as crowd:
            crowd.add("walk", demo.CITY_DU, 4)
            crowd.add("rename", demo.CITY_DU, 2)
            crowd.add("walk", STRANGER, 1)
            for _ in range(20):
                ok(mount, "cat whoami README > /dev/null; ls catalogue > /dev/null; echo x > drafts/x; rm drafts/x", demo.DU)
        assert crowd.wrong() == [], crowd.wrong()
        assert all(report["done"] for report in crowd.reports), crowd.reports


if __name__ == "__main__":
    main()
