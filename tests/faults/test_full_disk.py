#!/usr/bin/python3
"""A full disk refuses writes, goes on reading, and recovers. timeout: 240"""
import os
import subprocess

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import Refused, Server, Skip, demo, eventually, main, scratch_dir  # noqa: E402

SIZE = 24 << 20


def tmpfs():
    point = pathlib.Path(scratch_dir("disk-"))
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "zwy-test", point], stderr=subprocess.DEVNULL,
                      check=False).returncode:
        raise Skip("no tmpfs can be mounted here")
    return point


def fill(path):
    """Takes all room but a little, which the server's next commits use up."""
    with open(path, "wb") as file:
        room = os.statvfs(path.parent)
        os.posix_fallocate(file.fileno(), 0, max(1, room.f_bavail * room.f_frsize - 256 * 1024))


def test_writes_are_refused_reads_go_on_and_room_brings_writes_back():
    disk = tmpfs()
    server = Server(data=disk / "data")
    try:
        client = server.client()
        names = [demo.file(client, items=(("block-storage", 1),)).name for _ in range(5)]
        fill(disk / "ballast")
        refusal = None
        for _ in range(5000):
            try:
                names.append(demo.file(client, items=(("block-storage", 1),)).name)
            except Refused as error:
                refusal = error
                break
        assert refusal and refusal.reason == "STORE_FULL" and refusal.status == "RESOURCE_EXHAUSTED", refusal
        assert server.process.poll() is None
        assert [a.name for a in client.list("ListApplications", as_=demo.DU)] == names
        ran = server.zwy("submit", "-", as_="principals/core-du", stdin=demo.text())
        assert ran.status == 6 and "disk" in ran.err, ran
        os.unlink(disk / "ballast")
        names.append(eventually(lambda: try_file(client), "writing to be possible again"))
        assert [a.name for a in client.list("ListApplications", as_=demo.DU)] == names
        server.restart()
        assert [a.name for a in server.client().list("ListApplications", as_=demo.DU)] == names
    finally:
        try:
            server.close()
        finally:
            subprocess.run(["umount", "-l", disk], check=False)


def try_file(client):
    try:
        return demo.file(client, items=(("block-storage", 1),)).name
    except Refused as error:
        assert error.reason == "STORE_FULL", error
        return None


if __name__ == "__main__":
    main()
