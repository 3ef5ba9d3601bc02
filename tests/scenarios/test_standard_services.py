#!/usr/bin/python3
"""Health, reflection and channelz, as stock gRPC clients use them. smoke: yes"""
import pathlib
import re
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
import grpc  # noqa: E402
import h2.connection  # noqa: E402
import h2.events  # noqa: E402
from google.protobuf import descriptor_pb2, descriptor_pool  # noqa: E402
from zwytest import contract, demo, eventually, main, refused, with_server  # noqa: E402
from zwytest.standard import Reflection, message_of, standard, standard_files, standard_stub, stub  # noqa: E402

SERVING, NOT_SERVING, SERVICE_UNKNOWN = 1, 2, 3
STANDARD = {"grpc.channelz.v1.Channelz", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection"}


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
    known, unknown = watch(channel, "zwy.v1.ApplicationService"), watch(channel, "zwy.v1.NoSuchService")
    assert next(known).status == SERVING
    assert next(unknown).status == SERVICE_UNKNOWN
    assert check(channel) == SERVING  # and what was said before it has come
    for stream in (known, unknown):
        assert stream.is_active()
        stream.cancel()


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


def test_watchers_hear_of_a_failed_disk(server):
    """With a library before the C library's that lets a sync fail from a moment on."""
    switch = server.directory / "disk-fails"
    shim = server.directory / "disk.so"
    source = """#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <unistd.h>
#define FAILING(name)                                                      \\
	int name(int fd)                                                   \\
	{                                                                  \\
		if (access(SWITCH, F_OK) == 0)                             \\
			return errno = EIO, -1;                            \\
		return ((int (*)(int))dlsym(RTLD_NEXT, #name))(fd);        \\
	}
FAILING(fdatasync)
FAILING(fsync)
"""
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-o", shim, f'-DSWITCH="{switch}"', "-"], input=source, text=True,
                   check=True)
    assert server.stop() == 0
    server.environment = {"LD_PRELOAD": str(shim), "ASAN_OPTIONS": "verify_asan_link_order=0"}
    server.start()
    client = server.client()
    streams = [watch(client.channel, name) for name in ("", "zwy.v1.ApplicationService", "zwy.v1.AuditService")]
    assert [next(stream).status for stream in streams] == [SERVING] * 3
    switch.touch()
    with refused("STORE_IO"):
        demo.file(client)
    for stream in streams:
        assert next(stream).status == NOT_SERVING
        assert status_of(lambda s=stream: next(s))[0] == grpc.StatusCode.UNAVAILABLE
    process, server.process = server.process, None
    assert process.wait(60) == 1, "the service manager must see that it failed"
    switch.unlink()
    server.start()
    assert check(server.client().channel) == SERVING


def test_malformed_requests_of_health_are_internal_errors(server):
    channel = server.client().channel
    for data in (b"\x0a\x05abc", b"\x0a\x02\xff\xfe", b"\xff" * 12, b"\x0b"):
        code, _ = status_of(raw, channel, "/grpc.health.v1.Health/Check", data)
        assert code == grpc.StatusCode.INTERNAL, (data, code)
    assert raw(channel, "/grpc.health.v1.Health/Check", b"\x78\x05\x0a\x00") == b"\x08\x01", "unknown fields are let be"


def test_list_tells_the_status_of_every_service(server):
    answer = raw(server.client().channel, "/grpc.health.v1.Health/List", b"")
    # map<string, HealthCheckResponse> statuses = 1; the .proto of Debian 12 does not have it yet.
    file = descriptor_pb2.FileDescriptorProto(name="list.proto", syntax="proto3", dependency=["grpc/health/v1/health.proto"])
    entry = file.message_type.add(name="Entry")
    entry.field.add(name="key", number=1, type=9, label=1)
    entry.field.add(name="value", number=2, type=11, label=1, type_name=".grpc.health.v1.HealthCheckResponse")
    file.message_type.add(name="List").field.add(name="statuses", number=1, type=11, label=3, type_name=".Entry")
    pool = descriptor_pool.DescriptorPool()
    for known in (standard_files()["grpc/health/v1/health.proto"], file):
        pool.Add(known)
    statuses = {e.key: e.value.status for e in message_of(pool, "List").FromString(answer).statuses}
    assert statuses == {name: SERVING for name in {""} | {s.full_name for s in contract.services()} | STANDARD}


