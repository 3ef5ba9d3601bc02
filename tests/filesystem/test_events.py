#!/usr/bin/python3
"""The file `events`: every change once, in order, since the mount began. smoke: yes"""
import os
import subprocess

from fstest import demo, eventually, main, mounted, ok


def lines(text, name):
    return [line.split("\t")[3] for line in text.splitlines() if f"\t{name}\t" in line]


def test_one_line_for_every_change_since_the_mount_began(server):
    client = server.client()
    before = demo.file(client).name
    with mounted(server, "as=" + demo.CA) as mount:
        assert mount.read("events") == ""
        name = demo.file(client).name
        demo.walk(client, name, "approved")
        eventually(lambda: "decide" in lines(mount.read("events"), name), "the events")
        text = mount.read("events")
        assert lines(text, name) == ["create", "submit", "accept", "assign", "opinion", "forward", "decide"]
        assert lines(text, before) == []
        revisions = [int(line.split("\t")[0]) for line in text.splitlines()]
        assert revisions == sorted(set(revisions))
        assert os.stat(mount / "events").st_size == len(text.encode())
        assert "Article 13" in text


def test_the_writers_own_change_is_there_at_once(server):
    name = demo.file(server.client()).name
    with mounted(server, "as=" + demo.CA) as mount:
        mount.read("events")
        ok(mount, f"echo > {name}/actions/accept")
        assert lines(mount.read("events"), name) == ["accept"]


def test_tail_follows_and_recursive_tools_end(server):
    client = server.client()
    with mounted(server, "as=" + demo.CA) as mount:
        mount.read("events")  # the mount knows from which revision on
        with subprocess.Popen(["tail", "-n", "+1", "-s", "0.05", "-f", mount / "events"], stdout=subprocess.PIPE, text=True) as tail:
            try:
                name = demo.file(client).name
                demo.walk(client, name, "accepted")
                seen = []
                while "accept" not in seen:
                    seen += lines(tail.stdout.readline(), name)
                assert seen == ["create", "submit", "accept"], seen
            finally:
                tail.kill()
        assert "accept" in ok(mount, "grep -c accept events && grep accept events && cat events")


def test_nothing_is_lost_or_doubled_by_a_restart_of_the_server(server):
    client = server.client()
    name = demo.file(client).name
    with mounted(server, "as=" + demo.CA) as mount:
        mount.read("events")
        demo.act(client, name, "accept", demo.CA)
        eventually(lambda: lines(mount.read("events"), name), "the first event")
        server.restart()
        client = server.client()
        demo.act(client, name, "assign", demo.OP)
        demo.act(client, name, "opinion", demo.OP, **demo.OPINION)
        eventually(lambda: "opinion" in lines(mount.read("events"), name), "the events after the restart")
        assert lines(mount.read("events"), name) == ["accept", "assign", "opinion"]


if __name__ == "__main__":
    main()
