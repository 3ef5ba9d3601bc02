#!/usr/bin/python3
"""The manual pages name everything that the programs have, and are sound roff."""
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import main  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAN = ROOT / "clients/man"


def page(name):
    return (MAN / name).read_text(encoding="utf-8").replace("\\-", "-")


def rows(path, pattern):
    found = re.findall(pattern, (ROOT / path).read_text(encoding="utf-8"), re.M)
    assert found, path
    return found


def test_zwy_names_every_command_and_option():
    text = page("zwy.1")
    for name in rows("clients/cli/commands.def", r'^COMMAND\("(\w+)"'):
        assert re.search(rf"^\.B {name}\b", text, re.M), name
    for name in rows("clients/cli/options.def", r'^OPTION\(\w+,\s+"([\w-]+)"'):
        assert f"--{name}" in text, name


def test_zwyd_names_every_option_and_setting():
    text = page("zwyd.8")
    for name in rows("server/options.c", r'^\t\{"([a-z-]+)", (?:required|no)_argument'):
        assert f"--{name}" in text, name
    for path, pattern in (("server/settings.def", r"^(?:TEXT_)?SETTING\((\w+)"), ("server/net/limits.def", r"^NET_LIMIT\((\w+)"),
                          ("server/rpc/limits.def", r"^RPC_LIMIT\((\w+)")):
        for name in rows(path, pattern):
            assert re.search(rf"^\.B {name}$", text, re.M), name


def test_zwyfs_names_every_option():
    text = page("zwyfs.8")
    for name in rows("fusefs/options.def", r'^OPTION\("(\w+)"'):
        assert f".B {name}=" in text, name
    for name in rows("fusefs/options.def", r'^TEXT_OPTION\("(\w+)"'):
        assert f".B -o {name}=" in text, name


def test_libzwy_names_every_function():
    text = page("libzwy.3")
    for name in set(re.findall(r"\b(zwy_[a-z_]+)\(", re.sub(r"/\*.*?\*/", "", (ROOT / "clients/lib/zwy.h").read_text(), flags=re.S))):
        assert f"{name}(" in text, name


def test_every_page_is_sound_and_installed():
    listed = (MAN / "CMakeLists.txt").read_text()
    for path in MAN.glob("*.[1-8]"):
        assert path.name in listed, path.name
        if shutil.which("groff"):
            ran = subprocess.run(["groff", "-Kutf8", "-ww", "-man", "-Tutf8", "-z", str(path)], stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True, cwd=MAN, check=False)
            assert ran.returncode == 0 and (not ran.stdout or path.name.startswith("mount.")), ran.stdout


def test_the_example_in_libzwy_3_compiles():
    text = page("libzwy.3")
    code = text[text.index("#include <stdio.h>"):text.rindex(".fi")].replace("\\e", "\\")
    ran = subprocess.run(["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{ROOT}/clients/lib", "-xc", "-"],
                         input=code, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


if __name__ == "__main__":
    main()
