#!/usr/bin/python3
"""Every way of reading, at every kind of place and while everything changes: what the server says, whole.
timeout: 300 smoke: yes"""
import contextlib
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import threading

from google.protobuf import json_format

from fstest import PATH, applications, demo, eventually, home, main, missing, mounted, ok, rounds, scratch, shell
from readers import BY_NAME, READERS

QUOTA = f"quotas/{demo.DEPARTMENT}/block-storage"


# ---- every reader at every place ------------------------------------------


def whole(record):
    """A record as record.json has it."""
    return json_format.MessageToDict(record)


def places(server, mount, name):
    """By the matrix's column: path, kind, the bytes that are there; each checked against the server's own answer."""
    client = server.client(demo.DU)
    record, case = client.call("GetApplication", name=name), client.call("Explain", name=name)
    body = b"".join(part.chunk for part in client.stream("Download", name=f"{name}/documents/construction-plan"))
    paths = {"field": f"{name}/purpose", "record": f"{name}/record", "json": f"{name}/record.json", "env": f"{name}/record.env",
             "status": f"{name}/status", "history": f"{name}/history", "body": f"{name}/documents/construction-plan/construction-plan.pdf",
             "link": f"applications/by-state/{record.state}/{name.split('/')[1]}/purpose", "index": "applications/index.tsv",
             "events": "events", "README": "README"}
    there = {place: (mount / path).read_bytes() for place, path in paths.items()}
    assert there["field"].decode() == record.purpose + "\n" == there["link"].decode()
    assert f"\npurpose={record.purpose}\n" in there["record"].decode()
    assert json.loads(there["json"]) == whole(record)
    quoted = record.purpose.replace("'", "'\\''")
    assert f"purpose='{quoted}'\n" in there["env"].decode()
    assert there["status"].decode().startswith(f"{case.state}\nwho: {case.who}") and f"due: {case.due}\n" in there["status"].decode()
    assert [line.split("\t")[2] for line in there["history"].decode().splitlines()] == ["create", "submit"]
    assert [line.split("\t")[3] for line in there["events"].decode().splitlines() if f"\t{name}\t" in line][-1] == "submit"
    assert there["body"] == body == demo.body("construction-plan")
    assert [line.split("\t")[0] for line in there["index"].decode().splitlines()[1:]] == [n.split("/")[1] for n in applications(server)]
    return {place: (path, place, there[place]) for place, path in paths.items()}


def agrees(reader, ran, expected):
    """Whether that is what stands there."""
    if ran.status:
        return False
    if reader.says == "screen":
        first = expected.decode().splitlines()[0][:60]
        return "".join(first.split()) in "".join(ran.out.split())
    return ran.out == {"bytes": expected.decode(), "text": expected.decode(), "size": f"{len(expected)}\n", "nothing": "",
                       "sum": hashlib.sha256(expected).hexdigest() + "  -\n"}[reader.says]


def cell(mount, tmp, reader, path, kind, expected):
    if reader.kind and reader.kind != kind:
        return "-"
    (tmp / "copy").write_bytes(expected)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(tmp / "out")
    ran = shell(mount, reader.script.format(path=path, copy=tmp / "copy", out=tmp / "out"))
    assert agrees(reader, ran, expected), f"exit status {ran.status}, {ran.out[-300:]!r} {ran.err[-300:]!r}"
    return "ok"


def show(title, cells):
    print(f"# {title:22}" + "".join(f"{word:>8}" for word in cells), flush=True)


def rows(table):
    """In a quick run every fifth."""
    return table[::5] if rounds(2, quick=1, long=2) == 1 else table


def test_every_reader_at_every_place(server):
    client = server.client(demo.DU)
    wrong, absent = [], missing(READERS)
    with mounted(server) as mount, scratch() as tmp:
        mount.read("events")
        wanted = demo.application()
        wanted.purpose = "一个申请 with 'quotes' and  blanks"
        name = client.call("CreateApplication", application=wanted, submit=True).name
        client.send("Upload", [{"name": f"{name}/documents/construction-plan", "filename": "construction-plan.pdf"},
                               {"chunk": demo.body("construction-plan")}])
        eventually(lambda: f"\t{name}\tsubmit" in mount.read("events"), "the event")
        (tmp / "copy.purpose").write_text(client.call("GetApplication", name=name).purpose + "\n", encoding="utf-8")
        columns, head = places(server, mount, name), client.call("GetHead")
        show("", columns)
        for reader in rows(READERS):
            if reader.needs in absent:
                continue
            cells = []
            for place, what in columns.items():
                try:
                    cells.append(cell(mount, tmp, reader, *what))
                except AssertionError as error:
                    cells.append("FAIL")
                    wrong.append(f"{reader.name}, {place}: {error}")
            show(reader.name, cells)
        assert client.call("GetHead") == head, "reading changed something"
    assert not wrong, "\n".join(wrong)
    assert not absent, f"not installed: {absent}"


