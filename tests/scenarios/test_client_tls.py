#!/usr/bin/python3
"""The project's own programs over TLS: `zwy` and `zwyfs`. smoke: yes"""
import os
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import Mount, authority, demo, eventually, main, run_zwy, scratch_dir, with_server  # noqa: E402

CA = authority.authority().certificate


def words_of(pair):
    return "--ca", CA, "--cert", pair.certificate, "--key", pair.key


@with_server(tls=True)
def test_zwy_is_whom_its_certificate_names(server):
    pair = authority.client_pair(demo.DU)
    ran = run_zwy(server.tls, *words_of(pair), "whoami")
    assert ran.status == 0 and f"principal.name=principals/{demo.DU}" in ran.out, ran
    filed = run_zwy(server.tls, *words_of(pair), "submit", "-", stdin=demo.text())
    assert filed.status == 0, filed
    assert demo.get(server.client(), f"applications/{filed.out.strip()}").state == "submitted"


@with_server(tls=True)
def test_the_environment_may_say_the_same(server):
    pair = authority.client_pair(demo.DU)
    both = pathlib.Path(scratch_dir("both-")) / "both.pem"
    both.write_bytes(pair.chain_bytes + pair.key_bytes)
    for files in ({"ZWY_CERT": pair.certificate, "ZWY_KEY": pair.key}, {"ZWY_CERT": both}):
        ran = run_zwy(None, "whoami", env={"ZWY_SERVER": server.tls, "ZWY_CA": str(CA), **{k: str(v) for k, v in files.items()}})
        assert ran.status == 0 and demo.DU in ran.out, ran


@with_server(tls=True)
def test_what_is_wrong_is_told(server):
    other, pair = authority.Authority("another"), authority.client_pair(demo.DU)
    port = server.tls.rpartition(":")[2]
    for target, words, status, text in (
            (server.tls, (), 6, "is not trusted"),
            (server.tls, (), 6, "--ca says whom to trust"),
            (server.tls, ("--ca", other.certificate), 6, "is not trusted"),
            (f"tls:127.0.0.2:{port}", ("--ca", CA), 6, "127.0.0.2"),
            (server.tls, ("--ca", CA), 4, "certificate"),  # nobody: the server refuses the call
            (server.tls, ("--ca", CA), 4, "--cert and --key say who you are"),
            (server.tls, ("--ca", "/nonexistent.pem"), 2, "/nonexistent.pem: No such file"),
            (server.tls, ("--ca", CA, "--cert", CA, "--key", pair.key), 2, "key"),
            (server.tcp, (), 4, "call over TLS"),
            (server.tcp, ("--ca", CA), 2, "tls:HOST:PORT")):
        ran = run_zwy(target, *words, "whoami")
        assert ran.status == status and text in ran.err and "id -u" not in ran.err, (target, words, ran)


@with_server(tls=True)
def test_zwyfs_mounts_over_tls_and_takes_new_certificates(server):
    first, second = authority.client_pair(demo.DU), authority.client_pair(demo.CA)
    folder = pathlib.Path(scratch_dir("certificates-"))
    shutil.copy(first.certificate, folder / "own.pem")
    shutil.copy(first.key, folder / "own.key")
    here = os.getcwd()
    os.chdir(folder)  # relative names go on meaning the same
    try:
        mount = Mount(server, f"ca={CA},cert=own.pem,key=own.key,identity_time=1", target=server.tls)
    finally:
        os.chdir(here)
    try:
        assert demo.DU in mount.read("whoami")
        request = pathlib.Path(mount / "requests/a.req")
        request.write_text(demo.text(), encoding="utf-8")
        assert mount.read("results/a.req/state").strip() == "accepted"
        shutil.copy(second.certificate, folder / "own.pem")
        shutil.copy(second.key, folder / "own.key")
        port = server.tls.rpartition(":")[2]
        server.stop()
        server.arguments = ["--listen", f"tls:127.0.0.1:{port}"]
        server.start()
        eventually(lambda: told(mount, demo.CA), "the new name")
    finally:
        mount.close()


def told(mount, name):
    try:
        return name in mount.read("whoami")
    except OSError:
        return False


if __name__ == "__main__":
    main()
