#!/usr/bin/python3
"""What the mount and the kernel keep is never older than what the mount has heard. smoke: yes timeout: 300"""
import errno
import os
import shutil

from fstest import (WHOLE, comes_to_show, demo, error_of, eventually, listens, main, mounted, ok, request_file, result, scratch, shell, stopped,
                    with_server)


# Terms by a clock that is set are not kept: these servers have the machine's.
real_clock = with_server(clock=None)
# However long a server stands still, it is not taken for lost.
PATIENT = "heartbeat=600000"
KEPT = ("status", "due", "state", "record", "record.json", "history", "items/1/service")


def kept(server, mount, *paths):
    """Whether all of them are answered while the server stands still; they are read once before."""
    for path in paths:
        mount.read(path)
    with stopped(server):
        return [path for path in paths if error_of(lambda path=path: mount.read(path))]


@real_clock
def test_what_did_not_change_is_not_asked_for_again(server):
    name = demo.file(server.client()).name
    with mounted(server, f"as={demo.DU},{PATIENT},read_deadline=1000") as mount:
        listens(mount)
        paths = [f"{name}/{path}" for path in KEPT] + ["catalogue/cloud-server/name-zh", "quotas/provincial-finance/block-storage/record"]
        assert kept(server, mount, *paths) == []
        names = os.listdir(mount / name), os.listdir(mount / "catalogue")
        with stopped(server):
            assert (os.listdir(mount / name), os.listdir(mount / "catalogue")) == names
            ok(mount, f"ls -l {name}; stat {name}/* | grep -c Size; wc -c {name}/record; find catalogue/cloud-server -type f -exec cat {{}} + || true")


@real_clock
def test_names_that_are_kept_do_not_stand_for_records(server):
    with mounted(server, f"as={demo.DU},{PATIENT}") as mount:
        listens(mount)
        for folder, view in (("catalogue", "by-name/云服务器"), ("nodes", "by-name")):
            names = os.listdir(mount / folder)
            assert os.path.lexists(mount / folder / view)
            assert os.listdir(mount / folder / view.split("/")[0])
            assert os.listdir(mount / folder) == names


@real_clock
def test_without_a_cache_everything_is_asked_for(server):
    """The other side of the test above: it can fail."""
    name = demo.file(server.client()).name
    with mounted(server, f"as={demo.DU},{PATIENT},cache=0,max_stale=0,read_deadline=1000") as mount:
        listens(mount)
        assert kept(server, mount, f"{name}/status") == [f"{name}/status"]


def test_by_a_clock_that_is_set_no_term_is_kept(server):
    name = demo.file(server.client()).name
    with mounted(server, f"as={demo.DU},{PATIENT},max_stale=0,read_deadline=1000") as mount:
        listens(mount)
        assert kept(server, mount, f"{name}/state", f"{name}/status", f"{name}/due") == [f"{name}/status", f"{name}/due"]


def seen(mount, name):
    status = mount / name / "status"
    text = status.read_text(encoding="utf-8")
    assert os.stat(status).st_size >= 0
    return text.splitlines()[0], mount.read(f"{name}/state").strip()


@real_clock
def test_a_change_elsewhere_is_seen_and_never_unseen(server):
    client = server.client()
    name = demo.file(client).name
    with mounted(server) as one, mounted(server, "as=" + demo.CA) as two:
        for mount in (one, two):
            listens(mount)
        before = "submitted"
        for action, who, form, state in demo.COURSE:
            assert {seen(mount, name) for mount in (one, two)} == {(before, before)}
            demo.act(client, name, action, who, **form)
            for mount in (one, two):
                eventually(lambda mount=mount: seen(mount, name) == (state, state), f"{state} to be seen")
                for path in KEPT:
                    data = (mount / name / path).read_bytes()
                    assert os.stat(mount / name / path).st_size == len(data), path
                assert state in mount.read(f"{name}/history").splitlines()[-1]
            before = state


