#!/usr/bin/python3
"""TLS as clients meet it: versions, protocols, certificates, files that change, peers that mean no good."""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import threading

import echo
from echo import Raw, Server, TIMEOUT, channel, context, reads_end, shake, turned_away, who
from zwytest import Authority, authority, eventually, main, scratch_dir

ECHO = "/echo.Echo/Unary"
V1_1, V1_2, V1_3 = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def words_of(error):
    return str(error).replace(" ", "_").upper()


def refused(server, made, reason=""):
    """No handshake with this context, and a good one straight afterwards. In TLS 1.3 a
    client learns of it only when it reads."""
    try:
        with shake(server, made) as sock:
            sock.settimeout(TIMEOUT)
            assert sock.recv(1) != b"", "closed without an alert"
    except ssl.SSLError as error:
        assert reason in words_of(error), error
    else:
        raise AssertionError("the handshake succeeded")
    with shake(server) as sock:
        assert Raw(sock).unary(ECHO, b"still here") == (b"still here", 0)


# ---- versions and protocols ----

def test_tls_1_2_and_1_3_carry_calls():
    with Server("tls:127.0.0.1:0") as server:
        for version in (V1_2, V1_3):
            with shake(server, context(least=version, most=version)) as sock:
                assert sock.version() == {V1_2: "TLSv1.2", V1_3: "TLSv1.3"}[version]
                assert sock.selected_alpn_protocol() == "h2" and sock.compression() is None
                big = os.urandom(1000000)
                raw = Raw(sock)
                for message in (b"", b"x"):
                    assert raw.unary(ECHO, message) == (message, 0)
        with channel(server) as made:
            assert made.unary_unary(ECHO)(big * 3, timeout=TIMEOUT) == big * 3


def test_tls_1_1_is_refused():
    with Server("tls:127.0.0.1:0") as server:
        made = context(least=V1_1, most=V1_1)
        made.set_ciphers("ALL:@SECLEVEL=0")
        refused(server, made, "PROTOCOL_VERSION")


def test_ciphers_that_http2_forbids_are_refused():
    with Server("tls:127.0.0.1:0") as server:
        for cipher in ("ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256", "AES128-GCM-SHA256"):
            made = context(most=V1_2)
            made.set_ciphers(cipher)
            refused(server, made, "HANDSHAKE_FAILURE")


def test_without_alpn_h2_nobody_gets_in():
    with Server("tls:127.0.0.1:0") as server:
        for offered in ((), ("http/1.1",), ("h3", "h2c")):
            for version in (V1_2, V1_3):
                refused(server, context(alpn=offered, most=version), "NO_APPLICATION_PROTOCOL")
        with shake(server, context(alpn=("http/1.1", "h2"))) as sock:
            assert sock.selected_alpn_protocol() == "h2"


