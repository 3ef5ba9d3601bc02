#!/usr/bin/python3
"""The write protocol call by call: offsets, sizes, renames and removals of open files, odd calls, limits. smoke: yes"""
import contextlib
import ctypes
import errno
import fcntl
import mmap
import os
import socket
import stat
import threading

from fstest import WHOLE, applications, demo, main, mounted, result, scratch

BYTES = WHOLE.encode()
OTHER = BYTES.replace(b"quantity=4", b"quantity=5")
HALF = len(BYTES) // 2
WRITE = os.O_WRONLY | os.O_CREAT
LIMIT = 64 << 10
LIBC = ctypes.CDLL(None, use_errno=True)
RENAMEAT2, AT_FDCWD, NOREPLACE, EXCHANGE = 316, -100, 1, 2
FICLONE, FALLOC_KEEP_SIZE, FALLOC_PUNCH_HOLE = 0x40049409, 1, 2


def outcome(function, *words):
    """0, or the errno that it came to."""
    try:
        function(*words)
        return 0
    except OSError as error:
        return error.errno


@contextlib.contextmanager
def opened(path, flags=WRITE, close=0):
    """Its file descriptor; close() must come to that errno."""
    fd = os.open(path, flags, 0o644)
    try:
        yield fd
    finally:
        came = outcome(os.close, fd)
    assert came == close, errno.errorcode.get(came, came)


def checked(value):
    """Of a libc call."""
    if value < 0:
        raise OSError(ctypes.get_errno(), "")
    return value


def renameat2(source, target, flags):
    checked(LIBC.syscall(RENAMEAT2, AT_FDCWD, os.fsencode(source), AT_FDCWD, os.fsencode(target), flags))


def padded(size):
    """A request of that many bytes, by one long comment."""
    head = BYTES.removesuffix(b"submit\n") + b"#"
    return head + b"x" * (size - len(head) - 8) + b"\nsubmit\n"


def test_holes_and_pieces_out_of_order_are_garbage(server):
    with mounted(server) as mount:
        for name, write in (("a.req", lambda fd: os.pwrite(fd, BYTES[HALF:], HALF)),
                            ("b.req", lambda fd: os.pwrite(fd, BYTES, 1)),
                            ("c.req", lambda fd: (os.ftruncate(fd, 1000), os.write(fd, BYTES))),
                            ("d.req", lambda fd: os.posix_fallocate(fd, 0, 1000))):
            with opened(mount / "requests" / name, close=errno.EBADMSG) as fd:
                assert outcome(write, fd) == errno.EBADMSG, name
                assert outcome(os.write, fd, BYTES) == errno.EBADMSG, name  # and nothing that follows makes it one
            assert result(mount, name)["state"] == "refused"
        assert applications(server) == []
        with opened(mount / "drafts/a") as fd:  # a draft is an ordinary file
            os.pwrite(fd, BYTES[HALF:], HALF)
            os.pwrite(fd, BYTES[:HALF], 0)
        os.rename(mount / "drafts/a", mount / "requests/a.req")
        assert result(mount, "a.req")["state"] == "accepted"


def test_to_cut_and_begin_anew_is_one_request(server):
    with mounted(server) as mount:
        with opened(mount / "requests/a.req") as fd:
            os.write(fd, OTHER.removesuffix(b"submit\n"))
            os.ftruncate(fd, 20)
            os.ftruncate(fd, 0)
            os.lseek(fd, 0, os.SEEK_SET)
            os.write(fd, BYTES)
            assert os.fstat(fd).st_size == len(BYTES) and os.lseek(fd, 0, os.SEEK_END) == len(BYTES)
        assert len(applications(server)) == 1 and (mount / "requests/a.req").read_bytes() == BYTES


def test_two_appending_writers_do_not_mix(server):
    with mounted(server) as mount:
        path, flags = mount / "requests/a.req", WRITE | os.O_APPEND
        with opened(path, flags) as one, opened(path, flags) as two, opened(path, flags, close=errno.EEXIST) as three:
            for fd in (one, two):
                os.write(fd, BYTES[:HALF])
            os.write(three, OTHER[:HALF])
            assert os.write(one, BYTES[HALF:]) == os.write(two, BYTES[HALF:])
            assert outcome(os.write, three, OTHER[HALF:]) == errno.EEXIST
        assert len(applications(server)) == 1 and path.read_bytes() == BYTES