# ---- whole trees -------------------------------------------------------------


def test_trees_are_copied_whole_and_a_second_time_not_at_all(server):
    client = server.client(demo.DU)
    name = demo.file(client).name
    with mounted(server) as mount, scratch() as tmp:
        for tree, count in (("catalogue", len(client.list("ListServices"))), ("nodes", len(client.list("ListNodes")))):
            assert len([entry for entry in os.listdir(mount / tree) if not entry.startswith("by-")]) == count
        for tree in ("nodes", name):
            copy = tmp / "copy"
            ok(mount, f"rsync -a {tree}/ {copy}/")
            assert ok(mount, f"rsync -a --itemize-changes {tree}/ {copy}/") == "", tree
            assert ok(mount, f"rsync -ac --itemize-changes {tree}/ {copy}/") == "", tree
            ok(mount, f"diff -r --no-dereference {tree} {copy} && git diff --no-index {tree} {copy}")
            ok(mount, f"tar c {tree} | tar d && cp -a {tree}/. {tmp}/again && diff -r --no-dereference {copy} {tmp}/again")
            ok(mount, f"git -C {copy} init -q && git -C {copy} add . && GIT_DIR={copy}/.git git --work-tree={tree} status --short")
            assert ok(mount, f"GIT_DIR={copy}/.git git --work-tree={tree} diff") == "", tree
            files = ok(mount, f"find {tree} -type f").splitlines()
            assert sorted(ok(mount, f"grep -rl '' {tree}").splitlines()) == sorted(f for f in files if (mount / f).stat().st_size)
            ok(mount, f"tree {tree}; du -s {tree}; ls -lR {tree}; busybox find {tree} -type f -exec busybox cat {{}} +")
            shutil.rmtree(copy)
            shutil.rmtree(tmp / "again")
        ok(mount, f"rsync -a {name}/ {tmp}/case/")
        demo.act(client, name, "accept", demo.CA)
        changed = ok(mount, f"rsync -a --out-format=%n {name}/ {tmp}/case/").split()
        assert "state" in changed and "status" in changed and "purpose" not in changed and "system" not in changed, changed
        assert (tmp / "case/state").read_text() == "accepted\n"


def test_links_of_views_lead_to_the_record(server):
    client = server.client(demo.DU)
    name = demo.file(client).name
    number = name.split("/")[1]
    with mounted(server) as mount:
        for view in ("by-state/submitted", "by-month/2026-11", "mine"):
            link = f"applications/{view}/{number}"
            assert os.path.samefile(mount / link, mount / name), view
            assert ok(mount, f"realpath {link}").strip() == str(mount / name)
            assert ok(mount, f"cat $(readlink -f {link})/state; test -L {link} && stat -Lc %F {link}") == "submitted\ndirectory\n"
            assert number in ok(mount, f"find applications/{view} -type l; find -L applications/{view} -maxdepth 1 -type d")
        assert not os.path.lexists(mount / f"applications/by-state/closed/{number}")


# ---- while everything changes --------------------------------------------------


class Changes:
    """Moves a case along and sets a quota, again and again; knows every record that there was, by revision."""

    def __init__(self, client):
        self.client, self.known, self.stop = client, {}, threading.Event()
        self.names, self.error = [], None
        self.thread = threading.Thread(target=self._run)

    def learn(self, record):
        self.known[record.name, record.revision] = whole(record)

    def ask(self, name):
        """A case's change may have changed the quota too."""
        self.learn(self.client.call("GetApplication", as_=demo.DU, name=name))
        self.learn(self.client.call("GetQuota", as_=demo.CA, name=QUOTA))

    def _run(self):
        try:
            while not self.stop.is_set():
                self._round(len(self.names))
        except Exception as error:  # pylint: disable=broad-except
            self.error = error

    def _round(self, number):
        client = self.client
        name = demo.file(client).name
        self.ask(name)
        self.names.append(name)
        for action, who, form, _ in demo.COURSE:
            demo.act(client, name, action, who, **form)
            self.ask(name)
            self.learn(demo.set_limit(client, 100_000 + number * 1000 + len(self.known)))
            if self.stop.is_set():
                return

    def __enter__(self):
        self.thread.start()
        eventually(lambda: self.names or self.error, "the first case")
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        assert self.error is None, self.error

    def check(self, text):
        """A record that there was, and nothing between two of them."""
        read = json.loads(text)
        key = read["name"], int(read["revision"])
        eventually(lambda: key in self.known or self.error, f"{key} to be known")
        assert read == self.known[key], (read, self.known[key])
        return key[1]


