#!/usr/bin/python3
"""systemd's units, the lines of fstab in the manual, and mount(8) itself."""
import os
import pathlib
import re
import shutil
import subprocess

from fstest import REPO, Skip, demo, main, scratch

from zwytest import program

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


def test_the_units_are_sound():
    with scratch() as tmp:
        for source in (REPO / "server/systemd").glob("*.in"):
            text = source.read_text(encoding="utf-8")
            for word, name in (("@CMAKE_INSTALL_FULL_BINDIR@", "zwyfs"), ("@CMAKE_INSTALL_FULL_SBINDIR@", "zwyd")):
                text = text.replace(word, str(pathlib.Path(program(name)).parent))
            (tmp / source.name.removesuffix(".in")).write_text(text, encoding="utf-8")
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
