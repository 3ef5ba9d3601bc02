"""Clients of other languages: programs that print `ok CASE` or `not ok CASE WHY` for each interoperability case."""
import functools
import subprocess

from peers import TRANSPORTS, Peer, authority, print_matrix


def add_tests(module, client, cases, command):
    """Gives the module a test for each case and transport. command(): the words to which a target, and for TLS the file
    of its authority, are added; it may raise Skip."""
    passed = set()

    @functools.lru_cache(maxsize=None)
    def outcomes(transport):
        words = list(command())
        peer = Peer("interop")
        words.append(peer.targets[transport])
        if transport == "tls":
            words.append(authority().certificate)
        ran = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, timeout=250, check=False)
        peer.stop()
        found = {}
        for line in ran.stdout.splitlines():
            verdict, _, rest = line.partition("ok ")
            name, _, why = rest.partition(" ")
            found[name] = "" if verdict == "" else why or "it failed"
        assert ran.returncode == 0, ran.stderr[-2000:]
        return found

    def over(transport, case):
        def run():
            why = outcomes(transport).get(case, "it did not come to it")
            assert why == "", why
            passed.add((case, transport))
        return run

    def none_left_out():
        for transport in TRANSPORTS:
            assert list(outcomes(transport)) == cases
        print_matrix(client, cases, passed)

    for transport in TRANSPORTS:
        for case in cases:
            module[f"test_{case}_over_{transport}"] = over(transport, case)
    module["test_no_case_of_the_client_is_left_out"] = none_left_out


CASES = ["empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong", "half_duplex", "empty_stream",
         "cancel_after_begin", "cancel_after_first_response", "timeout_on_sleeping_server", "status_code_and_message",
         "special_status_message", "custom_metadata", "unimplemented_method", "unimplemented_service", "client_compressed_unary",
         "server_compressed_unary", "client_compressed_streaming", "server_compressed_streaming"]

__all__ = ["CASES", "add_tests"]