def test_of_different_writers_at_once_one_is_heard(server):
    with mounted(server) as mount:
        texts = [BYTES.replace(b"quantity=4", b"quantity=%d" % n) for n in range(1, 9)]
        came = {}

        def write(text):
            fd = os.open(mount / "requests/a.req", WRITE, 0o644)
            came[text] = outcome(os.write, fd, text)
            outcome(os.close, fd)

        writers = [threading.Thread(target=write, args=(text,)) for text in texts]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        heard = [text for text in texts if not came[text]]
        assert len(heard) == 1 == len(applications(server)), came.values()
        assert set(came.values()) == {0, errno.EEXIST}, came.values()
        assert (mount / "requests/a.req").read_bytes() == heard[0]


def test_what_was_accepted_is_neither_made_anew_nor_emptied_nor_replaced(server):
    with mounted(server) as mount:
        path = mount / "requests/a.req"
        path.write_bytes(BYTES)
        first = result(mount, "a.req")
        assert outcome(os.open, path, WRITE | os.O_EXCL) == errno.EEXIST
        with opened(path, os.O_WRONLY | os.O_TRUNC):
            pass
        for size in (0, 5, 70_000):
            os.truncate(path, size)
        (mount / "requests/part").write_bytes(OTHER)
        assert outcome(os.rename, mount / "requests/part", path) == errno.EEXIST
        assert (mount / "requests/part").read_bytes() == OTHER, "nothing moves where a rename is refused"
        assert outcome(os.rename, path, mount / "requests/b.req") == errno.EPERM
        os.rename(path, mount / "drafts/a")
        os.rename(mount / "drafts/a", path)
        assert path.read_bytes() == BYTES and result(mount, "a.req") == first and len(applications(server)) == 1


def test_a_removed_file_that_is_open_is_still_one_request(server):
    with mounted(server) as mount:
        path = mount / "requests/a.req"
        with opened(path) as fd:
            os.write(fd, BYTES[:HALF])
            assert os.fstat(fd).st_nlink == 1
            os.unlink(path)
            assert os.fstat(fd).st_nlink == 0 and not path.exists()
            os.write(fd, BYTES[HALF:])
        assert not path.exists() and result(mount, "a.req")["state"] == "accepted"
        path.write_bytes(BYTES)
        assert len(applications(server)) == 1


def test_a_file_that_moves_while_it_is_open_is_what_it_has_become(server):
    with mounted(server) as mount:
        requests, drafts = mount / "requests", mount / "drafts"
        with opened(requests / "a.req") as fd:  # nothing in drafts/ is ever submitted
            os.write(fd, BYTES[:HALF])
            os.rename(requests / "a.req", drafts / "a")
            os.write(fd, BYTES[HALF:])
        assert applications(server) == [] and (drafts / "a").read_bytes() == BYTES
        with opened(drafts / "a", os.O_WRONLY | os.O_APPEND, close=errno.EEXIST) as fd:  # what was accepted stays
            os.rename(drafts / "a", requests / "b.req")
            assert outcome(os.write, fd, b"more=1\n") == errno.EEXIST
        assert (requests / "b.req").read_bytes() == BYTES and result(mount, "b.req")["state"] == "accepted"
        with opened(requests / "c.req", close=errno.EBADMSG) as fd:
            os.write(fd, BYTES[:HALF])
            assert outcome(os.rename, requests / "c.req", requests / "d.req") == errno.EBADMSG
        assert len(applications(server)) == 1


