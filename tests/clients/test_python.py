#!/usr/bin/python3
"""The Python example, as published, with Debian's grpcio."""
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import authority, main, with_server  # noqa: E402

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "clients/python/zwy_example.py"


def run(target, *words):
    return subprocess.run(["/usr/bin/python3", str(EXAMPLE), *words, target], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100, check=False)


@with_server(tcp_as="demo")
def test_it_carries_an_application_through_over_a_unix_socket_and_over_tcp(server):
    for target in (server.unix, server.tcp):
        ran = run(target)
        assert ran.returncode == 0 and ran.stdout.endswith("done\n"), ran
        assert "-> closed" in ran.stdout and "PERMISSION_DENIED" in ran.stdout, ran.stdout


@with_server(tls=True)
def test_it_shows_a_certificate_over_tls(server):
    pair = authority.client_pair("demo")
    ran = run(server.tls, "--ca", str(authority.authority().certificate), "--cert", str(pair.certificate), "--key", str(pair.key))
    assert ran.returncode == 0 and "-> closed" in ran.stdout and ran.stdout.endswith("done\n"), ran


def test_it_works_for_a_city(server):
    ran = run(server.unix, "--department", "suzhou-du", "--authority", "suzhou-ca", "--operator", "suzhou-op", "--system",
              city_system(server))
    assert ran.returncode == 0 and "node suzhou" in ran.stdout, ran


def city_system(server):
    systems = server.client().list("ListSystems", as_="suzhou-du")
    return next(s.name.split("/")[1] for s in systems if s.department.startswith("suzhou") and s.funding == 1
                and not s.classified and not s.exempt)


def test_it_fails_clearly(server):
    ran = run(server.unix, "--authority", "core-op")
    assert ran.returncode == 1 and "refused: PERMISSION_DENIED" in ran.stderr, ran
    assert server.stop() == 0
    ran = run(server.unix)
    assert ran.returncode == 1 and "UNAVAILABLE" in ran.stderr, ran


if __name__ == "__main__":
    main()
