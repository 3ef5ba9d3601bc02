#!/usr/bin/python3
"""The Node.js example, as published, with npm's @grpc/grpc-js."""
# timeout: 300
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import Skip, authority, main, scratch_dir, with_server  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "clients/node"


def installed():
    """A copy of the example with its packages, so that the source tree stays as it is."""
    if not shutil.which("node") or not shutil.which("npm"):
        raise Skip("no node, or no npm")
    folder = pathlib.Path(scratch_dir("node-"))
    for name in ("package.json", "package-lock.json", "zwy_example.js"):
        shutil.copy(EXAMPLE / name, folder)
    if (EXAMPLE / "node_modules").is_dir():
        (folder / "node_modules").symlink_to(EXAMPLE / "node_modules")
        return folder
    ran = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=200, check=False)
    if ran.returncode != 0:
        shutil.rmtree(folder, ignore_errors=True)
        raise Skip(f"npm ci: {ran.stdout[-300:]}")
    return folder


def run(folder, target, *words):
    return subprocess.run(["node", str(folder / "zwy_example.js"), "--proto", str(ROOT / "proto"), *words, target],
                          stdin=subprocess.DEVNULL, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100,
                          check=False)


@with_server(tcp_as="demo", tls=True)
def test_it_carries_an_application_through_over_a_unix_socket_tcp_and_tls_and_fails_clearly(server):
    folder = installed()
    try:
        pair = authority.client_pair("demo")
        files = ("--ca", str(authority.authority().certificate), "--cert", str(pair.certificate), "--key", str(pair.key))
        for target in (server.unix, server.tcp, server.tls):
            ran = run(folder, target, *files)
            assert ran.returncode == 0 and ran.stdout.endswith("done\n"), ran
            assert "-> closed" in ran.stdout and "PERMISSION_DENIED" in ran.stdout, ran.stdout
        ran = run(folder, server.unix, "--authority", "core-op")
        assert ran.returncode == 1 and "refused: PERMISSION_DENIED" in ran.stderr, ran
        ran = run(folder, "unix:/nonexistent/zwyd.sock")
        assert ran.returncode == 1 and ran.stderr, ran
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