def test_every_way_of_copying_bytes_files_one(server):
    with mounted(server) as mount, scratch() as tmp:
        (tmp / "source").write_bytes(BYTES)
        (mount / "drafts/source").write_bytes(BYTES)

        def splice(source, fd):
            near, far = os.pipe()
            os.splice(source, far, len(BYTES))
            os.splice(near, fd, len(BYTES))
            os.close(near)
            os.close(far)

        ways = {"copy_file_range": lambda source, fd: os.copy_file_range(source, fd, len(BYTES)),
                "sendfile": lambda source, fd: os.sendfile(fd, source, 0, len(BYTES)),
                "splice": splice,
                "writev": lambda source, fd: os.writev(fd, [BYTES[:HALF], BYTES[HALF:]]),
                "direct": lambda source, fd: os.write(fd, BYTES),
                "sync": lambda source, fd: (os.write(fd, BYTES), os.fsync(fd), os.fdatasync(fd))}
        flags = {"direct": os.O_DIRECT, "sync": os.O_SYNC}
        for number, (way, copy) in enumerate(ways.items(), 1):
            with open(mount / "drafts/source" if way == "copy_file_range" else tmp / "source", "rb") as source:
                with opened(mount / "requests" / (way + ".req"), WRITE | flags.get(way, 0)) as fd:
                    copy(source.fileno(), fd)
            assert result(mount, way + ".req")["state"] == "accepted" and len(applications(server)) == number, way


def test_what_a_control_filesystem_does_not_have_says_so_clearly(server):
    with mounted(server) as mount:
        path, drafts = mount / "requests/a.req", mount / "drafts"
        path.write_bytes(BYTES)
        (drafts / "a").write_bytes(b"x" * 100)
        for what, expected, function, *words in (
                ("link", errno.EPERM, os.link, path, drafts / "b"),
                ("symlink", errno.EPERM, os.symlink, "x", drafts / "b"),
                ("mkdir", errno.EPERM, os.mkdir, drafts / "b"),
                ("mkdir below a record", errno.EPERM, os.mkdir, mount / "catalogue/b"),
                ("rmdir", errno.EPERM, os.rmdir, mount / "catalogue"),
                ("fifo", errno.EPERM, os.mkfifo, drafts / "b"),
                ("mknod", errno.EPERM, os.mknod, drafts / "b", stat.S_IFREG | 0o644),
                ("socket", errno.EPERM, lambda: socket.socket(socket.AF_UNIX).bind(os.path.relpath(drafts / "b"))),
                ("setxattr", errno.EOPNOTSUPP, os.setxattr, path, "user.x", b"1"),
                ("getxattr", errno.EOPNOTSUPP, os.getxattr, path, "user.x"),
                ("removexattr", errno.EOPNOTSUPP, os.removexattr, path, "user.x"),
                ("nameless file", errno.EOPNOTSUPP, os.open, drafts, os.O_TMPFILE | os.O_WRONLY),
                ("no replacement", errno.EEXIST, renameat2, drafts / "a", path, NOREPLACE),
                ("exchange", errno.EPERM, renameat2, drafts / "a", path, EXCHANGE),
                ("into the catalogue", errno.EPERM, os.rename, drafts / "a", mount / "catalogue/x"),
                ("into the root", errno.EPERM, os.rename, drafts / "a", mount / "x"),
                ("a directory", errno.EPERM, os.rename, mount / "catalogue", drafts / "b"),
                ("a link", errno.EPERM, os.rename, mount / "requests", drafts / "b"),
                ("to a bad name", errno.EPERM, os.rename, drafts / "a", drafts / "-b"),
                ("to a long name", errno.EPERM, os.rename, drafts / "a", drafts / ("n" * 129)),
                ("to a name that is too long", errno.ENAMETOOLONG, os.rename, drafts / "a", drafts / ("n" * 256)),
                ("what is not there", errno.ENOENT, os.rename, drafts / "nothing", path)):
            came = outcome(function, *words)
            assert came == expected, (what, errno.errorcode.get(came, came))
        with opened(drafts / "a", os.O_RDWR) as fd:
            LIBC.mmap.restype = ctypes.c_ssize_t
            for mode in (0, FALLOC_KEEP_SIZE, FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE):
                assert outcome(lambda: checked(LIBC.fallocate(fd, mode, ctypes.c_long(0), ctypes.c_long(50)))) == errno.EOPNOTSUPP
            assert outcome(lambda: checked(LIBC.mmap(None, ctypes.c_size_t(50), mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED,
                                                     fd, ctypes.c_long(0)))) == errno.ENODEV
            with open(path, "rb") as source:
                assert outcome(fcntl.ioctl, fd, FICLONE, source.fileno()) == errno.EOPNOTSUPP
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert (drafts / "a").read_bytes() == b"x" * 100 and os.listdir(drafts) == ["a"]


