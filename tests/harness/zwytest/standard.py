"""The standard services of gRPC, called without generated stubs: their .proto files are
compiled when a test first asks."""
import functools
import subprocess

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PROTOS = "/usr/share/grpc-proto"
FILES = ("grpc/health/v1/health.proto", "grpc/reflection/v1/reflection.proto",
         "grpc/reflection/v1alpha/reflection.proto", "grpc/channelz/v1/channelz.proto")


@functools.lru_cache(maxsize=None)
def standard_files():
    """FileDescriptorProtos by name, as protoc makes them."""
    made = subprocess.run(["protoc", f"-I{PROTOS}", "--include_imports", "--descriptor_set_out=/dev/stdout", *FILES],
                          stdout=subprocess.PIPE, check=True).stdout
    return {file.name: file for file in descriptor_pb2.FileDescriptorSet.FromString(made).file}


@functools.lru_cache(maxsize=None)
def standard_pool():
    pool = descriptor_pool.DescriptorPool()
    for file in standard_files().values():
        pool.Add(file)
    return pool


@functools.lru_cache(maxsize=None)
def _factory(pool):
    return message_factory.MessageFactory(pool)


def message_of(pool, name):
    return _factory(pool).GetPrototype(pool.FindMessageTypeByName(name))


def standard(name, **fields):
    """A message of a standard service by its full name without `grpc.`: health.v1.HealthCheckRequest."""
    return message_of(standard_pool(), "grpc." + name)(**fields)


def stub(channel, pool, path):
    """The method with this path (package.Service/Method) as a callable on the channel."""
    service, _, name = path.rpartition("/")
    method = pool.FindServiceByName(service).FindMethodByName(name)
    streams = descriptor_pb2.MethodDescriptorProto()
    method.CopyToProto(streams)
    kind = "_".join("stream" if flag else "unary" for flag in (streams.client_streaming, streams.server_streaming))
    return getattr(channel, kind)("/" + path, request_serializer=lambda m: m.SerializeToString(),
                                  response_deserializer=message_of(pool, method.output_type.full_name).FromString)


def standard_stub(channel, path):
    return stub(channel, standard_pool(), "grpc." + path)


class Reflection:
    """A client that knows nothing of a server but how to ask it what it serves."""

    def __init__(self, channel, version="v1"):
        self.version = version
        self.stub = standard_stub(channel, f"reflection.{version}.ServerReflection/ServerReflectionInfo")

    def request(self, **fields):
        return standard(f"reflection.{self.version}.ServerReflectionRequest", **fields)

    def ask(self, *requests, timeout=30):
        """One stream with these requests: the answers to them, in order."""
        return list(self.stub(iter(requests), timeout=timeout))

    def services(self):
        answer, = self.ask(self.request(list_services="*"))
        return [service.name for service in answer.list_services_response.service]

    def pool(self):
        """Everything that the services need, in a pool of its own; asked for on one stream."""
        answers = self.ask(*(self.request(file_containing_symbol=name) for name in self.services()))
        files = {}
        for answer in answers:
            assert answer.HasField("file_descriptor_response"), answer
            for data in answer.file_descriptor_response.file_descriptor_proto:
                file = descriptor_pb2.FileDescriptorProto.FromString(data)
                files[file.name] = file
        pool, added = descriptor_pool.DescriptorPool(), set()

        def add(file):
            if file.name in added:
                return
            added.add(file.name)
            for name in file.dependency:
                add(files[name])
            pool.Add(file)

        for file in files.values():
            add(file)
        return pool


__all__ = ["Reflection", "message_of", "standard", "standard_files", "standard_pool", "standard_stub", "stub", "grpc"]
