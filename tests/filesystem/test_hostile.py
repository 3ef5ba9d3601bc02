#!/usr/bin/python3
"""Users who try to see, hold or do what is not theirs, and the mount's word on each. smoke: yes timeout: 400"""
import contextlib
import errno
import fcntl
import os
import pathlib
import subprocess

import users
from fstest import WHOLE, Mount, Skip, applications, demo, eventually, let_through, main, mounted, ok, scratch, shell, uid, with_server
from users import STRANGER, acting_as, contents, errno_of, opened, outcome, touch
from zwytest import program, rounds

DENIED = (errno.EACCES, errno.EPERM)
PATHS = rounds(200, quick=100, long=4000)  # of a tree, as far as one looks into it


def text(path):
    return pathlib.Path(path).read_text(encoding="utf-8")


def drafts(mount, who):
    return f"{mount.point}/users/{who}/drafts"


def paths_of(mount, who):
    """What somebody finds in the tree, links not followed: all of the person's own and of cases, and some of the rest."""
    found = ok(mount, "find . -path ./audit -prune -o -path ./rules -prune -o -print | sort", who).splitlines()
    found = [path.removeprefix("./") for path in found if path != "."]
    rest = [path for path in found if not path.startswith(("users/", "applications"))]
    rest = rest[::len(rest) // PATHS + 1]
    return [path for path in found if path.startswith(("users/", "applications"))][:PATHS] + rest


# ---- a private mount -------------------------------------------------------------

class Own:
    """An ordinary user's own mount, by the user's own hands: in a mount namespace in which everybody may use
    /dev/fuse, as on most machines."""

    def __init__(self, server, tmp, who):
        self.who, self.point = str(uid(who)), tmp / "own"
        self.point.mkdir()
        os.chown(self.point, uid(who), uid(who))
        let_through(pathlib.Path(server.unix.removeprefix("unix:")))
        device = tmp / "device"
        device.mkdir()
        names = text("/etc/passwd") + f"zwy-test:x:{self.who}:{self.who}::/:/bin/sh\n"  # fusermount3 wants to know the name
        (tmp / "passwd").write_text(names, encoding="utf-8")
        script = (f"mount -t tmpfs zwy-test {device} && mknod -m 666 {device}/fuse c 10 229 && mount --bind {device}/fuse /dev/fuse "
                  f"&& mount --bind {tmp}/passwd /etc/passwd "
                  f"&& exec setpriv --reuid {self.who} --regid {self.who} --clear-groups {program('zwyfs')} -f {server.unix} {self.point}")
        self.process = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
                                        stdin=subprocess.DEVNULL)
        eventually(self.there, "the user's mount")

    def there(self):
        assert self.process.poll() is None, "zwyfs ended"
        return f" {self.point} fuse.zwyfs " in text(f"/proc/{self.process.pid}/mounts")

    def run(self, script, who=None):
        """Runs it where the mount is, as its user or another."""
        who = self.who if who is None else str(who)
        return subprocess.run(["nsenter", "--target", str(self.process.pid), "--mount", "setpriv", "--reuid", who, "--regid", who,
                               "--clear-groups", "bash", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60, check=False)

    def close(self):
        self.run(f"fusermount3 -u {self.point}")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        self.process.kill()
        assert self.process.wait() == 0, self.process.returncode


@contextlib.contextmanager
def own_mount(server, who):
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        raise Skip("needs root, to become an ordinary user, and /dev/fuse")
    with scratch() as tmp:
        mount = Own(server, tmp, who)
        try:
            yield mount
        finally:
            mount.close()


def test_a_private_mount_lets_in_its_user_and_not_even_root(server):
    with own_mount(server, demo.DU) as mount:
        ran = mount.run(f"cd {mount.point} && sed -n 1p whoami && echo mine > drafts/note && cat drafts/note && readlink inbox")
        assert ran.stdout == f"name=principals/{demo.DU}\nmine\nusers/{demo.DU}/inbox\n", ran
        user = subprocess.Popen(["nsenter", "--target", str(mount.process.pid), "--mount", "setpriv", "--reuid", mount.who, "--regid",
                                 mount.who, "--clear-groups", "sh", "-c", f"cd {mount.point} && exec 3< drafts/note && echo && cat"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert user.stdout.readline() == b"\n"
            for who in (0, uid(demo.CA), STRANGER):
                for at in (mount.point, f"/proc/{user.pid}/cwd", f"/proc/{user.pid}/root{mount.point}"):
                    for command in ("stat {}/.", "ls {}/", "cat {}/README", "cat {}/drafts/note", "ls {}/drafts/", "readlink -v {}/inbox",
                                    "echo x > {}/drafts/x"):
                        ran = mount.run(command.format(at), who)
                        assert ran.returncode != 0 and "ermission denied" in ran.stdout, (who, command, at, ran)
                ran = mount.run(f"cat /proc/{user.pid}/fd/3", who)
                assert ran.returncode != 0 and "ermission denied" in ran.stdout, (who, ran)
            ran = mount.run(f"fusermount3 -u {mount.point}", uid(demo.CA))
            assert ran.returncode != 0, "another user has unmounted it"
            assert mount.run(f"ls {mount.point}/drafts/").stdout == "note\n"
        finally:
            user.stdin.close()
            user.stdout.close()
            user.wait(60)


def test_an_ordinary_user_may_not_mount_for_others_unless_the_host_says_so(server):
    if "\nuser_allow_other" in "\n" + text("/etc/fuse.conf"):
        raise Skip("this host says so")
    with own_mount(server, demo.DU) as mount:
        other = mount.point.parent / "other"
        other.mkdir()
        os.chown(other, uid(demo.DU), uid(demo.DU))
        ran = mount.run(f"{program('zwyfs')} -f -o allow_other {server.unix} {other}")
        assert ran.returncode != 0 and "allow_other" in ran.stdout, ran


def test_nothing_in_a_mount_is_a_device_or_runs_or_changes_who_one_is(server):
    with mounted(server, "suid,dev,exec", shared=True) as mount:
        line = next(line for line in text("/proc/mounts").splitlines() if str(mount.point) in line)
        assert {"nosuid", "nodev", "noexec"} <= set(line.split()[3].split(",")), line
        ran = shell(mount, "printf '#!/bin/sh\\nid -u\\n' > drafts/x; chmod 6755 drafts/x; stat -c %a drafts/x; drafts/x", demo.DU)
        assert ran.status != 0 and ran.out == "644\n" and "ermission denied" in ran.err, ran
        folder = drafts(mount, demo.DU)
        with acting_as(demo.DU):
            assert errno_of(os.mkfifo, f"{folder}/fifo") == errno.EPERM
            assert errno_of(os.symlink, "/etc/passwd", f"{folder}/link") == errno.EPERM
            assert errno_of(os.link, f"{folder}/x", f"{folder}/y") == errno.EPERM
            assert errno_of(os.mkdir, f"{folder}/dir") == errno.EPERM
        with acting_as(demo.DU):
            os.unlink(f"{folder}/x")
        assert errno_of(os.mknod, f"{mount.point}/requests/null", 0o20666, os.makedev(1, 3)) == errno.EPERM


# ---- who somebody is ---------------------------------------------------------------

@contextlib.contextmanager
def gateway(server):
    """A shared mount of another host's server, which knows it by a credential and not as a user of its own host."""
    mount = Mount(server, "allow_other", server.tcp)
    let_through(mount.point)
    try:
        yield mount
    finally:
        mount.close()


@with_server(tcp_as="principals/demo")
def test_root_is_nobody_unless_it_is_mapped(server):
    client = server.client(as_="principals/demo", target=server.tcp)
    with gateway(server) as mount:
        assert ok(mount, "sed -n 1p whoami", 0) == "name=principals/demo\n"
        client.call("UpdatePrincipal", principal={"name": "principals/demo", "uids": [4242]}, update_mask={"paths": ["uids"]})
        assert ok(mount, "sed -n 1p whoami", demo.DU) == f"name=principals/{demo.DU}\n"
        eventually(lambda: shell(mount, "cat whoami", 4242).status == 0, "the mount to hear of it")
        for path in ("whoami", "catalogue/", "users/", "principals/", "requests/", f"users/{demo.DU}/"):
            ran = shell(mount, f"cat {path} || ls {path}", 0)
            assert ran.status != 0 and not ran.out and "denied" in ran.err, (path, ran)


def test_who_opened_a_file_answers_for_what_is_written_to_it(server):
    """A descriptor may come into the hands of a program with more rights: a setuid one, or one under sudo."""
    case = demo.file(server.client()).name
    with mounted(server, shared=True) as mount:
        ok(mount, "ls requests drafts", demo.DU)
        ok(mount, "ls requests drafts", demo.CITY_DU)
        with opened(f"{mount.point}/{case}/actions/accept", os.O_WRONLY | os.O_CREAT, demo.DU) as fd, acting_as(demo.CA):
            came = errno_of(os.write, fd, b"\n")
        assert text(f"{mount.point}/{case}/state") == "submitted\n", "the authority accepted what the department asked for"
        assert came in DENIED, came
        with opened(f"{mount.point}/users/{demo.CITY_DU}/requests/a.req", os.O_WRONLY | os.O_CREAT, demo.CITY_DU) as fd, acting_as(demo.DU):
            errno_of(os.write, fd, WHOLE.encode())
        assert applications(server) == [case], "one user's request was filed in the name of another"


# ---- what of others can be seen ------------------------------------------------------

def probe(mount, paths):
    return {path: outcome(f"{mount.point}/{path}") for path in paths}


def differences(one, other):
    return [f"{path}: {one[path]} and {other[path]}"[:300] for path in one if one[path] != other[path]]


def changing(path):
    """What differs from mount to mount by its nature."""
    return path.startswith(("status/", "events", "whoami", "audit"))


def test_what_the_kernel_remembers_of_one_user_tells_another_nothing(server):
    """Each asks where nobody else has been, and then where somebody has just asked the same."""
    case = demo.file(server.client()).name
    demo.walk(server.client(), demo.file(server.client()).name, "closed")
    with mounted(server, shared=True) as mount:
        ok(mount, f"echo secret > drafts/note; echo x > requests/a.req; cat {case}/status", demo.DU)
        paths = [path for path in paths_of(mount, demo.DU) if not changing(path)]
        paths += [f"{case}/{rest}" for rest in ("status", "record", "items/1/service", "history", "documents/SHA256SUMS", "actions", "why")]
    assert len(paths) > 100, len(paths)
    for who in (STRANGER, demo.CITY_DU, 0):
        with mounted(server, shared=True) as mount, acting_as(who):
            alone = probe(mount, paths)
        with mounted(server, shared=True) as mount:
            shared = {}
            for path in paths:
                with acting_as(demo.DU):
                    outcome(f"{mount.point}/{path}")
                with acting_as(who):
                    shared[path] = outcome(f"{mount.point}/{path}")
        assert alone == shared, (who, differences(alone, shared)[:10])


def test_who_is_not_known_gets_no_bytes_but_the_readme(server):
    demo.file(server.client())
    with mounted(server, shared=True) as mount:
        ok(mount, "echo secret > drafts/note", demo.DU)
        paths = [path for path in paths_of(mount, demo.DU) if path != "README"] + ["applications/A-2026-000001/record"]
        for path in paths:
            with acting_as(demo.DU):
                outcome(f"{mount.point}/{path}")
            with acting_as(STRANGER):
                found = outcome(f"{mount.point}/{path}")
            # A place that is there for everybody has attributes; nothing has more.
            assert found["bytes"] in ("EACCES", "EISDIR", "ELOOP", "ENOENT") or path in SHAPE, (path, found)
            assert not isinstance(found["names"], list) and found["link"] in ("EACCES", "EINVAL", "ENOENT"), (path, found)
            hidden = found["stat"] == found["cached"] == "EACCES"
            assert hidden or "/" not in path or path in SHAPE or path.rpartition("/")[0] in ANYTHING, (path, found)


# Places that are there whoever asks and whatever the server holds; in the latter two whatever name one asks for.
ANYTHING = {"applications/by-month", "applications/by-state"}
SHAPE = ANYTHING | {"catalogue/by-layer", "catalogue/by-name", "nodes/by-name",
         "departments/by-name", "systems/by-name", "applications/mine", "applications/new"}


def seen(mount, paths):
    """Attributes with their times, and what statfs says."""
    found = {path: os.lstat(f"{mount.point}/{path}")[:] for path in paths if os.path.lexists(f"{mount.point}/{path}")}
    room = os.statvfs(mount.point)
    found["statfs"] = (room.f_blocks, room.f_bfree, room.f_bavail, room.f_files, room.f_ffree, room.f_favail)
    return found


def work(mount, server):
    """What a busy user does all day."""
    folder = drafts(mount, demo.DU)
    with acting_as(demo.DU):
        for i in range(30):
            with open(f"{folder}/{i}", "wb") as file:
                file.write(b"x" * 10000)
    ok(mount, "ls -R users > /dev/null; cat quotas/provincial-finance/*/record > /dev/null", demo.DU)


def test_counts_and_room_tell_nothing_of_others(server):
    with mounted(server, shared=True) as mount:
        paths = [path for path in paths_of(mount, demo.CITY_DU) if not changing(path)]
        with acting_as(demo.CITY_DU):
            before = seen(mount, paths)
        work(mount, server)
        with acting_as(demo.CITY_DU):
            after = seen(mount, paths)
        assert before == after, differences(before, after)


def test_inode_numbers_tell_nothing_of_others(server):
    """They come in no order, and no nearer to each other than chance would have it."""
    with mounted(server, shared=True) as mount, acting_as(demo.CITY_DU):
        folder, numbers = drafts(mount, demo.CITY_DU), []
        for n in range(40):
            touch(f"{folder}/{n}", os.O_WRONLY | os.O_CREAT)
            numbers.append(os.stat(f"{folder}/{n}").st_ino)
        gaps = [b - a for a, b in zip(numbers, numbers[1:])]
        assert len(set(numbers)) == 40 and min(gaps) < 0 < max(gaps), numbers
        assert min(map(abs, gaps)) > 1 << 32, numbers


def told_of(mount, who, case, places):
    """The names that somebody is told who watches these places while a user is at work on a case and on a draft."""
    watch = users.Inotify()
    try:
        with acting_as(who):
            for path in places:
                watch.watch(f"{mount.point}/{path}")
        ok(mount, f"cat {case}/status {case}/record; ls {case} {case}/actions; echo x > drafts/secret; cat drafts/secret", demo.DU)
        return watch.names()
    finally:
        watch.close()


def test_watching_tells_a_user_nothing_of_anothers_places_and_records(server):
    case = demo.file(server.client()).name
    own = ["", "applications", "users", "systems"]  # here the kernel tells every watcher what somebody opens
    with mounted(server, shared=True) as mount:
        foreign = [f"users/{demo.DU}", f"users/{demo.DU}/drafts", case, f"{case}/actions", f"users/{demo.DU}/requests"]
        assert told_of(mount, demo.CITY_DU, case, foreign) == set()
        names = told_of(mount, demo.CITY_DU, case, foreign + own)
        assert names <= set(os.listdir(mount.point)) | {case.split("/")[1], demo.DU}, names


def test_watching_tells_a_stranger_nothing(server):
    case = demo.file(server.client()).name
    with mounted(server, shared=True) as mount:
        names = told_of(mount, STRANGER, case, ["", "applications", "users", "systems", case, f"users/{demo.DU}/drafts"])
        assert names <= set(os.listdir(mount.point)), names


# ---- ways around -----------------------------------------------------------------------

def test_no_way_around_a_name_leads_to_anothers_file(server):
    with mounted(server, shared=True) as mount:
        ok(mount, "echo secret > drafts/note", demo.DU)
        ok(mount, "ls drafts", demo.CITY_DU)
        folder, other = drafts(mount, demo.DU), drafts(mount, demo.CITY_DU)
        with opened(folder, os.O_PATH, demo.DU) as at, opened(f"{folder}/note", os.O_PATH, demo.DU) as note:
            for who in (demo.CITY_DU, STRANGER, 0):
                with acting_as(who):
                    ways = {
                        "relative": lambda: touch("note", os.O_RDONLY, dir_fd=at),
                        "create": lambda: touch("new", os.O_WRONLY | os.O_CREAT, dir_fd=at),
                        "up and down": lambda: touch("../drafts/note", os.O_RDONLY, dir_fd=at),
                        "by descriptor": lambda: touch(f"/proc/self/fd/{note}", os.O_RDONLY),
                        "write by descriptor": lambda: touch(f"/proc/self/fd/{note}", os.O_WRONLY | os.O_TRUNC),
                        "truncate": lambda: os.truncate(f"/proc/self/fd/{note}", 0),
                        "listing": lambda: os.listdir(f"/proc/self/fd/{at}"),
                        "unlink": lambda: os.unlink("note", dir_fd=at),
                        "rename away": lambda: os.rename("note", f"{other}/note", src_dir_fd=at),
                        "stat": lambda: os.stat("note", dir_fd=at),
                        "dots": lambda: touch(f"{mount.point}/catalogue/../users/{demo.DU}/drafts/note", os.O_RDONLY)}
                    came = {way: errno_of(function) for way, function in ways.items()}
                assert set(came.values()) <= set(DENIED), (who, {way: errno.errorcode.get(n, n) for way, n in came.items()})
                with acting_as(demo.DU):
                    assert contents(f"{folder}/note") == b"secret\n"


def test_nothing_of_ones_own_can_be_put_among_anothers(server):
    with mounted(server, shared=True) as mount:
        ok(mount, "ls drafts", demo.DU)
        ok(mount, "echo x > drafts/x; echo x > requests/.x", demo.CITY_DU)
        for area in ("drafts", "requests"):
            mine = f"{mount.point}/users/{demo.CITY_DU}/{area}/{'x' if area == 'drafts' else '.x'}"
            with opened(f"{mount.point}/users/{demo.DU}/{area}", os.O_PATH, demo.DU) as at, acting_as(demo.CITY_DU):
                came = errno_of(os.rename, mine, "y", dst_dir_fd=at)
            with acting_as(demo.CITY_DU):
                assert came in DENIED and os.path.exists(mine), (area, came, os.path.exists(mine))
        assert ok(mount, "ls drafts requests", demo.DU).split() == ["drafts:", "requests:"]


def test_a_files_handle_opens_it_for_nobody_else(server):
    with mounted(server, shared=True) as mount:
        ok(mount, "echo secret > drafts/note", demo.DU)
        with opened(f"{drafts(mount, demo.DU)}/note", os.O_RDONLY, demo.DU):  # so that the kernel knows the inode
            with acting_as(demo.DU):
                handle = users.handle_of(f"{drafts(mount, demo.DU)}/note")
            with opened(mount.point, os.O_RDONLY, demo.CITY_DU) as at:
                for who in (demo.CITY_DU, 0):
                    with acting_as(who):
                        came = errno_of(lambda: os.close(users.open_by_handle(at, handle, os.O_RDONLY)))
                    assert came in DENIED + (errno.ESTALE,), (who, came)


def test_anothers_process_is_no_way_in(server):
    with mounted(server, shared=True) as mount:
        ok(mount, "echo secret > drafts/note", demo.DU)
        number = str(uid(demo.DU))
        user = subprocess.Popen(["setpriv", "--reuid", number, "--regid", number, "--clear-groups", "sh", "-c",
                                 "cd drafts && exec 3< note && echo && cat"], cwd=mount.point, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE)
        try:
            assert user.stdout.readline() == b"\n"
            for who in (demo.CITY_DU, STRANGER, 0):
                for path in ("fd/3", "cwd/note", "cwd/../drafts/note", f"root{drafts(mount, demo.DU)}/note"):
                    with acting_as(who):
                        came = errno_of(contents_followed, f"/proc/{user.pid}/{path}")
                    assert came in DENIED, (who, path, came)
        finally:
            user.stdin.close()
            user.stdout.close()
            user.wait(60)


def contents_followed(path):
    with open(path, "rb") as file:
        return file.read()


def test_a_bind_mount_is_no_way_in(server):
    case = demo.file(server.client()).name
    with mounted(server, shared=True) as mount, scratch() as tmp:
        (tmp / "b").mkdir()
        ok(mount, f"echo secret > drafts/note; cat {case}/status", demo.DU)
        number = str(uid(demo.CITY_DU))
        script = (f"mount --bind {mount.point} {tmp}/b && mount --bind {mount.point}/applications {tmp}/b/applications && "
                  f"exec setpriv --reuid {number} --regid {number} --clear-groups "
                  f"sh -c 'cat {tmp}/b/{case}/status {tmp}/b/users/{demo.DU}/drafts/note; ls {tmp}/b/users/{demo.DU} {tmp}/b/{case}'")
        ran = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        assert ran.returncode != 0 and ran.stdout == "" and ran.stderr.count("denied") == 4, ran


def test_locks_hold_up_only_those_who_ask_for_them(server):
    with mounted(server, shared=True) as mount:
        with opened(f"{mount.point}/README", os.O_RDONLY, demo.CITY_DU) as fd:
            fcntl.flock(fd, fcntl.LOCK_EX)
            fcntl.lockf(fd, fcntl.LOCK_SH)
            ok(mount, "cat README; echo x > drafts/x; flock -n drafts/x true; rm drafts/x", demo.DU)
            with acting_as(demo.CITY_DU):
                assert errno_of(fcntl.fcntl, fd, fcntl.F_SETLEASE, fcntl.F_WRLCK) != 0, "a lease on what others read"


if __name__ == "__main__":
    main()
