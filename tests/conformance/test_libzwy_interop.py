#!/usr/bin/python3
"""The interoperability cases with libzwy as the client: against the project's own server and a stock grpcio one,
over every transport."""
# timeout: 300
# smoke: yes
import concurrent.futures
import functools
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from peers import PATIENCE, TRANSPORTS, Messages, Peer, authority, client_pair, grpc, print_matrix, server_pair  # noqa: E402
from zwytest import eventually, main, program, scratch_dir  # noqa: E402

SERVICE = "grpc.testing.TestService"
M = Messages("interop", "grpc.testing")
BASE = ("empty_unary large_unary client_streaming server_streaming ping_pong empty_stream cancel_after_begin "
        "cancel_after_first_response timeout_on_sleeping_server status_code_and_message special_status_message "
        "custom_metadata unimplemented_method unimplemented_service").split()
COMPRESSION = ("client_compressed_unary server_compressed_unary client_compressed_streaming "
               "server_compressed_streaming").split()
INITIAL, TRAILING = "x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"


def run_cases(target, cases, transport="tcp"):
    files = {"ZWY_CA": str(authority().certificate)} if transport == "tls" else {}
    if transport == "tls":
        own = client_pair("interop")
        files |= {"ZWY_CERT": str(own.certificate), "ZWY_KEY": str(own.key)}
    ran = subprocess.run([program("zwy-interop-client"), target, *cases], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         text=True, timeout=2 * PATIENCE, env={**os.environ, **files}, check=False)
    passed = {line.removeprefix("ok - ") for line in ran.stdout.splitlines() if line.startswith("ok ")}
    assert ran.returncode == 0 and passed == set(cases), (target, ran.stdout)
    return {(case, transport) for case in passed}


def target_of(transport, address):
    return f"tls:{address}" if transport == "tls" else address


# ---- a server as others write it ------------------------------------------------


class Stock:
    """grpcio's own server with what the cases need of the service. `ended` lists the calls that were cancelled."""

    def __init__(self):
        self.ended = []
        self.pool = concurrent.futures.ThreadPoolExecutor(max_workers=16)
        self.server = grpc.server(self.pool, options=[("grpc.max_receive_message_length", 64 << 20)],
                                  compression=grpc.Compression.NoCompression)
        simple, empty, output = M.SimpleRequest, M.Empty, M.StreamingOutputCallRequest
        handlers = {
            "EmptyCall": grpc.unary_unary_rpc_method_handler(self.empty, empty.FromString, bytes_of),
            "UnaryCall": grpc.unary_unary_rpc_method_handler(self.unary, simple.FromString, bytes_of),
            "StreamingInputCall": grpc.stream_unary_rpc_method_handler(
                self.input, M.StreamingInputCallRequest.FromString, bytes_of),
            "StreamingOutputCall": grpc.unary_stream_rpc_method_handler(self.output, output.FromString, bytes_of),
            "FullDuplexCall": grpc.stream_stream_rpc_method_handler(self.duplex, output.FromString, bytes_of),
        }
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        folder = scratch_dir("stock-")
        credentials = grpc.ssl_server_credentials([(server_pair().key_bytes, server_pair().chain_bytes)], authority().pem,
                                                  require_client_auth=True)
        self.targets = {"tcp": f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}", "unix": f"unix:{folder}/socket",
                        "tls": f"127.0.0.1:{self.server.add_secure_port('127.0.0.1:0', credentials)}"}
        self.server.add_insecure_port(self.targets["unix"])
        self.server.start()

    def stop(self):
        self.server.stop(None).wait()
        self.pool.shutdown()

    def _echo(self, context):
        metadata = dict(context.invocation_metadata())
        if INITIAL in metadata:
            context.send_initial_metadata(((INITIAL, metadata[INITIAL]),))
        if TRAILING in metadata:
            context.set_trailing_metadata(((TRAILING, metadata[TRAILING]),))

    @staticmethod
    def _refuse(request, context):
        """The status is given as it stands: grpcio's abort() would need an enumeration's member too."""
        if not request.response_status.code:
            return False
        context.set_code(next(c for c in grpc.StatusCode if c.value[0] == request.response_status.code))
        context.set_details(request.response_status.message)
        return True

    def empty(self, _, context):
        self._echo(context)
        return M.Empty()

    def unary(self, request, context):
        if request.response_compressed.value:
            context.set_compression(grpc.Compression.Gzip)
        self._echo(context)
        if self._refuse(request, context):
            return M.SimpleResponse()
        return M.SimpleResponse(payload=payload(request.response_size))

    def input(self, requests, context):
        context.add_callback(functools.partial(self.ended.append, "input"))
        return M.StreamingInputCallResponse(aggregated_payload_size=sum(len(r.payload.body) for r in requests))

    def output(self, request, context):
        if any(wanted.compressed.value for wanted in request.response_parameters):
            context.set_compression(grpc.Compression.Gzip)
        for wanted in request.response_parameters:
            if not wanted.compressed.value:
                context.disable_next_message_compression()
            yield M.StreamingOutputCallResponse(payload=payload(wanted.size))

    def duplex(self, requests, context):
        context.add_callback(functools.partial(self.ended.append, "duplex"))
        self._echo(context)
        for request in requests:
            if self._refuse(request, context):
                return
            for wanted in request.response_parameters:
                yield M.StreamingOutputCallResponse(payload=payload(wanted.size))


def bytes_of(message):
    return message.SerializeToString()


def payload(size):
    return M.Payload(body=bytes(size))


# ---- the tests ---------------------------------------------------------------------


def test_every_case_passes_against_the_project_s_own_server():
    peer, passed = Peer("interop"), set()
    try:
        for transport in TRANSPORTS:
            passed |= run_cases(target_of(transport, peer.targets[transport]), BASE + COMPRESSION + ["rpc_soak"], transport)
    finally:
        peer.stop()
    print_matrix("libzwy -> zwy-interop-server", BASE + COMPRESSION + ["rpc_soak"], passed)


def test_the_cases_pass_against_grpcio_s_server():
    # grpcio's server does not tell whether a request was compressed: those cases' probes have no answer there.
    stock, passed = Stock(), set()
    cases = BASE + ["server_compressed_unary", "server_compressed_streaming", "rpc_soak"]
    try:
        for transport in TRANSPORTS:
            passed |= run_cases(target_of(transport, stock.targets[transport]), cases, transport)
    finally:
        stock.stop()
    print_matrix(f"libzwy -> grpcio {grpc.__version__}", cases, passed)


def test_a_server_hears_of_cancelled_calls():
    stock = Stock()
    try:
        run_cases(stock.targets["tcp"], ["cancel_after_begin", "cancel_after_first_response"])
        eventually(lambda: "duplex" in stock.ended, "the end of the stream")
    finally:
        stock.stop()


if __name__ == "__main__":
    main()
