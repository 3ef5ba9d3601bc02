#!/usr/bin/python3
"""Health and reflection, as stock gRPC clients use them. smoke: yes"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
import grpc  # noqa: E402
from google.protobuf import descriptor_pb2  # noqa: E402
from zwytest import contract, demo, main  # noqa: E402
from zwytest.standard import Reflection, message_of, standard, standard_files, standard_stub, stub  # noqa: E402

SERVING, NOT_SERVING, SERVICE_UNKNOWN = 1, 2, 3
STANDARD = {"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"}


def check(channel, service="", timeout=30):
    method = standard_stub(channel, "health.v1.Health/Check")
    return method(standard("health.v1.HealthCheckRequest", service=service), timeout=timeout).status


def watch(channel, service="", timeout=60):
    method = standard_stub(channel, "health.v1.Health/Watch")
    return method(standard("health.v1.HealthCheckRequest", service=service), timeout=timeout)


def status_of(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except grpc.RpcError as error:
        return error.code(), error.details()
    return grpc.StatusCode.OK, ""


def raw(channel, path, data, streaming=False):
    """Sends bytes as they are to a method; its answers as bytes."""
    kind = channel.stream_stream if streaming else channel.unary_unary
    method = kind(path, request_serializer=None, response_deserializer=None)
    return list(method(iter([data]), timeout=30)) if streaming else method(data, timeout=30)


def test_every_service_is_healthy_once_the_server_listens(server):
    channel = server.client().channel
    names = {s.full_name for s in contract.services()} | STANDARD
    for name in {""} | names:
        assert check(channel, name) == SERVING, name


def test_check_of_an_unknown_service_is_not_found(server):
    channel = server.client().channel
    for name in ("zwy.v1.NoSuchService", "zwy.v1.ApplicationServic", "x" * 5000):
        code, text = status_of(check, channel, name)
        assert code == grpc.StatusCode.NOT_FOUND and name[:200] in text, (code, text)


def test_watch_tells_at_once_and_stays_open_for_an_unknown_service(server):
    channel = server.client().channel
    known, unknown = watch(channel, "zwy.v1.ApplicationService"), watch(channel, "zwy.v1.NoSuchService", timeout=1)
    assert next(known).status == SERVING
    assert next(unknown).status == SERVICE_UNKNOWN
    code, _ = status_of(lambda: next(unknown))
    assert code == grpc.StatusCode.DEADLINE_EXCEEDED, code
    known.cancel()


def test_watchers_hear_of_the_shutdown_and_do_not_hold_it_up(server):
    channels = [server.client(target=target).channel for target in (server.unix, server.tcp)]
    streams = [watch(channel, name) for channel in channels for name in ("", "zwy.v1.AuditService") for _ in range(20)]
    lost = watch(channels[0], "zwy.v1.NoSuchService")
    assert next(lost).status == SERVICE_UNKNOWN
    for stream in streams:
        assert next(stream).status == SERVING
    process, server.process = server.process, None
    process.terminate()
    for stream in streams:
        assert next(stream).status == NOT_SERVING
        code, _ = status_of(lambda s=stream: next(s))
        assert code == grpc.StatusCode.UNAVAILABLE, code
    assert process.wait(60) == 0
    server.start()


def test_malformed_requests_of_health_are_internal_errors(server):
    channel = server.client().channel
    for data in (b"\x0a\x05abc", b"\x0a\x02\xff\xfe", b"\xff" * 12, b"\x0b"):
        code, _ = status_of(raw, channel, "/grpc.health.v1.Health/Check", data)
        assert code == grpc.StatusCode.INTERNAL, (data, code)
    assert raw(channel, "/grpc.health.v1.Health/Check", b"\x78\x05\x0a\x00") == b"\x08\x01", "unknown fields are let be"


def each_version(server):
    channel = server.client().channel
    return [Reflection(channel, version) for version in ("v1", "v1alpha")]


def test_reflection_lists_every_service(server):
    for reflection in each_version(server):
        names = reflection.services()
        assert set(names) == {s.full_name for s in contract.services()} | STANDARD
        assert names == sorted(set(names)), names


def test_a_client_that_knows_nothing_calls_through_reflection(server):
    demo.file(server.client())
    for version in ("v1", "v1alpha"):
        channel = server.client().channel
        pool = Reflection(channel, version).pool()
        who = (("zwy-as", "principals/" + demo.DU),)
        head = stub(channel, pool, "zwy.v1.AuditService/GetHead")(
            message_of(pool, "zwy.v1.GetHeadRequest")(), timeout=30, metadata=(("zwy-as", "principals/" + demo.CA),))
        assert head.revision > 0
        found = stub(channel, pool, "zwy.v1.ApplicationService/ListApplications")(
            message_of(pool, "zwy.v1.ListApplicationsRequest")(), timeout=30, metadata=who)
        assert len(found.items) == 1 and found.items[0].name.startswith("applications/")
        health = stub(channel, pool, "grpc.health.v1.Health/Check")(
            message_of(pool, "grpc.health.v1.HealthCheckRequest")(), timeout=30)
        assert health.status == SERVING


def files_in(answer):
    return [descriptor_pb2.FileDescriptorProto.FromString(data)
            for data in answer.file_descriptor_response.file_descriptor_proto]


def test_symbols_of_every_sort_are_found_in_their_file(server):
    symbols = {
        "zwy.v1.AuditService": "zwy/v1/audit.proto",
        "zwy.v1.AuditService.GetHead": "zwy/v1/audit.proto",
        "zwy.v1.Application": "zwy/v1/application.proto",
        "zwy.v1.Application.name": "zwy/v1/application.proto",
        "google.protobuf.FieldDescriptorProto.Type": "google/protobuf/descriptor.proto",
        "google.protobuf.FieldDescriptorProto.TYPE_DOUBLE": "google/protobuf/descriptor.proto",
        "google.protobuf.DescriptorProto.ExtensionRange": "google/protobuf/descriptor.proto",
        "grpc.health.v1.HealthCheckResponse.ServingStatus": "grpc/health/v1/health.proto",
        "grpc.health.v1.HealthCheckResponse.SERVING": "grpc/health/v1/health.proto",
        "grpc.reflection.v1.ServerReflectionRequest.message_request": "grpc/reflection/v1/reflection.proto",
        "grpc.channelz.v1.Address.TcpIpAddress": "grpc/channelz/v1/channelz.proto",
    }
    for reflection in each_version(server):
        for symbol, file in symbols.items():
            answer, = reflection.ask(reflection.request(file_containing_symbol=symbol))
            assert files_in(answer)[0].name == file, (symbol, answer)
        for symbol in ("", "zwy", "zwy.v1", "zwy.v1.Nothing", ".zwy.v1.AuditService", "zwy.v1.AuditService.",
                       "zwy.v1.AuditService/GetHead", "grpc.health.v1.HealthCheckResponse.ServingStatus.SERVING",
                       "zwy.v1." + "x" * 10000):
            answer, = reflection.ask(reflection.request(file_containing_symbol=symbol))
            assert answer.error_response.error_code == 5 and answer.error_response.error_message, (symbol, answer)


def test_files_are_the_bytes_of_the_contract_and_come_with_their_imports_once(server):
    wanted = {file.name: file for file in contract_files()} | standard_files()
    for reflection in each_version(server):
        for name, file in wanted.items():
            answer, = reflection.ask(reflection.request(file_by_filename=name))
            files = files_in(answer)
            assert files[0].name == name and len({f.name for f in files}) == len(files)
            assert {f.name for f in files} == closure(wanted, name), name
            if name in standard_files():
                assert files[0] == file
        ask = reflection.request(file_by_filename="zwy/v1/application.proto")
        first, second = (files_in(answer) for answer in reflection.ask(ask, ask))
        assert len(first) > 1 and [f.name for f in second] == ["zwy/v1/application.proto"]
        answer, = reflection.ask(reflection.request(file_by_filename="zwy/v1/nothing.proto"))
        assert answer.error_response.error_code == 5


def contract_files():
    names = {contract.pool().FindFileContainingSymbol(s.full_name).name for s in contract.services()}
    return [proto_of(contract.pool().FindFileByName(name)) for name in sorted(names)]


def proto_of(file):
    copy = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(copy)
    return copy


def closure(files, name, seen=None):
    seen = seen if seen is not None else set()
    if name not in seen:
        seen.add(name)
        file = files.get(name) or proto_of(contract.pool().FindFileByName(name))
        for dependency in file.dependency:
            closure(files, dependency, seen)
    return seen


def extensions():
    """(extended message, number) of every extension of the contract."""
    options = proto_of(contract.pool().FindFileByName("zwy/v1/options.proto"))
    return [(e.extendee.lstrip("."), e.number) for e in options.extension]


def test_extensions_are_found_by_message_and_number(server):
    assert extensions()
    for reflection in each_version(server):
        for extended in {name for name, _ in extensions()}:
            answer, = reflection.ask(reflection.request(all_extension_numbers_of_type=extended))
            numbers = answer.all_extension_numbers_response
            assert numbers.base_type_name == extended
            assert sorted(numbers.extension_number) == sorted(n for name, n in extensions() if name == extended)
        for extended, number in extensions():
            ask = reflection.request()
            ask.file_containing_extension.containing_type = extended
            ask.file_containing_extension.extension_number = number
            answer, = reflection.ask(ask)
            assert files_in(answer)[0].name == "zwy/v1/options.proto"
            ask.file_containing_extension.extension_number = number + 100000
            answer, = reflection.ask(ask)
            assert answer.error_response.error_code == 5
        answer, = reflection.ask(reflection.request(all_extension_numbers_of_type="zwy.v1.Application"))
        assert answer.HasField("all_extension_numbers_response")
        assert not answer.all_extension_numbers_response.extension_number
        answer, = reflection.ask(reflection.request(all_extension_numbers_of_type="zwy.v1.AuditService"))
        assert answer.error_response.error_code == 5


def test_the_question_comes_back_and_one_stream_takes_many(server):
    for reflection in each_version(server):
        asks = [reflection.request(host="example", list_services=""), reflection.request(),
                reflection.request(file_by_filename="no"), reflection.request(host="b", file_containing_symbol="no")]
        asks *= 100
        answers = reflection.ask(*asks)
        assert [answer.original_request for answer in answers] == asks
        assert [answer.valid_host for answer in answers] == [ask.host for ask in asks]
        assert answers[1].error_response.error_code == 12, "a question that is not known here"


def test_malformed_requests_of_reflection_are_internal_errors(server):
    channel = server.client().channel
    for version in ("v1", "v1alpha"):
        path = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
        for data in (b"\x1a\x05abc", b"\x22\x02\xff\xfe", b"\x2a\x03\x0a\x05a", b"\x2a\x03\x0a\x01\xff"):
            code, _ = status_of(raw, channel, path, data, streaming=True)
            assert code == grpc.StatusCode.INTERNAL, (data, code)


if __name__ == "__main__":
    main()
