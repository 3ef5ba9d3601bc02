"""Random operations on a few files of one directory, each checked against a model in memory.

Everything follows from the seed: ZWY_SEED=N repeats what a failure printed."""
import errno
import os
import random

NAMES = ("a", "b.txt", "文件", "d" * 120)
HANDLES = 5
SIZE = 48 << 10
LIMIT = 64 << 10  # the mount's max_file
REMEMBERED = 25

STEPS = (("write", 30), ("append", 10), ("read", 20), ("read_whole", 10), ("truncate_handle", 8), ("truncate_path", 8),
         ("open_again", 12), ("close", 10), ("rename", 8), ("unlink", 4), ("attributes", 10), ("listing", 4),
         ("too_large", 3), ("copy_within", 4), ("descriptor_copied", 4))


def seed_of():
    return int(os.environ.get("ZWY_SEED") or random.randrange(2**32))


class Handle:
    def __init__(self, fd, data, append):
        self.fd, self.data, self.append = fd, data, append


class Scribbler:
    """`files` maps names to what they must hold; an unlinked or replaced file lives on in its handles."""

    def __init__(self, folder, seed):
        self.folder = folder
        self.dice = random.Random(seed)
        self.files = {}
        self.handles = []
        self.past = []
        self.count = 0

    def run(self, count, seed):
        words, weights = zip(*STEPS)
        try:
            for step in self.dice.choices(words, weights, k=count):
                self.past = self.past[1 - REMEMBERED:] + [step]
                getattr(self, step)()
                self.count += 1
            self.end()
        except (AssertionError, OSError) as error:
            told = "\n".join(self.past)
            raise AssertionError(f"ZWY_SEED={seed}, step {self.count}: {error!r} after\n{told}") from error
        finally:
            for handle in self.handles:
                os.close(handle.fd)

    def end(self):
        while self.handles:
            self.close()
        self.listing()
        for name in list(self.files):
            self.read_whole(name)
            os.unlink(self.path(name))
        assert os.listdir(self.folder) == []

    # -- what the steps use ----------------------------------------------------

    def path(self, name):
        return os.path.join(self.folder, name)

    def note(self, *words):
        self.past[-1] += " " + " ".join(map(str, words))

    def handle(self):
        """One that is open; makes one where there is none."""
        if not self.handles:
            self.open_again()
        chosen = self.dice.choice(self.handles)
        self.note(f"fd {chosen.fd}")
        return chosen

    def name(self):
        """Of a file that is there; None if none is."""
        return self.dice.choice(sorted(self.files)) if self.files else None

    def bytes(self, most):
        return self.dice.randbytes(self.dice.choice((1, 7, 512, 4096, 4097, self.dice.randint(1, most))))

    @staticmethod
    def put(data, offset, new):
        if offset > len(data):
            data.extend(bytes(offset - len(data)))
        data[offset:offset + len(new)] = new

    @staticmethod
    def size_to(data, size):
        if size < len(data):
            del data[size:]
        else:
            data.extend(bytes(size - len(data)))

    # -- the steps -------------------------------------------------------------

    def write(self):
        handle = self.handle()
        offset, new = self.dice.randint(0, SIZE // 2), self.bytes(SIZE // 2)
        if handle.append:
            return
        self.note(offset, len(new))
        assert os.pwrite(handle.fd, new, offset) == len(new)
        self.put(handle.data, offset, new)

    def append(self):
        handle, new = self.handle(), self.bytes(4096)
        if not handle.append or len(handle.data) + len(new) > LIMIT:
            return
        self.note(len(handle.data), len(new))
        assert os.write(handle.fd, new) == len(new)
        handle.data.extend(new)

    def read(self):
        handle = self.handle()
        offset, size = self.dice.randint(0, SIZE), self.dice.randint(0, SIZE)
        self.note(offset, size)
        got = os.pread(handle.fd, size, offset)
        assert got == handle.data[offset:offset + size], (len(got), len(handle.data[offset:offset + size]))

    def read_whole(self, name=None):
        name = name or self.name()
        if name is None:
            return
        self.note(name)
        with open(self.path(name), "rb") as file:
            assert os.fstat(file.fileno()).st_size == len(self.files[name])
            got = file.read()
        assert got == self.files[name], (len(got), len(self.files[name]))

    def truncate_handle(self):
        handle, size = self.handle(), self.dice.randint(0, SIZE)
        self.note(size)
        os.ftruncate(handle.fd, size)
        self.size_to(handle.data, size)

    def truncate_path(self):
        name, size = self.name(), self.dice.choice((0, self.dice.randint(0, SIZE)))
        if name is None:
            return
        self.note(name, size)
        os.truncate(self.path(name), size)
        self.size_to(self.files[name], size)

    def open_again(self):
        name = self.dice.choice(NAMES)
        append, empty = self.dice.random() < 0.3, self.dice.random() < 0.2
        if len(self.handles) >= HANDLES:
            self.close()
        flags = os.O_RDWR | os.O_CREAT | (os.O_APPEND if append else 0) | (os.O_TRUNC if empty else 0)
        self.note(name, "append" * append, "empty" * empty)
        if name in self.files and self.dice.random() < 0.2:
            try:
                os.close(os.open(self.path(name), flags | os.O_EXCL))
                raise AssertionError("an existing file was created")
            except FileExistsError:
                pass
        fd = os.open(self.path(name), flags, 0o644)
        data = self.files.setdefault(name, bytearray())
        if empty:
            data.clear()
        self.handles.append(Handle(fd, data, append))

    def close(self):
        handle = self.handle()
        self.handles.remove(handle)
        os.close(handle.fd)

    def rename(self):
        old, new = self.name(), self.dice.choice(NAMES)
        if old is None:
            return
        self.note(old, new)
        os.rename(self.path(old), self.path(new))
        self.files[new] = self.files.pop(old)

    def unlink(self):
        name = self.name()
        if name is None:
            return
        self.note(name)
        os.unlink(self.path(name))
        del self.files[name]

    def attributes(self):
        handle, name = self.handle(), self.name()
        linked = any(data is handle.data for data in self.files.values())
        found = os.fstat(handle.fd)
        assert (found.st_size, found.st_nlink) == (len(handle.data), int(linked)), (found, len(handle.data), linked)
        if name is not None:
            assert os.stat(self.path(name)).st_size == len(self.files[name]), name
        missing = [name for name in NAMES if name not in self.files]
        assert not any(os.path.lexists(self.path(name)) for name in missing), missing

    def listing(self):
        with os.scandir(self.folder) as entries:
            found = {entry.name: entry.inode() for entry in entries}
        assert sorted(found) == sorted(self.files), found
        for name, inode in found.items():
            assert os.stat(self.path(name)).st_ino == inode, name

    def too_large(self):
        handle = self.handle()
        before = bytes(handle.data)
        attempts = [lambda: os.ftruncate(handle.fd, LIMIT + 1)]
        if not handle.append:
            attempts.append(lambda: os.pwrite(handle.fd, b"x", LIMIT))
        for attempt in attempts:
            try:
                attempt()
                raise AssertionError("more than max_file was taken")
            except OSError as error:
                assert error.errno == errno.EFBIG, error
        assert os.pread(handle.fd, LIMIT, 0) == before

    def copy_within(self):
        """By the kernel, as cp does; a filesystem that cannot must say so in a way that lets cp go on."""
        handle, name = self.handle(), self.name()
        if name is None or handle.append or self.files[name] is handle.data:
            return
        size = min(len(self.files[name]), 4096)
        source = os.open(self.path(name), os.O_RDONLY)
        try:
            copied = os.copy_file_range(source, handle.fd, size, 0, 0)
        finally:
            os.close(source)
        self.note(name, copied)
        self.put(handle.data, 0, self.files[name][:copied])

    def descriptor_copied(self):
        """close() of a copy flushes, and the other one goes on."""
        handle = self.handle()
        os.close(os.dup(handle.fd))
        os.fsync(handle.fd)
        self.read()
