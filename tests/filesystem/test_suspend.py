#!/usr/bin/python3
"""A machine that was suspended, and clocks that are wrong. timeout: 300

The daemon stands still and its clocks go ahead, as if the machine had slept: all but CLOCK_MONOTONIC, by which the
kernel counts how long it may keep attributes. While it sleeps nobody reads. What cannot be helped: between waking
and the daemon's first turn the kernel still answers stat() from what it was allowed to keep."""
import contextlib
import os
import threading

from fstest import WHOLE, Mount, applications, comes_to_show, demo, error_of, eventually, listens, main, stopped, with_server

from zwytest import clocks

HOUR = 3600
real_clock = with_server(clock=None)


@contextlib.contextmanager
def mounted(server, options="heartbeat=200"):
    """A mount, and its host's clocks."""
    set_ = clocks.Clocks()
    mount = Mount(server, f"as={demo.DU},{options}", environment=set_.environment)
    try:
        yield mount, set_
    finally:
        mount.close()


def kept(mount, case):
    """Its state is kept from here on."""
    eventually(lambda: int(mount.read("status/revision")) >= case.revision, "the mount to hear of the case")
    return mount.read(f"{case.name}/state")


class Caller(threading.Thread):
    """Calls the function in a thread of its own; a shell in a mount that stands still would hold up all others."""

    def __init__(self, function):
        super().__init__(daemon=True)
        self.function, self.value, self.errno = function, None, None
        self.start()

    def call(self):
        self.value = self.function()

    def run(self):
        self.errno = error_of(self.call)

    def end(self):
        self.join(60)
        assert not self.is_alive(), "it hangs"
        assert self.errno == 0, self.errno
        return self.value


@real_clock
def test_after_it_woke_nothing_is_served_that_changed_meanwhile(server):
    with mounted(server) as (mount, machine):
        for seconds in (5, 30, 50, HOUR):
            case = demo.file(server.client())
            assert kept(mount, case) == "submitted\n"
            with stopped(mount.process):
                demo.act(server.client(), case.name, "accept", demo.CA)
                machine.suspended(seconds)
                reader = Caller(lambda: mount.read(f"{case.name}/state"))  # pylint: disable=cell-var-from-loop
            # Of the very first that asks, too.
            assert reader.end() == "accepted\n"
            assert mount.read(f"{case.name}/status").startswith("accepted\n")


@real_clock
def test_what_the_kernel_keeps_ends_too(server):
    with mounted(server, "heartbeat=200,attr_timeout=600000,entry_timeout=600000") as (mount, machine):
        case = demo.file(server.client())
        kept(mount, case)
        state = mount / case.name / "state"
        assert os.stat(state).st_size == len("submitted\n")
        with stopped(mount.process):
            demo.act(server.client(), case.name, "accept", demo.CA)
            machine.suspended(HOUR)
        eventually(lambda: os.stat(state).st_size == len("accepted\n"), "the size to be that of the new state")


@real_clock
def test_what_is_written_while_it_sleeps_is_taken_once(server):
    with mounted(server) as (mount, machine):
        listens(mount)
        for number in range(5):
            request = mount / f"requests/{number}.req"
            with stopped(mount.process):
                writer = Caller(lambda: request.write_text(WHOLE))  # pylint: disable=cell-var-from-loop
                machine.suspended(HOUR)
            writer.end()
            assert len(applications(server)) == number + 1


@real_clock
def test_a_server_that_restarted_while_it_slept_is_found_again(server):
    with mounted(server) as (mount, machine):
        case = demo.file(server.client())
        kept(mount, case)
        with stopped(mount.process):
            server.restart()
            demo.act(server.client(), case.name, "accept", demo.CA)
            machine.suspended(HOUR)
        comes_to_show(mount, f"{case.name}/state", "accepted\n")
        eventually(lambda: mount.read("status/connection") == "connected\n", "the connection")
        assert mount.read("status/stale-since") == ""


@real_clock
def test_a_clock_that_differs_from_the_servers_spoils_nothing(server):
    for hours in (5, -5, 50):
        with mounted(server) as (mount, machine):
            machine.set(real=hours * HOUR)
            case = demo.file(server.client())
            assert kept(mount, case) == "submitted\n"
            demo.act(server.client(), case.name, "accept", demo.CA)
            comes_to_show(mount, f"{case.name}/state", "accepted\n")
            assert mount.read("status/lag") == "unknown\n", hours
            (mount / "requests/a.req").write_text(WHOLE)  # the second time, the same again
            assert mount.read("results/a.req/state") == "accepted\n"


@real_clock
def test_a_clock_that_agrees_tells_the_lag(server):
    """The other side of the test above."""
    with mounted(server) as (mount, _):
        case = demo.file(server.client())
        kept(mount, case)
        demo.act(server.client(), case.name, "accept", demo.CA)
        comes_to_show(mount, f"{case.name}/state", "accepted\n")
        eventually(lambda: mount.read("status/lag").endswith(" ms\n"), "the lag")


@real_clock
def test_a_clock_that_is_set_back_does_not_prolong_what_is_shown_of_a_server_that_is_away(server):
    with mounted(server, "heartbeat=200,max_stale=60000") as (mount, machine):
        case = demo.file(server.client())
        kept(mount, case)
        server.stop()
        eventually(lambda: mount.read("status/connection").startswith("away since "), "the loss to be noticed")
        assert mount.read(f"{case.name}/state") == "submitted\n"
        machine.set(boot=61, real=-24 * HOUR)
        assert error_of(lambda: mount.read(f"{case.name}/state")) != 0
        server.start()
        comes_to_show(mount, f"{case.name}/state", "submitted\n")


if __name__ == "__main__":
    main()
