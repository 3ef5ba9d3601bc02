"""What scenario tests are written with: real servers, mounts, callers and clocks.

    from zwytest import Server, main, eventually, refused

    def test_the_last_unit_is_given_once(server): ...

    if __name__ == "__main__":
        main()

A test is a function test_*; its name says what it proves. A parameter `server`
gives it a fresh server with the demonstration data and a clock of its own, over
which a test has command; `mount` a mount of that server. After each test the
server must stop cleanly on SIGTERM and `zwy check` must find nothing.
"""
from . import authority, clocks, demo, hosts
from .authority import Authority
from .contract import call_path, message, message_class, pool
from .cutter import Cutter
from .refusal import Refused
from .server import Server, zwy_check
from .mount import Mount, can_mount
from .client import Client, run_zwy
from .tap import with_server, main, end_by_signal, eventually, refused, Skip, rounds, build_dir, program, scratch_dir

__all__ = ["authority", "clocks", "demo", "hosts", "Authority", "Cutter", "Server", "Mount", "Client", "Refused", "Skip", "with_server", "main",
           "end_by_signal", "eventually",
           "refused", "rounds", "build_dir", "program", "scratch_dir", "run_zwy", "zwy_check", "can_mount", "message", "message_class",
           "pool", "call_path"]
