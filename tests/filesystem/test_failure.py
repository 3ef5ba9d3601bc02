#!/usr/bin/python3
"""Server away, slow or restarted; daemon killed; callers interrupted. smoke: yes"""
import errno
import os
import pathlib
import signal
import subprocess


from fstest import (LINE, WHOLE, applications, demo, error_of, eventually, interrupted, main, mounted, ok, request_file, result, scratch,
                    shell, stopped)

# Who calls is known once and for all: else a server that does not answer is asked that first, and hears of nothing more.
KNOWN = "identity_time=600000"


def test_server_away_and_back(server):
    name = demo.file(server.client()).name
    with mounted(server, f"as={demo.DU},read_deadline=2000,max_stale=0") as mount, scratch() as tmp:
        source = request_file(tmp)
        ok(mount, "ls requests; cat whoami")
        server.stop()
        # A call that was lost on the way waits for the server to come back; those after it are told at once.
        eventually(lambda: error_of(lambda: mount.read(f"{name}/status")) == errno.EHOSTDOWN, "the server to be away")
        assert error_of(lambda: os.listdir(mount / "catalogue")) == errno.EHOSTDOWN
        ok(mount, "ls; ls -l . || true; cat README; stat -f .; cat status/*")
        assert mount.read("status/connection").startswith("away since "), mount.read("status/connection")
        assert mount.read("status/stale-since").strip()
        ran = shell(mount, f"cp {source} requests/a.req")
        assert ran.status != 0 and "Host is down" in ran.err, ran
        server.start()
        eventually(lambda: error_of(lambda: mount.read(f"{name}/status")) == 0, "the server to be back")
        ok(mount, f"cp {source} requests/a.req")
        assert mount.read("status/connection") == "connected\n" and mount.read("status/stale-since") == ""
        assert len(applications(server)) == 2


def test_a_mount_may_come_before_its_server(server):
    server.stop()
    with mounted(server) as mount:
        ok(mount, "ls; cat README status/connection")
        server.start()
        eventually(lambda: error_of(lambda: mount.read("whoami")) == 0, "the server to be there")
        assert len(os.listdir(mount / "nodes")) == 15


def test_status_is_told_before_the_server_has_said_who_calls(server):
    with stopped(server), mounted(server, f"as={demo.DU},read_deadline=600000") as mount:
        ok(mount, "ls; ls status; cat README status/*; stat -f .", timeout=30)
        assert mount.read("status/connection").split()[0] in ("connecting", "connected", "away"), mount.read("status/connection")
        assert interrupted("exec readlink requests", mount) == -signal.SIGINT


def test_an_answer_that_does_not_come_is_waited_for_only_so_long(server):
    name = demo.file(server.client()).name
    with mounted(server, f"as={demo.DU},read_deadline=1000") as mount:
        eventually(lambda: error_of(lambda: mount.read("whoami")) == 0, "the mount to know who calls")
        with stopped(server):
            assert error_of(lambda: mount.read(f"{name}/status")) == errno.ETIMEDOUT
        eventually(lambda: error_of(lambda: mount.read(f"{name}/status")) == 0, "answers")


def test_an_unknown_outcome_is_asked_about_until_it_is_known(server):
    with mounted(server, f"as={demo.DU},{KNOWN},commit_deadline=1000,read_deadline=20000") as mount, scratch() as tmp:
        source = request_file(tmp)
        ok(mount, "ls requests")
        with stopped(server):
            ran = shell(mount, f"cp {source} requests/a.req")
            assert ran.status != 0 and "timed out" in ran.err.lower(), ran
        eventually(lambda: os.path.exists(mount / "results/a.req/state"), "the result")
        eventually(lambda: result(mount, "a.req")["state"] != "unknown" or shell(mount, f"cp {source} requests/a.req").status == 0,
                   "the outcome to be known")
        # repeating is safe whatever happened
        eventually(lambda: shell(mount, f"cp {source} requests/a.req").status == 0, "the request to be taken")
        assert result(mount, "a.req")["state"] == "accepted" and len(applications(server)) == 1


def test_whoever_waits_can_be_interrupted(server):
    name = demo.file(server.client()).name
    with mounted(server, f"as={demo.DU},{KNOWN},read_deadline=60000,commit_deadline=60000") as mount, scratch() as tmp:
        source = request_file(tmp)
        ok(mount, "ls requests")
        with stopped(server):
            for command in (f"exec cat {name}/status", "exec ls catalogue", f"exec cat {source} > requests/a.req",
                            f"exec stat {name}"):
                for stop in (signal.SIGINT, signal.SIGKILL):
                    assert interrupted(command, mount, stop) == -stop, command
            ok(mount, "cat README; ls; cat status/connection")  # one stuck call delays no other
        eventually(lambda: result(mount, "a.req")["state"] == "accepted", "the outcome of what was interrupted")
        assert len(applications(server)) == 2


