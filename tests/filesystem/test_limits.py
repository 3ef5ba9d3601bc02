#!/usr/bin/python3
"""No name is too odd, nobody holds too much, and who tries leaves the others theirs. smoke: yes timeout: 300"""
import errno
import os
import random

from crowd import Crowd
from fstest import demo, eventually, main, mounted, ok, request_file, scratch, shell
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