def test_renegotiation_is_not_done():
    with Server("tls:127.0.0.1:0") as server:
        host, port = server.address()
        with subprocess.Popen(["openssl", "s_client", "-tls1_2", "-alpn", "h2", "-connect", f"{host}:{port}"], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
            for line in client.stdout:
                if "Extended master secret" in line:
                    break
            client.stdin.write("R\n")
            client.stdin.flush()
            said = client.stdout.read()
        assert "no renegotiation" in said.lower(), said


# ---- the end of connections ----

def test_close_notify_is_answered():
    with Server("tls:127.0.0.1:0") as server:
        for version in (V1_2, V1_3):
            with shake(server, context(least=version, most=version)) as sock:
                assert Raw(sock).unary(ECHO, b"x") == (b"x", 0)
                sock.unwrap().close()  # raises unless the server's close_notify comes


def test_a_drain_says_close_notify_at_the_end():
    with Server("tls:127.0.0.1:0") as server:
        with shake(server) as sock:
            raw = Raw(sock)
            assert raw.unary(ECHO, b"x") == (b"x", 0)
            server.terminate()
            sock.settimeout(TIMEOUT)
            while data := sock.recv(65536):  # an end without close_notify would raise
                raw.h2.receive_data(data)
                raw.send()


def test_a_client_may_end_its_side_before_the_reply():
    with Server("tls:127.0.0.1:0") as server, channel(server) as made:
        replies = made.stream_stream("/echo.Echo/Chat")(iter([b"a", b"b"]), timeout=TIMEOUT)
        assert list(replies) == [b"a", b"b"]


# ---- peers that mean no good ----

def test_plaintext_and_garbage_are_turned_away():
    with Server("tls:127.0.0.1:0") as server:
        for said in (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", bytes(100), os.urandom(4000),
                     b"\x16\x03\x01\x40\x00" + b"\x01" + bytes(0x4000)):
            sock = server.dial()
            sock.sendall(said)
            assert reads_end(sock)
        sock = server.dial()
        sock.close()
        with shake(server) as sock:
            assert Raw(sock).unary(ECHO, b"x") == (b"x", 0)
        server.hears("TLS handshake: ")


def test_a_handshake_that_does_not_end_is_closed():
    with Server("tls:127.0.0.1:0", words=["tls_handshake_timeout=200"]) as server:
        silent, slow = server.dial(), server.dial()
        slow.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        assert reads_end(silent) and reads_end(slow)
        server.hears("not done in time")


def test_connections_that_shake_hands_end_with_a_drain():
    server = Server("tls:127.0.0.1:0", words=["tls_handshake_timeout=600000", "goodbye_timeout=200"])
    with server, server.dial() as silent:
        with shake(server) as sock:
            assert Raw(sock).unary(ECHO, b"x") == (b"x", 0)
        server.stop()
        assert reads_end(silent)


# ---- who calls ----

def test_client_certificates_that_are_optional():
    ours, other = authority.authority(), Authority("another authority")
    words = [f"ca={ours.certificate}", "clients=optional"]
    with Server("tls:127.0.0.1:0", words=words) as server:
        assert who(channel(server))[0] == "tls" and who(channel(server))[4] == ""
        assert who(channel(server, ours.sign("Zoë's system")))[4] == "Zoë's system"
        turned_away(channel(server, other.sign("Zoë's system")))
        refused(server, context(other.sign("x")), "UNKNOWN_CA")


def test_client_certificates_that_are_required():
    ours, other = authority.authority(), Authority("another authority")
    words = [f"ca={ours.certificate}", "clients=required"]
    good = ours.sign("system-a")
    with Server("tls:127.0.0.1:0", words=words) as server:
        assert who(channel(server, good))[4] == "system-a"
        turned_away(channel(server))
        for bad, reason in ((None, "CERTIFICATE_REQUIRED"), (other.sign("x"), "UNKNOWN_CA"),
                            (ours.sign("x", end=-1), "CERTIFICATE_EXPIRED"), (ours.sign("x", start=1, end=5), ""),
                            (ours.sign("x", "server"), "")):
            try:
                with shake(server, context(bad)) as sock:
                    sock.settimeout(TIMEOUT)
                    assert sock.recv(1), "closed without an alert"
            except ssl.SSLError as error:
                assert reason in words_of(error), error
            else:
                raise AssertionError("the handshake succeeded")
        assert who(channel(server, good))[4] == "system-a"


def test_names_that_are_none_name_nobody():
    ours = authority.authority()
    words = [f"ca={ours.certificate}", "clients=required"]
    with Server("tls:127.0.0.1:0", words=words) as server:
        for subject in ("/CN=a/CN=b", "/O=nobody", "/CN=line\nbreak"):
            pair = ours.sign("", subject=subject)
            assert who(channel(server, pair))[4] == "", subject


def test_revoked_certificates_are_refused():
    ours = Authority("one that revokes")
    kept, lost = ours.sign("kept"), ours.sign("lost")
    crl = ours.revocations(ours.folder / "crl.pem")
    words = [f"ca={ours.certificate}", f"crl={crl}", "clients=required", "tls_reload_interval=20"]
    with Server("tls:127.0.0.1:0", words=words) as server:
        assert who(channel(server, lost))[4] == "lost"
        ours.revoke(lost)
        fresh = ours.revocations(ours.folder / "crl.new")
        os.rename(fresh, crl)
        server.hears("were read again")
        turned_away(channel(server, lost))
        assert who(channel(server, kept))[4] == "kept"


def test_a_revoked_authority_between_is_heeded_where_its_list_is_given():
    root = Authority("root")
    good, bad = Authority("good between", root), Authority("bad between", root)
    one, other = good.sign("one"), bad.sign("other")
    folder = pathlib.Path(scratch_dir("crl-"))
    below = good.revocations(folder / "good").read_bytes() + bad.revocations(folder / "bad").read_bytes()
    crl = folder / "crl"
    crl.write_bytes(below)
    words = [f"ca={root.certificate}", f"crl={crl}", "clients=required"]
    with Server("tls:127.0.0.1:0", words=words) as server:
        assert who(channel(server, one))[4] == "one" and who(channel(server, other))[4] == "other"
    root.revoke(bad)
    crl.write_bytes(below + root.revocations(folder / "root").read_bytes())
    with Server("tls:127.0.0.1:0", words=words) as server:
        assert who(channel(server, one))[4] == "one"
        turned_away(channel(server, other))
    crl.write_bytes((folder / "good").read_bytes())
    with Server("tls:127.0.0.1:0", words=words) as server:  # no list of its own authority
        assert who(channel(server, one))[4] == "one"
        turned_away(channel(server, other))


def resumes(server, made):
    with shake(server, made) as sock:
        Raw(sock).unary(ECHO, b"x")  # the ticket comes with what is read
        session = sock.session
    with shake(server, made, session=session) as sock:
        assert Raw(sock).unary(ECHO, b"x") == (b"x", 0)
        return sock.session_reused


def test_sessions_are_resumed_only_where_certificates_do_not_count():
    ours = authority.authority()
    with Server("tls:127.0.0.1:0") as server:
        assert resumes(server, context(most=V1_2)) and resumes(server, context(least=V1_3))
    with Server("tls:127.0.0.1:0", words=[f"ca={ours.certificate}", "clients=optional"]) as server:
        assert not resumes(server, context(ours.sign("x"), most=V1_2))
        assert not resumes(server, context(ours.sign("x"), least=V1_3))


def test_keys_of_tickets_are_exchanged():
    with Server("tls:127.0.0.1:0", words=["tls_ticket_rotation=1", "tls_reload_interval=20"]) as server:
        made = context(least=V1_3)

        def session():
            with shake(server, made) as sock:
                Raw(sock).unary(ECHO, b"x")
                return sock.session
        old = session()

        def refuses_old():
            with shake(server, made, session=old) as sock:
                return not sock.session_reused
        eventually(refuses_old, "the old ticket to be refused")
        eventually(lambda: resumes(server, made), "a ticket that is used while its key is kept")
        assert not any("no new key" in line for line in server.said), server.said


# ---- files that change ----

class Files:
    """A certificate and a key under fixed names, exchanged as administrators do."""

    def __init__(self):
        self.folder = pathlib.Path(scratch_dir("files-"))
        self.certificate, self.key = self.folder / "tls.crt", self.folder / "tls.key"
        self.put(authority.server_pair())

    def words(self):
        return [f"certificate={self.certificate}", f"key={self.key}"]

    def put(self, pair):
        for source, target in ((pair.certificate, self.certificate), (pair.key, self.key)):
            shutil.copy(source, target.with_suffix(".new"))
            os.rename(target.with_suffix(".new"), target)


def served(server, trusted=None):
    """The certificate that the server shows, and its common name."""
    with shake(server, context(trusted=trusted)) as sock:
        return sock.getpeercert(binary_form=True)


def der(pair):
    return ssl.PEM_cert_to_DER_cert(pair.certificate.read_text().split("-----END")[0] + "-----END CERTIFICATE-----\n")


class Chat:
    """A stream that stays open; say() must be answered by the same."""

    def __init__(self, server):
        self.channel = channel(server)
        self.gate, self.words = threading.Semaphore(0), []
        self.replies = self.channel.stream_stream("/echo.Echo/Chat")(self._all(), timeout=TIMEOUT)

    def _all(self):
        while self.gate.acquire(timeout=TIMEOUT) and self.words[0] is not None:
            yield self.words.pop(0)

    def say(self, word):
        self.words.append(word)
        self.gate.release()
        return next(self.replies)

    def close(self):
        self.words.append(None)
        self.gate.release()
        assert not list(self.replies)
        self.channel.close()


def test_sighup_reads_the_files_and_streams_go_on():
    files, fresh = Files(), authority.authority().sign("localhost", "server")
    with Server("tls:127.0.0.1:0", words=files.words() + ["tls_reload_interval=1000000"]) as server:
        chat = Chat(server)
        assert chat.say(b"one") == b"one" and served(server) == der(authority.server_pair())
        files.put(fresh)
        assert served(server) == der(authority.server_pair())
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: served(server) == der(fresh), "the new certificate")
        assert chat.say(b"two") == b"two"
        chat.close()


