#!/usr/bin/python3
"""systemd's units, the lines of fstab in the manual, and mount(8) itself. timeout: 300"""
import contextlib
import os
import pathlib
import re
import shutil
import subprocess

from fstest import REPO, Skip, demo, eventually, main, scratch

from zwytest import program

SYSTEMD = "/lib/systemd/systemd"
GENERATOR = "/usr/lib/systemd/system-generators/systemd-fstab-generator"


def run(*words, **environment):
    ran = subprocess.run(list(map(str, words)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         timeout=60, check=False, env={**os.environ, **environment})
    assert ran.returncode == 0, (words, ran.stdout)
    return ran.stdout


def verify(folder, *units):
    if not shutil.which("systemd-analyze"):
        raise Skip("no systemd-analyze")
    assert run("systemd-analyze", "verify", "--man=no", *units, SYSTEMD_UNIT_PATH=f"{folder}:") == ""


def lines_of_fstab():
    """Those that the manual page shows."""
    text = (REPO / "clients/man/zwyfs.8").read_text(encoding="utf-8").replace("\\-", "-")
    lines = re.findall(r"^(?:unix|tls):\S+ /\S+ fuse\.zwyfs \S+ 0 0$", text, re.M)
    assert len(lines) >= 2
    return lines


def write_units(folder, programs=None):
    """Those of the project, as they are installed; the programs stand where they are built, or in a folder."""
    for source in (REPO / "server/systemd").glob("*.in"):
        text = source.read_text(encoding="utf-8")
        for word, name in (("@CMAKE_INSTALL_FULL_BINDIR@", "zwyfs"), ("@CMAKE_INSTALL_FULL_SBINDIR@", "zwyd")):
            text = text.replace(word, programs or str(pathlib.Path(program(name)).parent))
        (folder / source.name.removesuffix(".in")).write_text(text, encoding="utf-8")


def test_the_units_are_sound():
    with scratch() as tmp:
        write_units(tmp)
        verify(tmp, tmp / "zwyfs@mnt-zwy.service", tmp / "zwyd.service")


def test_systemd_makes_sound_units_of_the_lines_of_fstab():
    if not os.path.exists(GENERATOR):
        raise Skip("no systemd-fstab-generator")
    with scratch() as tmp:
        (tmp / "fstab").write_text("\n".join(lines_of_fstab()) + "\n", encoding="utf-8")
        run(GENERATOR, tmp, tmp, tmp, SYSTEMD_FSTAB=str(tmp / "fstab"))
        made = list(tmp.glob("*.mount")) + list(tmp.glob("*.automount"))
        assert any(path.suffix == ".automount" for path in made) and len(made) > len(lines_of_fstab()), made
        assert all("zwy" not in path.name for path in tmp.glob("local-fs.target.*/*")), "before there is a network or a server"
        verify(tmp, *made)


class Machine:
    """A systemd that is the first process of namespaces of its own, with the units of a folder and an fstab, and no others."""

    # Of the control groups it sees one that is made for it: it takes itself for the owner of all it sees.
    OUTSIDE = """
    mount -t cgroup2 cgroup2 "$1/groups"
    mkdir "$1/groups/$3"
    echo 0 > "$1/groups/$3/cgroup.procs"
    exec unshare --cgroup --fork --kill-child --pid --mount-proc --propagation private --uts --ipc sh -ec "$4" sh "$@"
    """
    INSIDE = """
    umount -R /sys/fs/cgroup
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    mount -t tmpfs tmpfs /run
    mkdir /run/systemd
    cp -a /etc "$1/etc"
    mount --bind "$1/etc" /etc
    mount --bind "$1/units" /etc/systemd/system
    mount --bind "$1/sbin" /usr/sbin
    cp "$1/fstab" /etc/fstab
    mount -t tmpfs -o mode=0755 tmpfs /var/lib
    exec env container=test SYSTEMD_UNIT_PATH=/run/systemd/generator:/etc/systemd/system "$2" --system --unit=test.target --log-target=console
    """
    AFTERWARDS = 'mount -t cgroup2 cgroup2 "$1/groups"; find "$1/groups/$2" -depth -type d -exec rmdir {} + || test ! -e "$1/groups/$2"'

    def __init__(self, tmp, fstab):
        self.tmp, self.log, self.group = tmp, tmp / "log", f"zwytest-{os.getpid()}"
        for name in ("units", "sbin", "groups"):
            (tmp / name).mkdir()
        write_units(tmp / "units", "/usr/sbin")
        for name in ("zwyd", "zwyfs"):
            shutil.copy(program(name), tmp / "sbin")
        (tmp / "units/test.target").write_text("[Unit]\nDefaultDependencies=no\n")
        (tmp / "sbin/mount.fuse.zwyfs").symlink_to("zwyfs")
        (tmp / "fstab").write_text(fstab)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.apart(self.OUTSIDE, SYSTEMD, self.group, self.INSIDE), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)

    def apart(self, script, *words):
        """A command in a mount namespace of its own; its first argument is the folder."""
        return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script, "sh", str(self.tmp), *words]

    def first(self):
        """Its number outside; None before it is there."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        with contextlib.suppress(OSError):  # what comes before it ends
            if children and pathlib.Path(f"/proc/{children[0]}/comm").read_text() == "systemd\n":
                return children[0]
        return None

    def inside(self, *words):
        return ["nsenter", "--all", "--target", self.first(), *words]

    def is_up(self):
        assert self.process.poll() is None, self.log.read_text()
        return self.first() and subprocess.run(self.inside("systemctl", "is-active", "test.target"), check=False,
                                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def run(self, script, *words):
        return run(*self.inside("sh", "-ec", script, "sh", *words))

    def says(self, script, *words):
        """The same where it may fail; what it printed, or nothing."""
        ran = subprocess.run(self.inside("sh", "-ec", script, "sh", *map(str, words)), check=False, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=60)
        return ran.stdout if ran.returncode == 0 else ""

    def close(self):
        self.process.kill()
        self.process.wait()
        # Those inside end with their first process; a group can go when they have.
        eventually(lambda: subprocess.run(self.apart(self.AFTERWARDS, self.group), check=False, stdout=subprocess.DEVNULL,
                                          stderr=subprocess.DEVNULL).returncode == 0, "the control group to be empty")


@contextlib.contextmanager
def machine(tmp, fstab=""):
    if os.geteuid() != 0 or not os.path.exists(SYSTEMD):
        raise Skip("no systemd, or no root")
    probe = ["unshare", "--mount", "--pid", "--fork", "--cgroup", "sh", "-ec", 'mount -t cgroup2 cgroup2 "$1"; mkdir "$1/$2"; rmdir "$1/$2"']
    if subprocess.run([*probe, "sh", tmp, f"probe-{os.getpid()}"], check=False, stderr=subprocess.DEVNULL).returncode:
        raise Skip("no control groups to be had")
    booted = Machine(tmp, fstab)
    try:
        eventually(booted.is_up, "systemd to be up")
        yield booted
    except BaseException:
        print(f"# {booted.log.read_text()[-2000:]!r}", flush=True)
        raise
    finally:
        booted.close()


def test_a_running_systemd_mounts_replaces_and_unmounts(server):
    with scratch() as tmp, machine(tmp) as booted:
        point = tmp / "point"
        unit = f"zwyfs@{run('systemd-escape', '--path', point).strip()}.service"
        (tmp / f"units/{unit}.d").mkdir()
        (tmp / f"units/{unit}.d/test.conf").write_text(
            f'[Unit]\nDefaultDependencies=no\n[Service]\nEnvironment=TARGET={server.unix} OPTIONS=as={demo.DU}\n')
        (tmp / "units/zwyd.service").unlink()  # the test's own server stands for it
        # Once it has started the files are there.
        said = booted.run('systemctl daemon-reload; systemctl start "$1"; cat "$2/whoami"; grep " $2 fuse.zwyfs" /proc/self/mounts', unit, point)
        assert f"name=principals/{demo.DU}" in said and "nosuid,nodev,noexec" in said, said
        first = booted.run('systemctl show --value -p MainPID "$1"', unit).strip()
        booted.run('systemctl kill --signal=KILL "$1"', unit)
        eventually(lambda: booted.says('systemctl show --value -p MainPID "$1"', unit).strip() not in (first, "0")
                   and "name=" in booted.says('cat "$1/whoami"', point), "another daemon in its place")
        booted.run('systemctl stop "$1"; if grep " $2 fuse.zwyfs" /proc/self/mounts; then exit 1; fi; test "$(stat -c %a "$2")" = 0', unit, point)
        assert "inactive" in booted.run('systemctl is-active "$1" || true', unit)


def test_the_units_as_they_are_serve_and_mount():
    """As server/systemd/README.md says."""
    with scratch() as tmp, machine(tmp) as booted:
        for unit in ("zwyd.service", "zwyfs@mnt-zwy.service"):
            (tmp / f"units/{unit}.d").mkdir()
            (tmp / f"units/{unit}.d/test.conf").write_text("[Unit]\nDefaultDependencies=no\n")
        shutil.copy(REPO / "server/systemd/zwy.sysusers", tmp / "etc/zwy.conf")
        booted.run('mkdir -p /etc/sysusers.d; mv /etc/zwy.conf /etc/sysusers.d; mount -t tmpfs tmpfs /mnt; systemctl daemon-reload; systemd-sysusers; '
                   'install -d -o zwy -g zwy -m 0700 /var/lib/zwy; if systemctl start zwyd; then exit 1; fi; systemctl reset-failed zwyd; '
                   'setpriv --reuid zwy --regid zwy --clear-groups timeout --preserve-status 60 zwyd --data /var/lib/zwy --init demo --listen 127.0.0.1:0 '
                   '| { read -r line; echo "$line"; pkill --exact zwyd; }; '
                   'systemctl start zwyfs@mnt-zwy; systemctl is-active zwyd')
        assert "name=principals/demo" in booted.run("cat /mnt/zwy/whoami")
        assert "drwxr-xr-x" in booted.run("setpriv --reuid nobody --clear-groups ls -ld /mnt/zwy")
        booted.run("systemctl restart zwyd")
        eventually(lambda: "cloud-server" in booted.says("ls /mnt/zwy/catalogue"), "the mount to find the server again")
        booted.run("systemctl stop zwyfs@mnt-zwy zwyd")
        assert booted.run('stat -c "%a %s" /mnt/zwy; pgrep --count zwy || true').split() == ["0", "40", "0"]


def test_a_running_systemd_mounts_what_fstab_says_when_somebody_looks(server):
    with scratch() as tmp:
        point = tmp / "point"
        point.mkdir(mode=0)
        line = f"{server.unix} {point} fuse.zwyfs as={demo.DU},_netdev,nofail,x-systemd.automount 0 0\n"
        with machine(tmp, line) as booted:
            unit = run("systemd-escape", "--path", "--suffix=automount", point).strip()
            booted.run('systemctl start "$1"; if grep " $2 fuse.zwyfs" /proc/self/mounts; then exit 1; fi', unit, point)
            assert f"name=principals/{demo.DU}" in booted.run('cat "$1/whoami"', point)
            booted.run('umount "$1"', point)
            assert "name=" in booted.run('cat "$1/whoami"', point), "mounted anew"


def test_mount_8_takes_what_fstab_says(server):
    """In a mount namespace of its own, where /usr/sbin holds nothing but the helper."""
    if os.geteuid() != 0:
        raise Skip("mount(8) needs root")
    with scratch() as tmp:
        (tmp / "sbin").mkdir()
        (tmp / "sbin/mount.fuse.zwyfs").symlink_to(program("zwyfs"))
        for number, line in enumerate(lines_of_fstab()):
            point = tmp / f"point{number}"
            point.mkdir(mode=0)
            options = [word for word in line.split()[3].split(",") if not word.startswith(("ca=", "cert=", "key="))]
            options.append(f"as={demo.DU}")
            (tmp / "fstab").write_text(f"{server.unix} {point} fuse.zwyfs {','.join(options)} 0 0\n", encoding="utf-8")
            said = run("unshare", "--mount", "--propagation", "private", "sh", "-ec",
                       'mount --bind "$1/sbin" /usr/sbin; mount --fstab "$1/fstab" "$2"; cat "$2/whoami"; grep fuse.zwyfs /proc/self/mounts;'
                       ' umount "$2"', "sh", tmp, point)
            assert f"name=principals/{demo.DU}" in said and "nosuid,nodev,noexec" in said, said
            assert not os.listdir(point) and not os.path.ismount(point)


if __name__ == "__main__":
    main()
