#!/usr/bin/python3
"""What zwyd tells of itself: metrics, a log line for each call, its steps; and whom it refuses under overload. smoke: yes"""
import contextlib
import datetime
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import Refused, authority, contract, demo, eventually, main, message, program, refused, with_server  # noqa: E402
from zwytest.observed import log_lines, metrics, page, sample  # noqa: E402
from zwytest.standard import standard, standard_stub  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
HTTP = ("--listen", "http:127.0.0.1:0")
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def http_of(server):
    return next(target for target in server.targets if target.startswith("http:"))


def read_metrics(server):
    status, kind, text = page(http_of(server))
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8"), (status, kind)
    return metrics(text)


def configured(server, **settings):
    """Starts the server anew with these settings and a page of metrics."""
    assert server.stop() == 0
    server.log.unlink()
    server.arguments, server.settings = list(HTTP), settings
    return server.start()


def whole_log(server):
    """All lines of a server that has ended."""
    assert server.stop() == 0
    return log_lines(server.log.read_text())


def by_method(samples, name, method, **labels):
    service, _, short = contract.method(method).full_name.rpartition(".")
    kind = "server_stream" if short in ("Watch", "Download") else "client_stream" if short == "Upload" else "unary"
    return sample(samples, name, grpc_type=kind, grpc_service=service, grpc_method=short, **labels)


# ---- metrics ------------------------------------------------------------------


@with_server(arguments=HTTP)
def test_metrics_agree_with_what_was_called(server):
    client = server.client()
    name = demo.file(client).name
    for _ in range(5):
        demo.get(client, name)
    with refused("NOT_FOUND"):
        demo.get(client, "applications/A-2026-999999")
    unknown = client.channel.unary_unary("/zwy.v1.ApplicationService/Dance")
    with contextlib.suppress(grpc.RpcError):
        unknown(b"", timeout=30)
    stream = client.stream("Watch", as_=demo.CA, since=0)
    seen = [next(stream) for _ in range(3)]
    assert len(seen) == 3
    samples = eventually(lambda: (lambda s: s if sample(s, "zwy_open_calls") == 1 else None)(read_metrics(server)),
                         "all calls but the stream to have ended")
    assert by_method(samples, "grpc_server_started_total", "GetApplication") == 6
    assert by_method(samples, "grpc_server_handled_total", "GetApplication", grpc_code="OK") == 5
    assert by_method(samples, "grpc_server_handled_total", "GetApplication", grpc_code="NotFound") == 1
    assert by_method(samples, "grpc_server_msg_received_total", "GetApplication") == 6
    assert by_method(samples, "grpc_server_msg_sent_total", "GetApplication") == 5
    assert by_method(samples, "grpc_server_handling_seconds_count", "GetApplication") == 6
    assert 0 < by_method(samples, "grpc_server_handling_seconds_sum", "GetApplication") < 60
    assert by_method(samples, "grpc_server_handled_total", "CreateApplication", grpc_code="OK") == 1
    # a stream that is open counts already
    assert by_method(samples, "grpc_server_started_total", "Watch") == 1
    assert by_method(samples, "grpc_server_msg_sent_total", "Watch") >= 3
    assert by_method(samples, "grpc_server_handled_total", "Watch", grpc_code="OK") == 0
    assert sample(samples, "grpc_server_handled_total", grpc_type="unknown", grpc_service="unknown", grpc_method="unknown",
                  grpc_code="Unimplemented") == 1
    assert sample(samples, "zwy_watchers") == 1 and sample(samples, "zwy_open_calls") == 1
    assert sample(samples, "zwy_commit_group_size_count") >= 1
    stream.cancel()
    eventually(lambda: by_method(read_metrics(server), "grpc_server_handled_total", "Watch", grpc_code="Canceled") == 1,
               "the end of the stream to be counted")