WHOLE_READERS = ("cat", "cp", "tar", "rsync", "dd bs=7", "dd iflag=direct", "python", "python readinto", "gawk", "sed", "jq -Rr", "bash mapfile",
                 "grep -r", "tail -c", "curl", "busybox cat", "perl")


def test_nothing_is_torn_while_it_changes(server):
    seed = random.randrange(1 << 30)
    print(f"# seed {seed}")
    chance, seen, last = random.Random(seed), set(), {}
    with mounted(server) as mount, scratch() as tmp, Changes(server.client()) as changes:
        for _ in range(rounds(6)):
            for reader in (BY_NAME[name] for name in WHOLE_READERS):
                path = chance.choice((QUOTA, changes.names[-1])) + "/record.json"
                ran = shell(mount, reader.script.format(path=path, copy="", out=tmp / "out"))
                assert ran.status == 0 or reader.needs == "tar", (reader.name, ran)
                revision = changes.check(ran.out)
                assert revision >= last.get(path, 0), "older than what was read before"
                last[path] = revision
                seen.add((path, revision))
        for _ in range(rounds(300)):
            path = mount / chance.choice((QUOTA, changes.names[-1])) / "record.json"
            with open(path, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                text = file.read()
            assert len(text) == size, (len(text), size)
            seen.add((str(path), changes.check(text)))
        assert len(seen) > 3, seen


def test_recursive_tools_end_while_everything_changes(server):
    with mounted(server) as mount, scratch() as tmp, Changes(server.client()) as changes:
        for script in ("find applications quotas/{d} -ls", "grep -rc '' applications", "tar cf {tmp}/all.tar applications --warning=no-all",
                       "ls -lR applications", "du -s applications", "rsync -a applications/ {tmp}/copy/", "cp -r catalogue/cloud-server {tmp}/c",
                       "tree applications", "diff -r applications {tmp}/copy"):
            ran = shell(mount, script.format(d=demo.DEPARTMENT, tmp=tmp))
            assert ran.status in (0, 1, 2, 24), (script, ran)  # a case may close, and leave the list, while it is read
            assert not re.search("nput/output|Stale|Transport|shrank|Interrupted|Resource|not permitted|denied", ran.err), (script, ran)
        for copy in (tmp / "copy").glob("A-*/record.json"):
            changes.check(copy.read_text(encoding="utf-8"))


@contextlib.contextmanager
def following(mount, *words):
    """tail as a process, and the file that it writes to."""
    with scratch() as tmp, open(tmp / "seen", "wb") as out:
        tail = subprocess.Popen(["tail", "-s", "0.05", "-n", "+1", *words], cwd=mount.point, stdout=out, stderr=subprocess.PIPE,
                                env={"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": home()})
        try:
            yield pathlib.Path(tmp) / "seen"
            assert tail.poll() is None, tail.stderr.read()
        finally:
            tail.send_signal(signal.SIGTERM)
            errors = tail.communicate()[1].decode()
        assert "truncated" not in errors and "error" not in errors, errors


def test_tail_follows_what_grows_by_handle_and_by_name(server):
    client = server.client()
    with mounted(server, "as=" + demo.CA) as mount:
        mount.read("events")
        with following(mount, "-f", "events") as one, following(mount, "-F", "events") as two:
            name = demo.file(client).name
            demo.walk(client, name, "closed")
            for seen in (one, two):
                eventually(lambda: f"\t{name}\tconfirm" in seen.read_text(encoding="utf-8"), "tail to see the end")
            assert one.read_text(encoding="utf-8") == two.read_text(encoding="utf-8") == mount.read("events")


def test_tail_follows_the_history_of_a_case(server):
    client = server.client()
    name = demo.file(client).name
    with mounted(server, "as=" + demo.CA) as mount:
        with following(mount, "-f", f"{name}/history") as one, following(mount, "-F", f"{name}/history") as two:
            demo.walk(client, name, "closed")
            for seen in (one, two):
                eventually(lambda: "\tconfirm\t" in seen.read_text(encoding="utf-8"), "tail to see the end")
            assert one.read_text(encoding="utf-8") == two.read_text(encoding="utf-8") == mount.read(f"{name}/history")


if __name__ == "__main__":
    main()
