#!/usr/bin/python3
"""TLS: who may connect, and who a certificate says is calling. smoke: yes"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import demo, main, refused, with_server  # noqa: E402


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


if __name__ == "__main__":
    main()