def test_two_thousand_watchers_cost_little(server):
    before = resident(server)
    channels = [server.client(target=target).channel for target in (server.unix, server.tcp) * 4]
    streams = [watch(channel, "zwy.v1.ApplicationService") for channel in channels for _ in range(250)]
    assert all(next(stream).status == SERVING for stream in streams)
    grown = resident(server) - before
    assert grown < 2000 * 20 << 10, f"{grown >> 10} KiB for 2000 watchers"
    assert check(channels[0]) == SERVING
    for stream in streams:
        stream.cancel()


def resident(server):
    """Bytes of memory that the server holds."""
    return int(re.search(r"^VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{server.pid}/status").read_text(), re.M).group(1)) << 10


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


class Channelz:
    """Its methods by name: channelz.GetSocket(socket_id=1)."""

    def __init__(self, channel):
        self.channel = channel
        self.gone = 0  # connections that went between being listed and being asked about

    def __getattr__(self, name):
        method = standard_stub(self.channel, "channelz.v1.Channelz/" + name)
        return lambda **fields: method(standard(f"channelz.v1.{name}Request", **fields), timeout=30)

    def server(self):
        answer = self.GetServers()
        assert answer.end and len(answer.server) == 1
        return answer.server[0]

    def socket_if_there(self, number):
        """None for a connection that has gone since it was listed."""
        try:
            return self.GetSocket(socket_id=number).socket
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.NOT_FOUND, error
            self.gone += 1
            return None

    def sockets(self, **fields):
        """All connections, page by page."""
        ids, start = [], 0
        while True:
            answer = self.GetServerSockets(server_id=self.server().ref.server_id, start_socket_id=start, **fields)
            ids += [ref.socket_id for ref in answer.socket_ref]
            if answer.end:
                return [socket for socket in map(self.socket_if_there, ids) if socket]
            assert answer.socket_ref
            start = ids[-1] + 1


def test_channelz_counts_what_a_client_did(server):
    channelz = Channelz(server.client().channel)
    before = channelz.server().data
    client = server.client(target=server.tcp)
    for _ in range(20):
        assert check(client.channel) == SERVING
    for _ in range(7):
        assert status_of(check, client.channel, "nobody")[0] == grpc.StatusCode.NOT_FOUND
    stream = watch(client.channel)
    assert next(stream).status == SERVING
    connection, = [s for s in channelz.sockets() if s.remote.HasField("tcpip_address")]
    data = connection.data
    assert (data.streams_started, data.streams_succeeded, data.streams_failed) == (28, 20, 7), data
    assert (data.messages_received, data.messages_sent) == (28, 21), data
    now = time.time()
    for stamp in (data.last_remote_stream_created_timestamp, data.last_message_sent_timestamp,
                  data.last_message_received_timestamp):
        assert abs(stamp.ToSeconds() - now) < 600, (stamp, now)
    assert data.local_flow_control_window.value > 0 and data.remote_flow_control_window.value > 0
    assert connection.remote.tcpip_address.ip_address == bytes((127, 0, 0, 1)) and connection.remote.tcpip_address.port > 0
    assert connection.local.tcpip_address.ip_address == bytes((127, 0, 0, 1))
    assert connection.local.tcpip_address.port == int(server.tcp.rpartition(":")[2])
    assert not connection.HasField("security")
    stream.cancel()
    client.close()
    eventually(lambda: len(channelz.sockets()) == 1, "the connection to be gone")
    after = channelz.server().data
    failed = after.calls_failed - before.calls_failed - channelz.gone
    assert failed == 8, f"the stream that was left is a failed call: {failed}"
    assert after.calls_succeeded - before.calls_succeeded >= 20
    assert status_of(channelz.GetSocket, socket_id=connection.ref.socket_id)[0] == grpc.StatusCode.NOT_FOUND