def test_files_that_change_are_read_by_themselves():
    files = Files()
    with Server("tls:127.0.0.1:0", words=files.words() + ["tls_reload_interval=20"]) as server:
        chat = Chat(server)
        for number in range(3):
            fresh = authority.authority().sign("localhost", "server")
            files.put(fresh)
            eventually(lambda fresh=fresh: served(server) == der(fresh), "the new certificate")
            assert chat.say(b"%d" % number) == b"%d" % number
        chat.close()


def test_links_that_are_exchanged_are_followed():
    """As Kubernetes mounts secrets: tls.crt -> ..data/tls.crt, and ..data is a link that is renamed."""
    folder, pairs = pathlib.Path(scratch_dir("secret-")), []
    for version in ("..1", "..2"):
        pair = authority.authority().sign("localhost", "server")
        (folder / version).mkdir()
        shutil.copy(pair.certificate, folder / version / "tls.crt")
        shutil.copy(pair.key, folder / version / "tls.key")
        pairs.append(pair)
    (folder / "..data").symlink_to("..1")
    for name in ("tls.crt", "tls.key"):
        (folder / name).symlink_to(f"..data/{name}")
    words = [f"certificate={folder}/tls.crt", f"key={folder}/tls.key", "tls_reload_interval=20"]
    with Server("tls:127.0.0.1:0", words=words) as server:
        assert served(server) == der(pairs[0])
        (folder / "..new").symlink_to("..2")
        os.rename(folder / "..new", folder / "..data")
        eventually(lambda: served(server) == der(pairs[1]), "the new certificate")