ALARMED = """
import os, signal, sys
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
fd = os.open("applications/new", os.O_WRONLY)
try:
    os.write(fd, sys.argv[1].encode())
except OSError as error:
    print(error.errno)
"""


def test_a_line_on_its_way_is_not_written_again_by_whom_a_signal_interrupts(server):
    """Python, and others, write again after EINTR."""
    with mounted(server, f"as={demo.DU},{KNOWN},read_deadline=20000") as mount:
        ok(mount, "cat applications/new > /dev/null")
        with stopped(server):
            ran = subprocess.run(["/usr/bin/python3", "-c", ALARMED, LINE + "\n"], cwd=mount.point, stdout=subprocess.PIPE, timeout=60, check=True, text=True)
            assert ran.stdout.split() == [str(errno.ETIMEDOUT)], ran
        eventually(lambda: len(server.client().list("ListApplications", as_=demo.DU)) == 1, "the line to be carried out")
        ok(mount, "ls applications")
        assert len(server.client().list("ListApplications", as_=demo.DU)) == 1


def test_a_killed_daemon_is_replaced(server):
    with mounted(server) as mount, scratch() as tmp:
        ok(mount, f"cp {request_file(tmp)} requests/a.req; echo draft > drafts/x")
        first = result(mount, "a.req")
        held = os.open(mount / "README", os.O_RDONLY)
        mount.process.kill()
        mount.process.wait()
        assert error_of(lambda: os.listdir(mount.point)) == errno.ENOTCONN
        assert error_of(lambda: os.read(held, 1)) != 0
        error_of(lambda: os.close(held))
        command = [mount.process.args[0], "-f", "-o", f"as={demo.DU}", server.unix, str(mount.point)]
        mount.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # over the dead mount
        # In between the directory is bare; README is what only a mount has.
        eventually(lambda: error_of(lambda: os.stat(mount / "README")) == 0, "the new mount")
        assert result(mount, "a.req") == first
        assert os.listdir(mount / "drafts") == []


def test_sigterm_unmounts(server):
    with mounted(server) as mount:
        mount.process.terminate()
        assert mount.process.wait(60) == 0
        assert not os.path.ismount(mount.point)


def test_an_unmount_with_open_files_loses_nothing(server):
    with mounted(server) as mount:
        held = os.open(mount / "requests/a.req", os.O_WRONLY | os.O_CREAT)
        os.write(held, WHOLE.removesuffix("submit\n").encode())
        assert subprocess.run(["fusermount3", "-u", mount.point], stderr=subprocess.DEVNULL, check=False).returncode != 0
        os.write(held, b"submit\n")
        os.close(held)
        assert result(mount, "a.req")["state"] == "accepted"


def test_wrong_usage_is_said(server):
    with mounted(server) as mount:
        program = mount.process.args[0]
    for words, status, text in (([], 2, "usage"), (["--help"], 0, "allow_other"), (["--version"], 0, "zwyfs"),
                                (["nonsense", "/nonexistent"], 2, "target"), ([server.unix, "/nonexistent"], 1, "nonexistent"),
                                (["-o", "no_such_option", server.unix, "/tmp"], 2, "no_such_option"),
                                (["-o", "ca=/x.pem", server.unix, "/tmp"], 2, "tls:HOST:PORT"), (["a", "b", "c"], 2, "too many")):
        ran = subprocess.run([program] + words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, timeout=60, check=False)
        assert ran.returncode == status and text in ran.stdout, (words, ran)


def test_mount_by_its_type(server):
    """mount -t fuse.zwyfs, by the helper that an installation puts into /sbin."""
    with mounted(server) as mount:
        program = mount.process.args[0]
    with scratch() as tmp:
        point = tmp / "m"
        point.mkdir()
        helper = tmp / "mount.fuse.zwyfs"
        helper.symlink_to(program)
        # What mount(8) calls: the helper, source, directory, -o with words of its own.
        subprocess.run([helper, server.unix, point, "-o", f"rw,nofail,_netdev,x-systemd.automount,noatime,as={demo.DU}"],
                       check=True, timeout=60, stdin=subprocess.DEVNULL)
        try:
            assert "申请" in (point / "README").read_text(encoding="utf-8")
            line = next(line for line in pathlib.Path("/proc/mounts").read_text().splitlines() if str(point) in line)
            assert line.startswith(f"{server.unix} ") and "fuse.zwyfs" in line and "nosuid,nodev,noexec" in line, line
            assert "noatime" in line
        finally:
            eventually(lambda: subprocess.run(["fusermount3", "-u", point], check=False).returncode == 0, "the unmount")
        eventually(lambda: not subprocess.run(["pgrep", "-f", str(point)], stdout=subprocess.DEVNULL, check=False).returncode == 0,
                   "the daemon to end")


if __name__ == "__main__":
    main()
