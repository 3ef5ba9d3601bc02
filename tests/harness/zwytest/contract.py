"""The published contract, read from the descriptor set that the build makes.

No generated stubs: message classes are made at run time, so the tests see exactly
what the server was built from."""
import functools
import os
import pathlib
import threading

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


_LOCK = threading.RLock()


def _once(function):
    """Computed once for each argument, also when several threads ask at the same time."""
    cached = functools.lru_cache(maxsize=None)(function)

    @functools.wraps(function)
    def locked(*arguments):
        with _LOCK:
            return cached(*arguments)

    return locked


@_once
def pool():
    build = pathlib.Path(os.environ.get("ZWY_BUILD", pathlib.Path(__file__).resolve().parents[3] / "build"))
    files = descriptor_pb2.FileDescriptorSet()
    files.ParseFromString((build / "proto/gen/zwy.descriptors").read_bytes())
    result = descriptor_pool.DescriptorPool()
    for file in files.file:
        result.Add(file)
    return result


@_once
def _factory():
    return message_factory.MessageFactory(pool())


@_once
def message_class(name):
    """The class of a message by its name in zwy.v1, or by its full name."""
    full = name if "." in name else "zwy.v1." + name
    return _factory().GetPrototype(pool().FindMessageTypeByName(full))


def message(kind, /, **fields):
    return message_class(kind)(**fields)


@_once
def method(name):
    """`Service.Method` or `Method`, where only one service has it, as its descriptor."""
    if "." in name:
        service, _, short = name.rpartition(".")
        found = [pool().FindServiceByName("zwy.v1." + service).FindMethodByName(short)]
    else:
        found = [m for s in services() for m in s.methods if m.name == name]
    if len(found) != 1:
        raise LookupError(f"{len(found)} methods are called {name}")
    return found[0]


@_once
def services():
    build = pathlib.Path(os.environ.get("ZWY_BUILD", pathlib.Path(__file__).resolve().parents[3] / "build"))
    files = descriptor_pb2.FileDescriptorSet()
    files.ParseFromString((build / "proto/gen/zwy.descriptors").read_bytes())
    return [pool().FindServiceByName(f"{f.package}.{s.name}") for f in files.file for s in f.service]


def option(descriptor, name):
    """Our option `record`, `rules` or `method` of a message, field or method."""
    extension = pool().FindExtensionByName("zwy.v1." + name)
    options = _factory().GetPrototype(extension.containing_type)
    message_class(extension.message_type.full_name)
    return options.FromString(descriptor.GetOptions().SerializeToString()).Extensions[extension]


def call_path(descriptor):
    return f"/{descriptor.containing_service.full_name}/{descriptor.name}"
