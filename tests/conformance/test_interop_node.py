#!/usr/bin/python3
"""The interoperability cases by grpc-js, as npm has it for clients/node; over every transport."""
# timeout: 300
import functools
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from programs import CASES, add_tests  # noqa: E402
from zwytest import Skip, main, scratch_dir  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]


@functools.lru_cache(maxsize=None)
def modules():
    """node_modules of clients/node: its own if it has them, else a copy made here; the reason as text if there can be none."""
    if not shutil.which("node") or not shutil.which("npm"):
        return "no node, or no npm"
    if (ROOT / "clients/node/node_modules").is_dir():
        return ROOT / "clients/node/node_modules"
    folder = pathlib.Path(scratch_dir("node-"))
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / "clients/node" / name, folder)
    ran = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=200, check=False)
    return folder / "node_modules" if ran.returncode == 0 else f"npm ci: {ran.stdout[-300:]}"


def command():
    if isinstance(modules(), str):
        raise Skip(modules())
    return ["node", ROOT / "tests/conformance/interop_client.js", modules(), "/usr/share/grpc-proto"]


add_tests(globals(), "grpc-js", CASES + ["rpc_soak", "channel_soak", "concurrent_large_unary"], command)

if __name__ == "__main__":
    main()
