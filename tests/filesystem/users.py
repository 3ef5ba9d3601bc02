"""Acting in a mount as other users, within the test's own process: what of a system call says who calls is the
effective user id. Descriptors that one user has opened can so be used by another, as when they are handed over."""
import contextlib
import ctypes
import ctypes.util
import errno
import os
import struct

from fstest import uid

STRANGER = 12345  # whom the server does not know
LIBC = ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True)
AT_FDCWD, AT_SYMLINK_NOFOLLOW, AT_STATX_DONT_SYNC = -100, 0x100, 0x4000
STATX_BASIC_STATS = 0x7ff
HANDLE_BYTES = 128
IN_ALL_EVENTS = 0xfff
IN_NONBLOCK = os.O_NONBLOCK


@contextlib.contextmanager
def acting_as(who):
    """A principal's user, or a number. The process has no privileges in the block, unless who is 0."""
    number = who if isinstance(who, int) else uid(who)
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(number)
    os.seteuid(number)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def errno_of(function, *arguments, **named):
    """0 if it succeeds."""
    try:
        function(*arguments, **named)
    except OSError as error:
        return error.errno
    return 0


def touch(path, flags=os.O_RDONLY, **named):
    """Opens and closes."""
    os.close(os.open(path, flags, **named))


@contextlib.contextmanager
def opened(path, flags, who, **named):
    """A descriptor that somebody has opened, for the block."""
    with acting_as(who):
        fd = os.open(path, flags, **named)
    try:
        yield fd
    finally:
        with contextlib.suppress(OSError), acting_as(who):
            os.close(fd)


def checked(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


class FileHandle(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_uint), ("type", ctypes.c_int), ("handle", ctypes.c_ubyte * HANDLE_BYTES)]


def handle_of(path):
    """name_to_handle_at(2)."""
    handle, mount_id = FileHandle(bytes=HANDLE_BYTES), ctypes.c_int()
    checked(LIBC.name_to_handle_at(AT_FDCWD, os.fsencode(path), ctypes.byref(handle), ctypes.byref(mount_id), 0))
    return handle


def open_by_handle(mount_fd, handle, flags):
    return checked(LIBC.open_by_handle_at(mount_fd, ctypes.byref(handle), flags))


class Inotify:
    """Watches places, and says which names it was told."""

    def __init__(self):
        self.fd = checked(LIBC.inotify_init1(IN_NONBLOCK))

    def watch(self, path):
        """0 or an errno."""
        return errno_of(lambda: checked(LIBC.inotify_add_watch(self.fd, os.fsencode(path), IN_ALL_EVENTS)))

    def names(self):
        told, found = b"", set()
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self.fd, 1 << 16):
                told += piece
        while told:
            _, _, _, size = struct.unpack_from("iIII", told)
            found.add(told[16:16 + size].rstrip(b"\0").decode())
            told = told[16 + size:]
        return found - {""}

    def close(self):
        os.close(self.fd)


def cached_attributes(path):
    """What the kernel has by itself: links, owner, mode, inode, size."""
    attributes = ctypes.create_string_buffer(256)
    checked(LIBC.statx(AT_FDCWD, os.fsencode(path), AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, attributes))
    return attributes.raw[16:56]


def outcome(path):
    """All that a user can learn of a path: attributes but for times, what it holds, or why not."""
    found = {}
    for how, ask in (("cached", cached_attributes), ("stat", os.lstat), ("link", os.readlink), ("names", os.listdir), ("bytes", contents)):
        try:
            got = ask(path)
        except OSError as error:
            got = errno.errorcode[error.errno]
        if isinstance(got, os.stat_result):
            got = (got.st_mode, got.st_ino, got.st_nlink, got.st_uid, got.st_gid, got.st_size, got.st_blocks)
        found[how] = sorted(got) if isinstance(got, list) else got
    return found


def contents(path):
    """O_NONBLOCK only so that nothing outside the mount could hold us."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        got = b""
        while piece := os.read(fd, 1 << 16):
            got += piece
        return got
    finally:
        os.close(fd)
