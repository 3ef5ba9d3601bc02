"""A real zwyd in a directory of its own."""
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import threading

import grpc

from . import authority
from .client import Client, run_zwy
from .tap import end_by_signal, eventually, program, scratch_dir

START_TIMEOUT = 60  # seconds; generous, for sanitizers on a busy machine
STOP_TIMEOUT = 60
DEMO_TIME = "2026-11-20T10:00:00+08:00"  # a Friday; Monday the 23rd is the next working day


class Server:
    """Starts at once, or by start(). `unix` and `tcp` are its targets, and with tls=True `tls`.

    tls: a server certificate of authority.authority(), client certificates of it are verified where
    shown; client(target=server.tls, certificate="system-tax") shows one of that name; HOST:PORT instead of True
    says where. `settings`: those of --config. `inside`: words before the command, e.g. those of hosts.Host."""

    def __init__(self, init="demo", clock=DEMO_TIME, data=None, arguments=(), start=True, tcp_as=None, tls=False,
                 settings=None, inside=()):
        self.directory = pathlib.Path(scratch_dir("server-"))
        self.data = pathlib.Path(data) if data else self.directory / "data"
        self.clock_file = self.directory / "clock"
        self.unix = f"unix:{self.directory}/zwyd.sock"
        self.tcp = None
        self.tls = None
        self.targets = []
        self.init = init
        self.arguments = list(arguments)
        self.settings = dict(settings or {})
        self.inside = list(inside)
        self.pass_fds = ()
        self.extra_targets = 0  # listeners that the command line does not name
        if tls:
            self.arguments += ["--listen", "tls:" + ("127.0.0.1:0" if tls is True else tls)]
            self._set_up_tls()
        if tcp_as:
            self.arguments += ["--demo-tcp-principal", tcp_as]
        self.environment = {}  # beside the test's own
        self.process = None
        self.log = self.directory / "zwyd.log"
        self.has_clock = clock is not None
        if self.has_clock:
            self._write_clock(clock)
        self._clients = []
        if start:
            self.start()

    # -- life ---------------------------------------------------------------

    def command(self):
        words = [*self.inside, program("zwyd"), "--data", str(self.data), "--listen", self.unix, "--listen", "127.0.0.1:0"]
        if self.init and not self.data.exists():
            words += ["--init", self.init]
        if self.has_clock:
            words += ["--clock", str(self.clock_file)]
        if self.settings:
            config = self.directory / "settings"
            config.write_text("".join(f"{key}={value}\n" for key, value in self.settings.items()))
            words += ["--config", str(config)]
        return words + self.arguments

    def _set_up_tls(self):
        defaults = {"tls_certificate": authority.server_pair().certificate, "tls_key": authority.server_pair().key,
                    "tls_client_ca": authority.authority().certificate, "tls_client_certificates": "optional"}
        self.settings = {**defaults, **self.settings}

    def start(self):
        """Returns when all listeners are ready."""
        lines = queue.Queue()
        command = self.command()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                            env={**os.environ, **self.environment}, pass_fds=self.pass_fds)
        threading.Thread(target=self._read, args=(self.process.stdout, lines), daemon=True).start()
        targets = []
        while len(targets) < command.count("--listen") + self.extra_targets:
            try:
                line = lines.get(timeout=START_TIMEOUT)
            except queue.Empty:
                line = None
            if line is None:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"zwyd did not start: {self.log_text()}")
            if line.startswith("listening "):
                targets.append(line.split(" ", 1)[1].strip())
        self.targets = targets
        self.tcp = next(t for t in targets if not t.startswith(("unix:", "tls:", "http:")))
        self.tls = next((t for t in targets if t.startswith("tls:")), None)
        return self

    @staticmethod
    def _read(pipe, lines):
        with pipe:
            for line in pipe:
                lines.put(line.decode("utf-8", "replace"))
        lines.put(None)

    def stop(self, timeout=STOP_TIMEOUT):
        """SIGTERM; returns the exit status. Kills and fails if it does not end."""
        for client in self._clients:
            client.close()
        self._clients = []
        if not self.process:
            return 0
        process, self.process = self.process, None
        try:
            return end_by_signal(process, timeout)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            process.wait()
            raise AssertionError(f"zwyd did not stop within {timeout} s of SIGTERM: {self.log_text()}") from None

    def kill(self):
        """As a crash: SIGKILL."""
        process, self.process = self.process, None
        if process:
            process.kill()
            process.wait()

    def restart(self):
        assert self.stop() == 0, self.log_text()
        return self.start()

    def close(self, check=True):
        """Ends the test's server: a clean stop, and a store without contradictions."""
        try:
            status = self.stop()
            assert status == 0, f"zwyd ended with {status}: {self.log_text()}"
            if check and self.data.exists():
                ran = zwy_check(self.data)
                assert ran.status == 0, f"zwy check: {ran.out}{ran.err}"
        finally:
            self.kill()
            shutil.rmtree(self.directory, ignore_errors=True)

    def log_text(self):
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    @property
    def pid(self):
        return self.process.pid

    # -- callers --------------------------------------------------------------

    @staticmethod
    def credentials(certificate=None, trusted=None):
        """For grpcio to call over TLS; certificate: the common name of a client certificate, or an authority.Pair."""
        pair = authority.client_pair(certificate) if isinstance(certificate, str) else certificate
        own = (pair.key_bytes, pair.chain_bytes) if pair else (None, None)
        return grpc.ssl_channel_credentials(trusted or authority.authority().pem, *own)

    def client(self, as_=None, target=None, certificate=None, trusted=None, options=()):
        target = target or self.unix
        credentials = self.credentials(certificate, trusted) if target.startswith("tls:") else None
        made = Client(target, as_, credentials, options)
        self._clients.append(made)
        return made

    def zwy(self, *words, as_=None, **options):
        return run_zwy(self.unix, *words, as_=as_, **options)

    # -- time -----------------------------------------------------------------

    def _write_clock(self, instant):
        fresh = self.clock_file.with_suffix(".new")
        fresh.write_text(instant + "\n")
        os.rename(fresh, self.clock_file)

    def set_clock(self, instant, caller=None):
        """Moves the server's clock, and returns when the server says so; caller: a client to ask with."""
        self._write_clock(instant)
        from .contract import message_class
        wish = message_class("google.protobuf.Timestamp")()
        wish.FromJsonString(instant)
        client = caller or Client(self.unix)
        try:
            eventually(lambda: client.call("WhoAmI").time == wish, f"the server's clock to be {instant}")
        finally:
            if not caller:
                client.close()


def zwy_check(data):
    return run_zwy(None, "check", str(data), timeout=120)