def test_files_that_cannot_be_used_leave_the_old_ones_in_force():
    files, other = Files(), authority.authority().sign("localhost", "server")
    with Server("tls:127.0.0.1:0", words=files.words() + ["tls_reload_interval=20"]) as server:
        files.key.write_bytes(other.key_bytes)  # of another certificate
        server.hears("stays in force: tls_key")
        files.certificate.write_text("garbage\n")
        server.hears("stays in force: tls_certificate")
        files.certificate.unlink()
        server.process.send_signal(signal.SIGHUP)
        server.hears("echo_server: tls_certificate")
        assert served(server) == der(authority.server_pair())
        files.put(other)
        eventually(lambda: served(server) == der(other), "the new certificate")


def test_a_server_does_not_start_with_files_that_cannot_be_used():
    pair, folder = authority.server_pair(), pathlib.Path(scratch_dir("bad-"))
    other = authority.authority().sign("localhost", "server")
    locked = folder / "locked.key"
    authority.openssl("ec", "-in", pair.key, "-aes256", "-passout", "pass:secret", "-out", locked)
    good = [f"certificate={pair.certificate}", f"key={pair.key}"]
    for words, said in (([], "tls_certificate"), (good[:1], "needs tls_key"), (good[1:], "tls_key needs tls_certificate"),
                        ([good[0], f"key={other.key}"], "tls_key"), ([good[0], f"key={locked}"], "tls_key"),
                        ([good[0], "key=/nowhere/key"], "tls_key"), (["certificate=/dev/null", good[1]], "tls_certificate"),
                        (good + ["clients=required"], "needs tls_client_ca"),
                        (good + ["clients=required", "ca=/dev/null"], "tls_client_ca"),
                        (good + ["clients=required", f"ca={authority.authority().certificate}", "crl=/dev/null"], "tls_crl")):
        ran = subprocess.run([echo.PROGRAM, *words, "tls:127.0.0.1:0"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             timeout=TIMEOUT, check=False)
        assert ran.returncode == 1 and said in ran.stderr, (words, ran)


def test_authorities_that_nobody_asks_for_are_remarked_on():
    with Server("tls:127.0.0.1:0", words=[f"ca={authority.authority().certificate}"]) as server:
        server.hears("tls_client_ca and tls_crl are not looked at")


def test_a_certificate_near_its_end_is_remarked_on():
    ours = authority.authority()
    for days, said in ((3.5, "expires in 3 days"), (-1, "has expired")):
        with Server("tls:127.0.0.1:0", pair=ours.sign("localhost", "server", end=days)) as server:
            server.hears(said)


# ---- what it costs ----

def test_idle_connections_are_small():
    with Server("tls:127.0.0.1:0", "127.0.0.1:0") as server:
        def idle(count, index):
            kept = []
            for _ in range(count):
                sock = shake(server) if index == 0 else server.dial(index)
                assert Raw(sock).unary(ECHO, b"x") == (b"x", 0)
                kept.append(sock)
            return kept
        kept, each = idle(20, 0) + idle(20, 1), {}
        for index, name in ((1, "plain"), (0, "TLS")):
            before = server.rss()
            kept += idle(100, index)
            each[name] = (server.rss() - before) / 100 / 1024
        print(f"# private memory of an idle connection: {each['plain']:.1f} KiB plain, {each['TLS']:.1f} KiB TLS")
        if "san/" not in str(echo.PROGRAM):  # sanitizers keep what is freed
            assert each["TLS"] < each["plain"] + 64, each
        for sock in kept:
            sock.close()


def test_a_turn_of_small_frames_shares_records():
    """A download of many small messages: far fewer records than frames."""
    with Server("tls:127.0.0.1:0") as server:
        ours, theirs = socket.socketpair()
        relayed = bytearray()

        def relay(source, target, seen):
            with contextlib.suppress(OSError):  # one side may go first
                while data := source.recv(65536):
                    seen.extend(data)
                    target.sendall(data)
                target.shutdown(socket.SHUT_WR)
        with server.dial() as upstream:
            relays = [threading.Thread(target=relay, args=(upstream, theirs, relayed), daemon=True),
                      threading.Thread(target=relay, args=(theirs, upstream, bytearray()), daemon=True)]
            for each in relays:
                each.start()
            with context(least=V1_3).wrap_socket(ours, server_hostname="localhost") as sock:
                raw = Raw(sock)
                raw.unary(ECHO, b"x")
                del relayed[:]
                assert raw.unary("/echo.Echo/Download", b"1000 10")[1] == 0
                records, at = 0, 0
                while at + 5 <= len(relayed):
                    at += 5 + int.from_bytes(relayed[at + 3:at + 5], "big")
                    records += 1
            for each in relays:
                each.join(TIMEOUT)
        theirs.close()
        assert records < 100, records


if __name__ == "__main__":
    main()
