"""Certificates for tests, made by the openssl command when they are needed."""
import datetime
import functools
import pathlib
import subprocess

from .tap import scratch_dir

CONFIG = """
[ca]
default_ca = own
[own]
database = {folder}/index
serial = {folder}/serial
crlnumber = {folder}/crlnumber
new_certs_dir = {folder}
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
default_md = sha256
default_days = 60
default_crl_days = 30
policy = anything
unique_subject = no
[anything]
commonName = optional
[server]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1, IP:10.77.0.1
[client]
basicConstraints = CA:FALSE
extendedKeyUsage = clientAuth
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[req]
distinguished_name = none
[none]
"""
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def openssl(*words):
    ran = subprocess.run(["openssl", *map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, check=False)
    assert ran.returncode == 0, f"openssl {words}: {ran.stdout}"
    return ran.stdout


class Pair:
    """A certificate and its key: file names, and their content."""

    def __init__(self, certificate, key):
        self.certificate, self.key = pathlib.Path(certificate), pathlib.Path(key)

    @property
    def chain_bytes(self):
        return self.certificate.read_bytes()

    @property
    def key_bytes(self):
        return self.key.read_bytes()


class Authority:
    """Signs, revokes, and lists what it has revoked. `parent`: an authority between it and a root."""

    def __init__(self, name="test authority", parent=None):
        self.folder = pathlib.Path(scratch_dir("authority-"))
        self.config = self.folder / "openssl.cnf"
        self.config.write_text(CONFIG.format(folder=self.folder))
        (self.folder / "index").write_text("")
        (self.folder / "serial").write_text("1000\n")
        (self.folder / "crlnumber").write_text("1000\n")
        self.certificate = self.folder / "ca.pem"
        self.parent = parent
        self._made = 0
        if parent:
            made = parent.sign(name, "authority")
            self.certificate.write_bytes(made.chain_bytes)
            (self.folder / "ca.key").write_bytes(made.key_bytes)
        else:
            openssl("req", "-x509", *KEY, "-keyout", self.folder / "ca.key", "-out", self.certificate, "-days", 30,
                    "-subj", f"/CN={name}", "-config", self.config, "-extensions", "authority")

    @property
    def pem(self):
        return self.certificate.read_bytes()

    def sign(self, name, kind="client", start=None, end=None, subject=None):
        """A new pair; start and end in days from now, e.g. end=-1 for one that has expired."""
        self._made += 1
        stem = self.folder / f"{kind}{self._made}"
        request, certificate, key = (stem.with_suffix(suffix) for suffix in (".csr", ".pem", ".key"))
        subject = subject or "/CN=" + name.replace("/", "\\/")
        openssl("req", "-new", *KEY, "-keyout", key, "-out", request, "-subj", subject, "-utf8",
                "-config", self.config)
        dates = []
        for option, days in (("-startdate", start), ("-enddate", end)):
            if days is not None:
                at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
                dates += [option, at.strftime("%Y%m%d%H%M%SZ")]
        if end is not None and start is None:
            at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=min(end, 0) - 1)
            dates += ["-startdate", at.strftime("%Y%m%d%H%M%SZ")]
        openssl("ca", "-batch", "-notext", "-config", self.config, "-in", request, "-out", certificate,
                "-extensions", kind, *dates)
        if self.parent and kind != "authority":
            certificate.write_bytes(certificate.read_bytes() + self.pem)
        return Pair(certificate, key)

    def revoke(self, pair):
        openssl("ca", "-config", self.config, "-revoke", pair.certificate)

    def revocations(self, file):
        """Writes the list of what has been revoked so far."""
        openssl("ca", "-gencrl", "-config", self.config, "-out", file)
        return file


@functools.lru_cache(maxsize=None)
def authority():
    """One for all tests of a program that need no other."""
    return Authority()


@functools.lru_cache(maxsize=None)
def server_pair():
    return authority().sign("localhost", "server")


@functools.lru_cache(maxsize=None)
def client_pair(name):
    return authority().sign(name, "client")