@with_server(tls=True)
def test_channelz_knows_the_listeners_and_each_sort_of_peer(server):
    channels = {target: server.client(target=target).channel for target in (server.unix, server.tcp)}
    channels["tls"] = server.client(target=server.tls, certificate=demo.DU).channel
    for channel in channels.values():
        assert check(channel) == SERVING
    channelz = Channelz(channels[server.unix])
    listeners = {ref.name: channelz.GetSocket(socket_id=ref.socket_id).socket for ref in channelz.server().listen_socket}
    assert set(listeners) == set(server.targets)
    path = server.unix[len("unix:"):]
    assert listeners[server.unix].local.uds_address.filename == path
    assert listeners[server.tls].local.tcpip_address.port == int(server.tls.rpartition(":")[2])
    sockets = channelz.sockets()
    assert len(sockets) == 3
    local, = [s for s in sockets if s.local.HasField("uds_address")]
    assert local.local.uds_address.filename == path[:len(local.local.uds_address.filename)]
    assert local.remote.other_address.name.startswith("unix:uid=")
    safe, = [s for s in sockets if s.HasField("security")]
    assert safe.security.tls.standard_name.startswith("TLS_"), safe
    assert safe.remote_name == demo.DU and safe.data.option[0].value.startswith("TLSv1."), safe


def test_channelz_pages_by_identifier(server):
    channels = [server.client(options=[("who", n)]).channel for n in range(7)]
    for channel in channels:
        assert check(channel) == SERVING
    channelz = Channelz(channels[0])
    for size in (0, 1, 3, 7, 1000):
        ids = [s.ref.socket_id for s in channelz.sockets(max_results=size)]
        assert len(ids) == 7 and ids == sorted(set(ids)), (size, ids)
    first = channelz.GetServerSockets(server_id=channelz.server().ref.server_id, max_results=3)
    assert len(first.socket_ref) == 3 and not first.end


def test_channelz_has_one_server_and_no_channels(server):
    channelz = Channelz(server.client().channel)
    server_id = channelz.server().ref.server_id
    assert channelz.GetServer(server_id=server_id).server.ref == channelz.server().ref
    rest = channelz.GetServers(start_server_id=server_id + 1)
    assert rest.end and not rest.server
    top = channelz.GetTopChannels()
    assert top.end and not top.channel
    for method, field in (("GetServer", "server_id"), ("GetServerSockets", "server_id"), ("GetSocket", "socket_id"),
                          ("GetChannel", "channel_id"), ("GetSubchannel", "subchannel_id")):
        for wrong in (0, -1, server_id + 1, 2 ** 63 - 1, -2 ** 63):
            assert status_of(getattr(channelz, method), **{field: wrong})[0] == grpc.StatusCode.NOT_FOUND, (method, wrong)
    for method in ("GetTopChannels", "GetServers"):
        assert status_of(getattr(channelz, method), max_results=-1)[0] == grpc.StatusCode.INVALID_ARGUMENT
    assert status_of(raw, channelz.channel, "/grpc.channelz.v1.Channelz/GetServer", b"\x08")[0] == grpc.StatusCode.INTERNAL


def test_the_health_page_says_that_all_is_well(server):
    status, body = get(server.tcp, "/healthz")
    assert status == 200 and body == b"serving\n", (status, body)


def get(target, path):
    """A plain GET over HTTP/2: status and body."""
    host, _, port = target.rpartition(":")
    status, body = None, b""
    with socket.create_connection((host, int(port)), timeout=30) as sock:
        http = h2.connection.H2Connection()
        http.initiate_connection()
        http.send_headers(1, [(":method", "GET"), (":scheme", "http"), (":authority", target), (":path", path)],
                          end_stream=True)
        while True:
            sock.sendall(http.data_to_send())
            data = sock.recv(65536)
            assert data, "the server closed the connection"
            for event in http.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    status = int(dict(event.headers)[b":status"])
                elif isinstance(event, h2.events.DataReceived):
                    body += event.data
                elif isinstance(event, h2.events.StreamEnded):
                    return status, body


if __name__ == "__main__":
    main()