@real_clock
def test_ones_own_change_is_seen_at_once(server):
    client = server.client()
    with mounted(server, "as=" + demo.CA) as authority, mounted(server) as mount, scratch() as tmp:
        listens(mount)
        quota = "quotas/provincial-finance/block-storage/dimensions/1/reserved"
        source = request_file(tmp)
        for n in range(10):
            assert mount.read(quota) == f"{4 * n}\n"
            assert len(os.listdir(mount / "applications/mine")) == n
            ok(mount, f"cp {source} requests/{n}.req")
            assert mount.read(quota) == f"{4 * (n + 1)}\n"
            case = result(mount, f"{n}.req")["id"]
            assert case in os.listdir(mount / "applications") and case in os.listdir(mount / "applications/mine")
            assert case in mount.read("applications/index.tsv")
        listens(authority)
        for case in os.listdir(authority / "applications/by-state/submitted"):
            assert authority.read(f"applications/{case}/status").startswith("submitted\n")
            ok(authority, f"echo > applications/{case}/actions/accept")
            assert authority.read(f"applications/{case}/status").startswith("accepted\n")
            assert authority.read(f"applications/{case}/state") == "accepted\n"
            assert "accept\t" in authority.read(f"applications/{case}/history")
            assert case in os.listdir(authority / "applications/by-state/accepted")
            assert not os.path.exists(authority / "applications/by-state/submitted" / case)
        assert len(client.list("ListApplications", as_=demo.CA)) == 10


@real_clock
def test_what_is_new_is_listed_and_what_left_a_view_is_gone(server):
    client = server.client()
    with mounted(server) as mount:
        listens(mount)
        cases = []
        for n in range(5):
            assert sorted(os.listdir(mount / "applications/mine")) == cases, n
            cases.append(os.path.basename(demo.file(client).name))
            eventually(lambda: cases[-1] in os.listdir(mount / "applications"), "the new case")
            eventually(lambda: cases[-1] in os.listdir(mount / "applications/by-state/submitted"), "the new case")
            eventually(lambda: cases[-1] in mount.read("applications/index.tsv"), "the new case")
            eventually(lambda: cases[-1] in os.listdir(mount / "applications/mine"), "the new case")
        link = mount / "applications/by-state/submitted" / cases[0]
        assert os.path.exists(link)
        demo.act(client, f"applications/{cases[0]}", "withdraw", demo.DU, reason="not needed")
        eventually(lambda: not os.path.lexists(link), "the link to be gone")
        assert cases[0] not in os.listdir(mount / "applications")


@real_clock
def test_of_a_server_that_is_away_the_last_is_shown_for_a_while(server):
    client = server.client()
    name = demo.file(client).name
    with mounted(server, f"as={demo.DU},heartbeat=200") as mount, scratch() as tmp:
        listens(mount)
        before = {path: mount.read(f"{name}/{path}") for path in KEPT}
        names = os.listdir(mount / name)
        server.stop()
        eventually(lambda: mount.read("status/connection").startswith("away since "), "the loss to be noticed")
        assert mount.read("status/stale-since").strip()
        first = int(mount.read("status/lag").split()[0])
        eventually(lambda: int(mount.read("status/lag").split()[0]) > first, "the lag to grow")
        assert {path: mount.read(f"{name}/{path}") for path in KEPT} == before
        assert os.listdir(mount / name) == names
        assert error_of(lambda: mount.read("catalogue/sms/record")) == errno.EHOSTDOWN  # never read before
        assert error_of(lambda: (mount / "requests/a.req").write_text(WHOLE)) == errno.EHOSTDOWN
        server.start()
        demo.act(server.client(), name, "accept", demo.CA)
        comes_to_show(mount, f"{name}/state", "accepted\n")
        assert mount.read("status/connection") == "connected\n" and mount.read("status/stale-since") == ""


