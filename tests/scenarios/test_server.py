#!/usr/bin/python3
"""The server as a process: start, refusal to start, drain, restart. smoke: yes"""
import signal
import subprocess

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import Refused, Server, demo, eventually, main, program, refused, scratch_dir, with_server  # noqa: E402


def start(*words):
    """Runs zwyd where it must not come up; its exit status and what it said."""
    ran = subprocess.run([program("zwyd"), *map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, timeout=60, text=True, check=False)
    assert ran.returncode != 0, ran
    return ran.returncode, ran.stdout


def listen():
    return "--listen", f"unix:{scratch_dir('sock-')}/s"


def test_a_directory_without_a_store_is_refused_and_left_alone():
    empty = pathlib.Path(scratch_dir("empty-"))
    for directory in (empty, empty / "missing"):
        status, said = start("--data", directory, *listen())
        assert status == 1 and str(directory) in said and "--init" in said, (status, said)
    assert not list(empty.iterdir())


def test_wrong_usage_has_exit_status_2():
    for words in (("--no-such-option",), (), ("--data",), ("--data", "/nowhere", "--init", "nonsense")):
        status, said = start(*words)
        assert status == 2 and said, (words, status, said)


def test_a_second_server_on_the_same_directory_is_refused(server):
    status, said = start("--data", server.data, *listen())
    assert status != 2 and "in use" in said, (status, said)
    assert server.client().call("WhoAmI").principal.name == "principals/demo"


def test_a_newer_store_is_refused_with_both_versions(server):
    demo.file(server.client())
    assert server.stop() == 0
    data = next(server.data.rglob("data.mdb"))
    before = data.read_bytes()
    old, new = b"format\0\0\0\2", b"format\0\0\0\x63"
    assert old in before
    data.write_bytes(before.replace(old, new))
    status, said = start("--data", server.data, *listen())
    assert status == 8 or status == 1, status
    assert "99" in said and "version" in said, said
    data.write_bytes(before)
    server.start()
    assert len(server.client().list("ListApplications", as_=demo.DU)) == 1


def test_an_unknown_key_in_the_configuration_is_fatal(server):
    config = server.directory / "zwyd.conf"
    config.write_text("# settings\npage-size-maxx=10\n")
    assert server.stop() == 0
    status, said = start("--data", server.data, "--config", config, *listen())
    assert status in (1, 2) and "page-size-maxx" in said and "2" in said, (status, said)
    for line, range_ in (("log_burst=0", "1 to 1000000"), ("max_header_list=99999999999", "1 to 2147483647")):
        config.write_text(line + "\n")
        status, said = start("--data", server.data, "--config", config, *listen())
        assert status in (1, 2) and range_ in said, (status, said)
    config.write_text("page-size-max=7\n")
    server.arguments = ["--config", str(config)]
    server.start()
    page = server.client().call("ListServices", as_=demo.DU, page_size=40)
    assert len(page.items) == 7 and page.next_page_token


def test_sigterm_lets_calls_under_way_finish(server):
    client = server.client()
    made = demo.application()
    calls = [client.future("CreateApplication", as_=demo.DU, application=made, submit=True) for _ in range(200)]
    calls[0].result()
    process, server.process = server.process, None
    process.terminate()
    assert process.wait(60) == 0, server.log_text()
    done = []
    for call in calls:
        error = call.exception()
        if error is None:
            done.append(call.result().name)
        else:
            assert Refused(error).status == "UNAVAILABLE", Refused(error)
    server.start()
    kept = {a.name for a in server.client().list("ListApplications", as_=demo.DU, page_size=500)}
    assert set(done) <= kept, set(done) - kept


@with_server(settings={"store_group_max": 1})
def test_sigterm_waits_for_changes_whose_callers_have_left(server):
    client = server.client()
    made = demo.application()
    calls = [client.future("CreateApplication", as_=demo.DU, application=made, submit=True) for _ in range(300)]
    calls[0].result()
    for call in calls:
        call.cancel()
    client.close()
    process, server.process = server.process, None
    process.terminate()
    assert process.wait(60) == 0, server.log_text()
    server.start()
    assert server.client().list("ListApplications", as_=demo.DU, page_size=500)


def test_sighup_without_tls_says_that_there_is_nothing_to_read(server):
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: "SIGHUP: no listener speaks TLS" in server.log_text(), "the log to say so")
    assert server.client().call("WhoAmI").principal.name == "principals/demo"


def test_a_restart_keeps_everything(server):
    client = server.client()
    name = demo.in_state(client, "in_service")
    before = demo.get(client, name).SerializeToString(deterministic=True)
    head = client.call("GetHead", as_=demo.CA)
    server.restart()
    client = server.client()
    assert demo.get(client, name).SerializeToString(deterministic=True) == before
    assert client.call("GetHead", as_=demo.CA) == head


def test_an_empty_store_lets_its_owner_begin():
    server = Server(init="empty")
    try:
        answer = server.client().call("WhoAmI")
        assert answer.principal.name == "principals/bootstrap", answer
    finally:
        server.close()


def test_reading_changes_nothing(server):
    client = server.client()
    name = demo.in_state(client, "accepted")
    head = client.call("GetHead", as_=demo.CA)
    for _ in range(200):
        demo.get(client, name)
        client.call("Explain", as_=demo.DU, name=name)
        client.call("ListApplications", as_=demo.CA)
    assert client.call("GetHead", as_=demo.CA) == head


def test_a_message_that_is_too_large_is_refused(server):
    record = demo.application()
    record.purpose = "x" * (5 << 20)
    try:
        server.client().call("CreateApplication", as_=demo.DU, application=record)
    except Refused as refusal:
        assert refusal.status == "RESOURCE_EXHAUSTED", refusal
    else:
        raise AssertionError("5 MiB were taken")


def test_unknown_fields_enums_and_methods_are_refused(server):
    client = server.client()
    record = demo.application()
    record.kind = 99
    with refused("INVALID_FIELD", "INVALID_ARGUMENT"):
        client.call("CreateApplication", as_=demo.DU, application=record)
    stub = client.channel.unary_unary("/zwy.v1.ApplicationService/Dance", request_serializer=bytes,
                                      response_deserializer=bytes)
    try:
        stub(b"", timeout=10)
    except Exception as error:  # pylint: disable=broad-except
        assert error.code().name == "UNIMPLEMENTED", error
    else:
        raise AssertionError("was served")


if __name__ == "__main__":
    main()
