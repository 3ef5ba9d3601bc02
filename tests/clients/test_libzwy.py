#!/usr/bin/python3
"""libzwy as other people's programs use it: the published examples, compiled and run."""
import json
import os
import pathlib
import shlex
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import authority, build_dir, demo, main, scratch_dir, with_server  # noqa: E402

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "clients/lib/examples"
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-pedantic")
COMPILERS = {".c": ("cc", "-std=c99", "-D_POSIX_C_SOURCE=200809L"), ".cc": ("c++", "-std=c++17")}


def sanitizers():
    cache = (build_dir() / "CMakeCache.txt").read_text()
    return (["-fsanitize=address,undefined"] if "ZWY_ASAN:BOOL=ON" in cache else []) + \
        (["-fsanitize=thread"] if "ZWY_TSAN:BOOL=ON" in cache else [])


def compile_examples():
    """Against an installation, as pkg-config describes it; program by name, and the environment to run it."""
    stage = pathlib.Path(scratch_dir("installed-"))
    subprocess.run(["cmake", "--install", build_dir(), "--prefix", stage, "--component", "libzwy"], check=True,
                   stdout=subprocess.DEVNULL)
    config = next(stage.rglob("zwy.pc")).parent
    environment = dict(os.environ, PKG_CONFIG_PATH=str(config), LD_LIBRARY_PATH=str(config.parent))
    programs = {}
    for source in sorted(EXAMPLES.iterdir()):
        modules = ["zwy"] + (["libuv"] if source.stem == "uv" else [])
        flags = shlex.split(subprocess.run(["pkg-config", "--cflags", "--libs", *modules], check=True, env=environment,
                                           stdout=subprocess.PIPE, text=True).stdout)
        programs[source.stem] = stage / source.stem
        subprocess.run([*COMPILERS[source.suffix], *WARNINGS, *sanitizers(), "-o", stage / source.stem, source, *flags],
                       check=True, env=environment)
    return programs, environment


@with_server(tls=True)
def test_the_examples_do_what_they_say(server):
    programs, environment = compile_examples()
    pair = authority.client_pair(demo.DU)
    files = {"ZWY_CA": str(authority.authority().certificate), "ZWY_CERT": str(pair.certificate), "ZWY_KEY": str(pair.key)}
    assert sorted(programs) == ["cxx", "poll", "uv"], programs
    for name, path in programs.items():
        services = ["cloud-server"] if name == "uv" else ["cloud-server", "block-storage"]
        for target in (server.unix, server.tls):
            ran = run(path, target, *services, environment={**environment, **files})
            assert ran.returncode == 0 and not ran.stderr, ran
            names = sorted(json.loads(line)["name"] for line in ran.stdout.splitlines())
            assert names == sorted(f"catalogue/{service}" for service in services), ran
        ran = run(path, server.unix, "no-such-service", environment=environment)
        assert ran.returncode == 1 and "no-such-service" in ran.stderr, ran
        ran = run(path, "unix:/nonexistent", "cloud-server", environment=environment)
        assert ran.returncode == 1 and "cannot be reached" in ran.stderr, ran
        ran = run(path, "nonsense", "cloud-server", environment=environment)
        assert ran.returncode == 2 and "is not a target" in ran.stderr, ran


def run(path, *words, environment):
    return subprocess.run([path, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=60, check=False, env=environment)


if __name__ == "__main__":
    main()