@real_clock
def test_what_is_too_old_is_not_shown(server):
    name = demo.file(server.client()).name
    with mounted(server, f"as={demo.DU},heartbeat=200,max_stale=0") as mount:
        listens(mount)
        mount.read(f"{name}/state")
        server.stop()
        eventually(lambda: error_of(lambda: mount.read(f"{name}/state")) == errno.EHOSTDOWN, "EHOSTDOWN")
        server.start()
        eventually(lambda: error_of(lambda: mount.read(f"{name}/state")) == 0, "the server to be back")


@real_clock
def test_any_heartbeat_may_be_asked_for(server):
    """None at all, and more often than the server will."""
    name = demo.file(server.client()).name
    for heartbeat in (0, 1):
        with mounted(server, f"as={demo.DU},heartbeat={heartbeat},read_deadline=1000,max_stale=0") as mount:
            listens(mount)
            eventually(lambda mount=mount: kept(server, mount, f"{name}/status") == [], "the status to be kept")
            assert mount.read("status/connection") == "connected\n"


def kept_for(server, mount, who, path):
    """Whether that user of a shared mount is answered while the server stands still."""
    shell(mount, f"cat {path}", who)
    with stopped(server):
        return shell(mount, f"cat {path}", who).status == 0


@real_clock
def test_who_is_quiet_makes_room_for_who_is_not(server):
    path = demo.file(server.client()).name + "/status"
    options = f"{PATIENT},read_deadline=1000,max_stale=0,max_watches=1"
    with mounted(server, f"{options},watch_idle=600000", shared=True) as mount:
        eventually(lambda: kept_for(server, mount, demo.DU, path), "the first user's answers to be kept")
        assert not any(kept_for(server, mount, demo.CA, path) for _ in range(5))
        eventually(lambda: kept_for(server, mount, demo.DU, path), "them to be kept still")
    with mounted(server, f"{options},watch_idle=1", shared=True) as mount:
        for who in (demo.DU, demo.CA, demo.DU):
            eventually(lambda who=who: kept_for(server, mount, who, path), f"{who} to be heard for")


@real_clock
def test_a_server_that_stands_still_is_noticed(server):
    name = demo.file(server.client()).name
    with mounted(server, f"as={demo.DU},heartbeat=200") as mount:
        listens(mount)
        mount.read(f"{name}/state")
        with stopped(server):
            eventually(lambda: mount.read("status/connection").startswith("away since "), "the silence to be noticed")
            assert mount.read(f"{name}/state") == "submitted\n"
        demo.act(server.client(), name, "accept", demo.CA)
        comes_to_show(mount, f"{name}/state", "accepted\n")
        eventually(lambda: mount.read("status/connection") == "connected\n", "the connection")


@real_clock
def test_a_restored_backup_takes_the_place_of_what_was_kept(server):
    name = demo.file(server.client()).name
    with mounted(server, f"as={demo.DU},heartbeat=200") as mount:
        listens(mount)
        for more in (0, 20):  # a shorter history, and one that is longer by now
            mount.read("events")
            server.stop()
            backup = server.directory / f"backup{more}"
            shutil.copytree(server.data, backup)
            server.start()
            demo.act(server.client(), name, "accept", demo.CA)
            comes_to_show(mount, f"{name}/state", "accepted\n")
            server.stop()
            shutil.rmtree(server.data)
            backup.rename(server.data)
            server.start()
            for _ in range(more):
                demo.file(server.client())
            comes_to_show(mount, f"{name}/state", "submitted\n")
            comes_to_show(mount, f"{name}/status", "submitted\n")
            assert "accept" not in mount.read(f"{name}/history")
            eventually(lambda: demo.file(server.client()).name in mount.read("events"), "what comes after it to be told")


@real_clock
def test_who_may_no_longer_see_it_does_not(server):
    client = server.client()
    name = demo.file(client).name
    with mounted(server) as mount:
        listens(mount)
        mount.read(f"{name}/record")
        client.call("UpdatePrincipal", principal={"name": "principals/core-du", "disabled": True}, update_mask={"paths": ["disabled"]})
        eventually(lambda: error_of(lambda: mount.read(f"{name}/record")) == errno.EACCES, "the mount to hear of it")


if __name__ == "__main__":
    main()
