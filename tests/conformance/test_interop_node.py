#!/usr/bin/python3
"""The same cases by grpc-js, as npm has it for clients/node; over every transport."""
# timeout: 300
import functools
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from peers import TRANSPORTS, Peer, authority, print_matrix  # noqa: E402
from zwytest import Skip, main, scratch_dir  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLIENT = ROOT / "tests/conformance/interop_client.js"
CASES = ["empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong", "half_duplex", "empty_stream",
         "cancel_after_begin", "cancel_after_first_response", "timeout_on_sleeping_server", "status_code_and_message",
         "special_status_message", "custom_metadata", "unimplemented_method", "unimplemented_service", "client_compressed_unary",
         "server_compressed_unary", "client_compressed_streaming", "server_compressed_streaming", "rpc_soak", "channel_soak",
         "concurrent_large_unary"]


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


@functools.lru_cache(maxsize=None)
def outcomes(transport):
    """What the client says of each case."""
    if isinstance(modules(), str):
        raise Skip(modules())
    peer = Peer("interop")
    words = ["node", CLIENT, modules(), "/usr/share/grpc-proto", peer.targets[transport]]
    if transport == "tls":
        words.append(authority().certificate)
    ran = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True, timeout=250, check=False)
    peer.stop()
    found = {}
    for line in ran.stdout.splitlines():
        verdict, _, rest = line.partition("ok ")
        name, _, why = rest.partition(" ")
        found[name] = "" if verdict == "" else why
    assert ran.returncode == 0, ran.stderr[-2000:]
    return found


PASSED = set()


def over(transport, case):
    def run():
        why = outcomes(transport).get(case, "it did not come to it")
        assert why == "", why
        PASSED.add((case, transport))
    return run


for _transport in TRANSPORTS:
    for _case in CASES:
        globals()[f"test_{_case}_over_{_transport}"] = over(_transport, _case)


def test_no_case_of_the_client_is_left_out():
    for transport in TRANSPORTS:
        assert list(outcomes(transport)) == CASES
    print_matrix("grpc-js", CASES, PASSED)


if __name__ == "__main__":
    main()