@with_server(arguments=HTTP)
def test_metrics_tell_of_process_store_and_program(server):
    demo.file(server.client())
    samples = read_metrics(server)
    status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
    assert sample(samples, "process_resident_memory_bytes") > 1 << 20
    assert sample(samples, "process_open_fds") >= 5
    assert sample(samples, "process_cpu_seconds_total") > 0
    assert abs(sample(samples, "process_start_time_seconds") - pathlib.Path(f"/proc/{server.pid}").stat().st_mtime) < 86400, status
    assert 0 < sample(samples, "zwy_store_used_bytes") < sample(samples, "zwy_store_reserved_bytes")
    assert sample(samples, "zwy_connections") >= 1
    version = subprocess.run([program("zwyd"), "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()[1]
    assert sample(samples, "zwy_build_info", version=version) == 1
    for cause in ("calls", "principal", "origin", "lag", "bytes", "writer"):
        assert sample(samples, "zwy_overload_refused_total", cause=cause) == 0


@with_server(tls=True, arguments=HTTP)
def test_metrics_tell_when_the_certificate_ends(server):
    said = authority.openssl("x509", "-noout", "-enddate", "-in", authority.server_pair().certificate)
    end = datetime.datetime.strptime(said.strip().removeprefix("notAfter="), "%b %d %H:%M:%S %Y %Z")
    shown = sample(read_metrics(server), "zwy_tls_certificate_expiry_seconds")
    assert shown == end.replace(tzinfo=datetime.timezone.utc).timestamp(), (shown, said)


def test_metrics_come_over_http_2_too(server):
    ran = subprocess.run(["curl", "-s", "-i", "--noproxy", "*", "--http2-prior-knowledge", f"http://{server.tcp}/metrics"],
                         stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    head, _, body = ran.stdout.replace("\r\n", "\n").partition("\n\n")
    assert head.startswith("HTTP/2 200") and "content-type: text/plain; version=0.0.4" in head, head
    assert sample(metrics(body), "zwy_connections") >= 1


# ---- log ----------------------------------------------------------------------


def test_a_call_is_one_line_with_everything(server):
    client = server.client()
    headers = (("traceparent", f"00-{TRACE}-{PARENT}-01"), ("tracestate", "vendor=x"))
    made = client.call("CreateApplication", as_=demo.DU, application=demo.application(), submit=True, metadata=headers)
    with refused("NOT_FOUND"):
        demo.get(client, "applications/A-2026-999999")
    event = next(iter(client.stream("Watch", as_=demo.CA, since=made.revision - 1)))
    assert event.trace == TRACE, event
    lines = [line for line in whole_log(server) if "call" in line]
    create = next(line for line in lines if line["method"].endswith("CreateApplication"))
    assert re.fullmatch(r"\d+\.\d+", create["call"]), create
    assert create["method"] == "/zwy.v1.ApplicationService/CreateApplication" and create["level"] == "info"
    assert create["peer"] == f"unix:uid={os.geteuid()}"
    assert (create["principal"], create["for"]) == ("principals/demo", f"principals/{demo.DU}")
    assert create["status"] == "OK" and "reason" not in create and "why" not in create
    assert float(create["duration_ms"]) >= 0 and re.fullmatch(r"\d+\.\d{3}", create["duration_ms"])
    assert int(create["bytes_out"]) >= made.ByteSize() and int(create["bytes_in"]) > 0, create
    assert (create["messages_in"], create["messages_out"]) == ("1", "1")
    assert (create["trace"], create["parent"]) == (TRACE, PARENT) and re.fullmatch("[0-9a-f]{16}", create["span"])
    assert create["span"] not in (PARENT, "0" * 16)
    assert int(create["revision"]) == made.revision
    get = next(line for line in lines if line["method"].endswith("GetApplication"))
    assert (get["status"], get["reason"], get["level"]) == ("NOT_FOUND", "NOT_FOUND", "info"), get
    assert "A-2026-999999" in get["why"]
    assert re.fullmatch("[0-9a-f]{32}", get["trace"]) and "parent" not in get


def test_a_bad_traceparent_begins_a_trace_of_ones_own(server):
    client = server.client()
    bad = (f"00-{TRACE.upper()}-{PARENT}-01", f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{'0' * 16}-01", f"ff-{TRACE}-{PARENT}-01",
           f"00-{TRACE}-{PARENT}-01-more", "junk")
    for value in bad:
        client.call("CreateApplication", as_=demo.DU, application=demo.application(), metadata=(("traceparent", value),))
    made = client.call("CreateApplication", as_=demo.DU, application=demo.application(),
                       metadata=(("traceparent", f"07-{TRACE}-{PARENT}-01-from-the-future"),))
    events = client.stream("Watch", as_=demo.CA, since=0)
    for event in events:
        created = event.name.startswith("applications/") and event.kind == "create"
        assert not created or event.trace == (TRACE if event.name == made.name else ""), event
        if event.name == made.name:
            break
    traces = [line["trace"] for line in whole_log(server) if line.get("method", "").endswith("CreateApplication")]
    assert traces[-1] == TRACE and TRACE not in traces[:-1] and len(set(traces)) == len(traces), traces


def steps_of_readme():
    """The first column of README's table, from the step at which a gRPC client's call begins."""
    text = (ROOT / "README.md").read_text()
    table = text[text.index("## The life of a request"):].split("\n\n")[2]
    names = [row.split("|")[1].strip() for row in table.splitlines()[2:]]
    return names[names.index("receive"):]


def test_one_calls_id_gives_the_table_of_the_readme(server):
    steps = steps_of_readme()
    assert len(steps) == 9, steps
    configured(server, log_level="debug")
    client = server.client()
    demo.file(client)
    demo.get(client, demo.file(client).name)
    assert server.stop() == 0
    text = server.log.read_text()
    call = re.search(r"step=receive call=(\S+) method=\S+/CreateApplication", text).group(1)
    of_call = log_lines("".join(line + "\n" for line in text.splitlines() if f"call={call} " in line + " "))
    assert [line["step"] for line in of_call if "step" in line] == steps, of_call
    since = [float(line["since_ms"]) for line in of_call if "since_ms" in line]
    assert since == sorted(since), of_call
    assert of_call[-1]["status"] == "OK" and of_call[-1]["level"] == "info"
    assert {line["level"] for line in of_call[:-1]} == {"debug"}
    # a call that only reads takes a part of the way
    call = re.search(r"step=receive call=(\S+) method=\S+/GetApplication", text).group(1)
    of_call = [line for line in log_lines(text) if line.get("call") == call and "step" in line]
    assert [line["step"] for line in of_call] == ["receive", "walk", "identify", "reply"], of_call


def test_the_step_at_which_a_call_fails_says_why(server):
    configured(server, log_level="debug")
    client = server.client()
    with refused("UNAUTHENTICATED"):
        server.client().call("WhoAmI", as_="nobody-at-all")
    record = demo.application()
    record.kind = 99
    with refused("INVALID_FIELD"):
        client.call("CreateApplication", as_=demo.DU, application=record)
    with refused("WRONG_STATE"):
        demo.act(client, demo.file(client).name, "deliver", demo.OP)
    lines = [line for line in whole_log(server) if "step" in line and "reason" in line]
    assert ("identify", "UNAUTHENTICATED") in {(line["step"], line["reason"]) for line in lines}, lines
    assert ("walk", "INVALID_FIELD") in {(line["step"], line["reason"]) for line in lines}, lines
    assert ("decide", "WRONG_STATE") in {(line["step"], line["reason"]) for line in lines}, lines


def test_nothing_that_a_client_sends_forges_a_line(server):
    client = server.client()
    forged = "\nlevel=error msg=forged"
    with contextlib.suppress(Refused):
        demo.get(client, "applications/" + forged)
    with contextlib.suppress(Refused):
        client.call("ListApplications", as_=demo.CA, filter='purpose="\x1b[2J' + forged + '\u2028\u202e"')
    record = demo.application()
    record.system = 'x" level=error status="OK' + forged
    with contextlib.suppress(Refused):
        client.call("CreateApplication", as_=demo.DU, application=record, submit=True)
    for key, value in (("zwy-as", 'principals/x" y="z'), ("traceparent", 'x y="z"'), ("zwy-uid", "1 level=error")):
        with contextlib.suppress(Refused):
            client.call("WhoAmI", metadata=((key, value),))
    lines = whole_log(server)  # every line is sound, or this fails
    assert all(line["level"] != "error" and line.get("msg") != "forged" for line in lines), lines
    assert sum("why" in line for line in lines) >= 4, lines


def test_lines_beyond_the_rate_are_counted_and_told(server):
    configured(server, log_rate=1, log_burst=5)
    client = server.client()
    for _ in range(50):
        client.call("WhoAmI")
    eventually(lambda: "suppressed=" in server.log.read_text(), "what was left out to be told")
    lines = whole_log(server)
    told = sum(int(line["suppressed"]) for line in lines if "suppressed" in line)
    calls = [line for line in lines if line.get("method", "").endswith("WhoAmI")]
    assert told + len(calls) == 50 and 5 <= len(calls) < 50, (told, len(calls))


def test_health_checks_are_told_at_debug_only(server):
    for level, wanted in (("info", 0), ("debug", 1)):
        configured(server, log_level=level)
        check = standard_stub(server.client().channel, "health.v1.Health/Check")
        check(standard("health.v1.HealthCheckRequest"), timeout=30)
        calls = [line for line in whole_log(server) if "status" in line and "Health/Check" in line.get("method", "")]
        assert len(calls) == wanted and all(line["level"] == "debug" for line in calls), (level, calls)
        server.start()


def test_a_reader_that_is_stuck_does_not_hold_the_server_up(server):
    assert server.stop() == 0
    server.arguments, server.settings = list(HTTP), {"log_level": "debug", "log_rate": 0, "log_buffer": 65536}
    server.log.unlink()
    os.mkfifo(server.log)
    reader = os.open(server.log, os.O_RDONLY | os.O_NONBLOCK)
    with open(reader, "rb", buffering=0) as pipe:
        server.start()
        client = server.client()
        for _ in range(400):  # far more lines than pipe and buffer hold
            client.call("WhoAmI", timeout=30)
        assert sample(read_metrics(server), "zwy_log_lines_total", outcome="lost") > 0
        text = b""

        def told():
            nonlocal text
            text += pipe.read(1 << 20) or b""
            return b" lost=" in text
        eventually(told, "what was lost to be told")
        # nobody reads the rest, and it ends all the same
        for _ in range(400):
            client.call("WhoAmI", timeout=30)
        assert server.stop() == 0
        assert log_lines(text[:text.rindex(b"\n") + 1].decode())


def test_start_and_end_are_told_the_same_way(server):
    lines = whole_log(server)
    assert lines[0]["level"] == "info" and str(server.data) in " ".join(line.get("msg", "") for line in lines)
    assert "SIGTERM" in lines[-2]["msg"] and "stopped" in lines[-1]["msg"], lines


def test_a_server_that_cannot_start_says_why_in_a_line(server):
    ran = subprocess.run([program("zwyd"), "--data", server.data, "--listen", f"unix:{server.directory}/other"],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert ran.returncode == 1
    line = log_lines(ran.stderr)[0]
    assert line["level"] == "error" and "in use" in line["msg"] and "STORE_LOCKED" in line["msg"], line


# ---- overload -------------------------------------------------------------------


def retry_of(call):
    """Milliseconds that a refused call is told to wait."""
    error = call.exception()
    details = dict(error.trailing_metadata())["grpc-status-details-bin"]
    at = details.index(b"google.rpc.RetryInfo")
    assert at > 0
    return Refused(error)


def watch(client, count):
    """So many streams, each of which has been heard."""
    streams = [client.stream("Watch", as_=demo.CA, timeout=300) for _ in range(count)]
    for stream in streams:
        stream.initial_metadata()
    return streams


def test_calls_beyond_max_calls_are_refused_and_those_open_go_on(server):
    configured(server, max_calls=10)
    client = server.client()
    streams = watch(client, 10)
    other = server.client()
    call = other.future("WhoAmI")
    refusal = retry_of(call)
    assert (refusal.status, refusal.reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED") and "max_calls" in refusal.text, refusal
    check = standard_stub(other.channel, "health.v1.Health/Check")
    assert check(standard("health.v1.HealthCheckRequest"), timeout=30).status == 1
    assert sample(read_metrics(server), "zwy_overload_refused_total", cause="calls") == 1
    streams[0].cancel()
    made = eventually(lambda: taken(lambda: demo.file(other)), "room for a call")
    for stream in streams[1:]:
        event = next(stream)
        assert event.command_revision == made.revision or event.revision <= made.revision
        stream.cancel()


def taken(call):
    """What the call gives, or None if it is refused as OVERLOADED."""
    try:
        return call()
    except Refused as refusal:
        assert refusal.reason == "OVERLOADED", refusal
        return None


def test_one_principal_cannot_take_all_calls(server):
    configured(server, calls_per_principal=5)
    client = server.client()
    streams = watch(client, 5)
    with refused("OVERLOADED", status="RESOURCE_EXHAUSTED", text="calls_per_principal"):
        client.call("ListApplications", as_=demo.CA)
    assert client.call("ListApplications", as_=demo.OP) is not None
    assert sample(read_metrics(server), "zwy_overload_refused_total", cause="principal") == 1
    streams[0].cancel()
    eventually(lambda: taken(lambda: client.call("ListApplications", as_=demo.CA)), "room for a call of the principal")
    for stream in streams:
        stream.cancel()


def test_reading_goes_on_while_changes_are_refused(server):
    configured(server, writer_queue_max=1, store_group_max=1)
    client = server.client()
    name = demo.file(client).name
    made = demo.application()

    def flood():
        calls = [client.future("CreateApplication", as_=demo.DU, application=made, submit=True) for _ in range(200)]
        reads = [client.future("GetApplication", as_=demo.DU, name=name) for _ in range(50)]
        assert all(read.exception() is None for read in reads)
        failed = [Refused(call.exception()) for call in calls if call.exception()]
        assert all(refusal.reason == "OVERLOADED" for refusal in failed), failed[0]
        return len(failed)
    eventually(flood, "changes to be refused")
    assert sample(read_metrics(server), "zwy_overload_refused_total", cause="writer") > 0
    assert demo.file(client).name


def test_a_flood_is_shed_and_afterwards_everybody_is_served(server):
    client = server.client()
    made = demo.application()
    for call in [client.future("CreateApplication", as_=demo.DU, application=made, submit=False) for _ in range(500)]:
        call.result(60)
    configured(server, overload_lag=1, overload_interval=50, log_rate=10)
    client = server.client()
    old, = watch(client, 1)
    check = standard_stub(server.client().channel, "health.v1.Health/Check")
    # each looks at all records and finds none: much work, small answers
    asked = message("ListApplicationsRequest", filter="purpose=nowhere", page_size=1000).SerializeToString()
    requests = server.directory / "requests"
    requests.write_bytes(struct.pack(">I", len(asked)) + asked)
    load = subprocess.Popen(
        [program("zwy-load"), "--target", server.unix, "--path", contract.call_path(contract.method("ListApplications")),
         "--as", f"principals/{demo.CA}", "--requests", requests, "--concurrency", "100", "--connections", "4",
         "--seconds", "600", "--may-refuse"], stdout=subprocess.DEVNULL)
    try:
        def shedding():
            assert load.poll() is None, "the load ended"
            assert check(standard("health.v1.HealthCheckRequest"), timeout=30).status == 1
            return sample(read_metrics(server), "zwy_overload_refused_total", cause="lag") > 100
        eventually(shedding, "calls to be refused for lag", timeout=60)
        # who is patient gets through, and the open stream hears of it
        filed = eventually(lambda: taken(lambda: demo.file(client)), "a call to be admitted", timeout=60)
        assert next(event for event in old if event.name == filed.name)
    finally:
        load.kill()
        load.wait()
    eventually(lambda: sample(read_metrics(server), "zwy_overload_share_percent") == 0, "the overload to end")
    # On a busy machine a turn of the loop may take long again at any time, and does not go on doing so.
    for _ in range(50):
        assert eventually(lambda: taken(lambda: demo.get(client, filed.name)), "a call to be admitted")
    old.cancel()
    lines = [line.get("msg") for line in whole_log(server) if line.get("cause") == "lag"]
    assert lines[:2] == ["overload begins", "overload has ended"], lines


def test_a_connection_ended_for_abuse_is_told_with_its_reason(server):
    host, port = server.tcp.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=30) as peer:
        peer.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0" + (b"\0\0\x08\x06\0\0\0\0\0" + b"12345678") * 50)
        said = b""
        with contextlib.suppress(ConnectionError):
            while chunk := peer.recv(65536):
                said += chunk
        assert b"too_many_pings" in said, said
    line = next(line for line in whole_log(server) if line.get("why") == "too_many_pings")
    assert line["level"] == "warn" and line["peer"].startswith("127.0.0.1:") and line["http2_error"] == "11", line


if __name__ == "__main__":
    main()
