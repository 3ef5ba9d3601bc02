#!/usr/bin/python3
"""TLS: who may connect, and who a certificate says is calling. smoke: yes"""
import os
import pathlib
import re
import signal
import subprocess
import sys

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it remarks on each refusal
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import Authority, authority, demo, eventually, main, program, refused, scratch_dir, with_server  # noqa: E402

MANUAL = pathlib.Path(__file__).resolve().parents[2] / "clients/man/zwyd.8"


@with_server(tls=True)
def test_the_common_name_of_a_client_certificate_is_the_principal(server):
    for name in (demo.DU, "principals/" + demo.DU):
        client = server.client(target=server.tls, certificate=name)
        assert client.call("WhoAmI").principal.name == "principals/" + demo.DU


@with_server(tls=True)
def test_a_certificate_that_names_no_principal_is_told_so(server):
    with refused("UNAUTHENTICATED", text='"nobody-of-this-name"'):
        server.client(target=server.tls, certificate="nobody-of-this-name").call("WhoAmI")


@with_server(tls=True, tcp_as=demo.DU)
def test_a_tls_peer_without_a_certificate_is_told_what_to_do(server):
    with refused("UNAUTHENTICATED", text="show one whose common name is the id of a principal"):
        server.client(target=server.tls).call("WhoAmI")


@with_server(tls=True, tcp_as=demo.DU)
def test_callers_of_each_transport_are_told_apart(server):
    """One after the other, so that what is remembered of one would serve another."""
    for _ in range(2):
        assert server.client(target=server.tls, certificate=demo.OP).call("WhoAmI").principal.name == "principals/" + demo.OP
        assert server.client(target=server.tcp).call("WhoAmI").principal.name == "principals/" + demo.DU
        assert server.client(target=server.tls, certificate=demo.CA).call("WhoAmI").principal.name == "principals/" + demo.CA
        with refused("UNAUTHENTICATED"):
            server.client(target=server.tls).call("WhoAmI")


@with_server(tls=True)
def test_a_certificate_acts_for_others_only_by_delegation(server):
    client = server.client(target=server.tls, certificate=demo.DU)
    with refused("NOT_DELEGATED"):
        client.call("WhoAmI", as_=demo.CA)
    with refused("NOT_DELEGATED"):
        client.call("WhoAmI", metadata=[("zwy-uid", "0")])
    may = server.client(target=server.tls, certificate="demo")  # who may act for all, as root does in the demonstration
    assert may.call("WhoAmI", as_=demo.CA).principal.name == "principals/" + demo.CA


@with_server(tls=True)
def test_over_tls_an_application_goes_its_whole_way(server):
    clients = {who: server.client(target=server.tls, certificate=who) for who in (demo.DU, demo.CA, demo.OP)}
    name = clients[demo.DU].call("CreateApplication", application=demo.application(), submit=True).name
    for action, who, form, state in demo.COURSE:
        assert demo.act(clients[who], name, action, None, **form).state == state


@with_server(tls=True, settings={"tls_client_certificates": "required"})
def test_where_certificates_are_required_none_means_no_connection(server):
    assert server.client(target=server.tls, certificate=demo.DU).call("WhoAmI").principal.name == "principals/" + demo.DU
    with refused("", status="UNAVAILABLE"):
        server.client(target=server.tls).call("WhoAmI", timeout=30)
    stranger = Authority("a stranger").sign(demo.DU)
    with refused("", status="UNAVAILABLE"):
        server.client(target=server.tls, certificate=stranger).call("WhoAmI", timeout=30)


def test_sighup_reads_revocations_while_a_watch_goes_on(server):
    ours = authority.authority()
    crl = ours.revocations(server.directory / "crl.pem")
    lost = ours.sign(demo.OP)
    assert server.stop() == 0
    server.arguments += ["--listen", "tls:127.0.0.1:0"]
    server.settings = {"tls_certificate": authority.server_pair().certificate, "tls_key": authority.server_pair().key, "tls_crl": crl,
                       "tls_client_ca": ours.certificate, "tls_client_certificates": "required"}
    server.start()
    watch = server.client(target=server.tls, certificate=lost).stream("Watch", prefix="applications/", since=0, timeout=300)
    first = demo.file(server.client()).name
    assert next(event for event in watch if event.name == first)
    ours.revoke(lost)
    ours.revocations(crl)
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: "SIGHUP: TLS files were read again" in server.log_text(), "the log to say so")
    with refused("", status="UNAVAILABLE"):
        server.client(target=server.tls, certificate=lost).call("WhoAmI", timeout=30)
    second = demo.file(server.client()).name  # who is in goes on
    assert next(event for event in watch if event.name == second)


def test_the_recipe_of_the_manual_works(server):
    text = MANUAL.read_text(encoding="utf-8").replace("\\-", "-").replace("\\e", "\\")
    recipe, ask = re.search(r"^(openssl req.*?>tls.conf\n).*?^(zwy .*? whoami)$", text, re.M | re.S).groups()
    folder = pathlib.Path(scratch_dir("recipe-"))
    subprocess.run(["sh", "-e"], input=recipe, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True, check=True)
    assert server.stop() == 0
    server.arguments += ["--listen", "tls:127.0.0.1:0", "--config", str(folder / "tls.conf")]
    server.start()
    pair = authority.Pair(folder / "core-du.pem", folder / "core-du.key")
    client = server.client(target=server.tls, certificate=pair, trusted=(folder / "ca.pem").read_bytes())
    assert client.call("WhoAmI").principal.name == "principals/core-du"
    words = [server.tls if word.startswith("tls:") else word for word in ask.split()]
    said = subprocess.run([program("zwy"), *words[1:]], cwd=folder, stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout
    assert "principal.name=principals/core-du\n" in said, said


if __name__ == "__main__":
    main()