def test_modes_and_times_are_taken_and_only_the_time_is_kept(server):
    with mounted(server) as mount:
        path = mount / "requests/a.req"
        path.write_bytes(BYTES)
        os.chmod(path, 0)
        os.chown(path, os.getuid(), os.getgid())
        os.utime(path, (5, 7))
        assert path.stat().st_mtime == 7 and path.stat().st_mode & 0o7777 == 0o644
        os.utime(path)
        assert path.stat().st_mtime > 1e9


def test_a_request_may_have_64_KiB_and_no_more(server):
    with mounted(server) as mount:
        with opened(mount / "requests/a.req") as fd:
            assert os.write(fd, padded(LIMIT)) == LIMIT
        assert result(mount, "a.req")["state"] == "accepted"
        for name, at_once in (("b.req", LIMIT + 1), ("c.req", 1000)):
            text = padded(LIMIT + 1)
            with opened(mount / "requests" / name, close=errno.EFBIG) as fd:
                came = [outcome(os.write, fd, text[at:at + at_once]) for at in range(0, len(text), at_once)]
                assert set(came[:-1]) <= {0} and came[-1] == errno.EFBIG, came
            assert result(mount, name)["state"] == "refused" and "64 KiB" in result(mount, name)["error"]
        with opened(mount / "requests/d.req", close=errno.EFBIG) as fd:  # what was accepted stays so
            os.write(fd, BYTES)
            assert outcome(os.write, fd, b"#" * LIMIT) == errno.EFBIG
        assert result(mount, "d.req")["state"] == "accepted" and len(applications(server)) == 2
        (mount / "drafts/long").write_bytes(padded(LIMIT + 1))
        assert outcome(os.rename, mount / "drafts/long", mount / "requests/e.req") == errno.EFBIG


def test_which_names_there_may_be(server):
    with mounted(server) as mount:
        requests = os.fsencode(mount / "requests") + b"/"
        for name in ("n" * 124 + ".req", "申请.req", "申" * 41 + "n.req", " a.req", "a b'\"$.req"):
            with opened(requests + name.encode()) as fd:
                os.write(fd, BYTES)
            assert name in os.listdir(mount / "requests") and result(mount, name)["state"] == "accepted", name
        with opened(requests + b"n" * 128):
            pass
        for name in (b"n" * 125 + b".req", b"n" * 251 + b".req", "申".encode() * 42 + b".req", b"\xff\xfe.req", b"-a.req", b"a\nb.req",
                     b"a\x7f.req", b"\x1b[1m.req"):
            assert outcome(os.open, requests + name, WRITE) == errno.EINVAL, name
        assert outcome(os.open, requests + b"n" * 252 + b".req", WRITE) == errno.ENAMETOOLONG


def test_there_is_an_end_to_files(server):
    with mounted(server, f"as={demo.DU},max_files=20,max_file=100000,max_bytes=250000") as mount:
        for number in range(20):
            (mount / f"drafts/{number}").write_bytes(b"x")
        assert outcome(os.open, mount / "requests/a.req", WRITE) == errno.EBUSY
        os.unlink(mount / "drafts/0")
        (mount / "requests/a.req").write_bytes(BYTES)
        assert result(mount, "a.req")["state"] == "accepted"
        with opened(mount / "drafts/1") as one, opened(mount / "drafts/2") as two, opened(mount / "drafts/3") as three:
            assert outcome(os.pwrite, one, b"x", 100_000) == errno.EFBIG
            os.pwrite(one, b"x", 99_999)
            os.pwrite(two, b"x", 99_999)
            assert outcome(os.pwrite, three, b"x", 99_999) == errno.ENOSPC
        os.unlink(mount / "drafts/1")
        (mount / "drafts/3").write_bytes(b"x" * 99_999)


if __name__ == "__main__":
    main()
