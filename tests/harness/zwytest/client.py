"""Callers: a stock gRPC client, and the `zwy` program."""
import collections
import os
import subprocess

import grpc

from . import contract
from .refusal import Refused
from .tap import program

# No proxy may come between a test and its server; reconnect at once.
CHANNEL_OPTIONS = (("grpc.enable_http_proxy", 0), ("grpc.initial_reconnect_backoff_ms", 100),
                   ("grpc.max_reconnect_backoff_ms", 300), ("grpc.use_local_subchannel_pool", 1))
TIMEOUT = 30  # seconds; a call that takes that long has failed


class Client:
    """Calls by method name: client.call("GetApplication", name="applications/A-2026-000001")."""

    def __init__(self, target, as_=None, credentials=None, options=()):
        """A target tls:HOST:PORT needs `credentials`, e.g. those of Server.credentials."""
        self.target = target
        self.as_ = as_
        options = CHANNEL_OPTIONS + tuple(options)
        if target.startswith("tls:"):
            self.channel = grpc.secure_channel(target[len("tls:"):], credentials, options)
        else:
            self.channel = grpc.insecure_channel(target, options)

    def close(self):
        self.channel.close()

    def _stub(self, name, as_, metadata):
        method = contract.method(name)
        kind = ("stream" if method_client_streams(method) else "unary") + "_" + \
            ("stream" if method_server_streams(method) else "unary")
        answer = contract.message_class(method.output_type.full_name)
        stub = getattr(self.channel, kind)(contract.call_path(method),
                                           request_serializer=lambda m: m.SerializeToString(),
                                           response_deserializer=answer.FromString)
        who = as_ or self.as_
        headers = list(metadata or ())
        if who:
            headers.append(("zwy-as", who if who.startswith("principals/") else "principals/" + who))
        return method, stub, headers

    def call(self, method_name, request=None, /, as_=None, timeout=TIMEOUT, metadata=None, **fields):
        """A unary call; the request is a message, or its fields by keyword."""
        method, stub, headers = self._stub(method_name, as_, metadata)
        if request is None:
            request = contract.message_class(method.input_type.full_name)(**fields)
        try:
            return stub(request, timeout=timeout, metadata=headers)
        except grpc.RpcError as error:
            raise Refused(error) from None

    def future(self, method_name, /, as_=None, timeout=TIMEOUT, metadata=None, **fields):
        method, stub, headers = self._stub(method_name, as_, metadata)
        request = contract.message_class(method.input_type.full_name)(**fields)
        return stub.future(request, timeout=timeout, metadata=headers)

    def stream(self, method_name, /, as_=None, timeout=TIMEOUT, metadata=None, **fields):
        """A server stream: an iterator with cancel(); its end by an error raises grpc.RpcError."""
        method, stub, headers = self._stub(method_name, as_, metadata)
        request = contract.message_class(method.input_type.full_name)(**fields)
        return stub(request, timeout=timeout, metadata=headers)

    def send(self, method_name, messages, /, as_=None, timeout=TIMEOUT, metadata=None):
        """A client stream of messages (keyword dictionaries)."""
        method, stub, headers = self._stub(method_name, as_, metadata)
        make = contract.message_class(method.input_type.full_name)
        try:
            return stub((make(**fields) for fields in messages), timeout=timeout, metadata=headers)
        except grpc.RpcError as error:
            raise Refused(error) from None

    def list(self, method_name, /, page_size=0, as_=None, **fields):
        """All items of a list, page by page."""
        token, items = "", []
        while True:
            page = self.call(method_name, as_=as_, page_size=page_size, page_token=token, **fields)
            items += page.items
            token = page.next_page_token
            if not token:
                return items


def _proto(method):
    from google.protobuf import descriptor_pb2
    copy = descriptor_pb2.MethodDescriptorProto()
    method.CopyToProto(copy)
    return copy


def method_client_streams(method):
    return _proto(method).client_streaming


def method_server_streams(method):
    return _proto(method).server_streaming


Ran = collections.namedtuple("Ran", "status out err")


def run_zwy(target, *words, as_=None, stdin=None, timeout=60, env=None):
    """Runs the command line client; returns its exit status and what it said."""
    command = [program("zwy")]
    if target:
        command += ["--server", target]
    if as_:
        command += ["--as", as_]
    environment = dict(os.environ, **(env or {}))
    ran = subprocess.run(command + [str(word) for word in words], input=stdin, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, timeout=timeout, env=environment, text=True, check=False,
                         **({} if stdin is not None else {"stdin": subprocess.DEVNULL}))
    return Ran(ran.returncode, ran.stdout, ran.stderr)
