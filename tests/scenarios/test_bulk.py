#!/usr/bin/python3
"""A province's registers come in by file: quickly, in bounded memory, and again after an interruption."""
# timeout: 1200
import json
import os
import pathlib
import pty
import random
import re
import select
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import bulk, demo, eventually, main, program, run_zwy  # noqa: E402

LONG = os.environ.get("ZWY_ROUNDS") == "long"
SIZES = bulk.PROVINCE if LONG else (300, 120, 3_000)
CA, ADMIN = f"principals/{demo.CA}", "principals/demo"
# What a program may hold of its own while it passes many records on, kB: far below the files.
CLIENT_KB, SERVER_KB = 64 << 10, 256 << 10
SUMMARY = re.compile(r"(\d+) created, (\d+) updated, (\d+) unchanged, (\d+) refused \(revision (\d+)\)")
DEPARTMENTS = "slug,name-zh,level,region\n"


def summary(ran):
    found = SUMMARY.search(ran.out)
    assert found, ran
    return tuple(int(n) for n in found.groups())


def own_memory(pid):
    """Of a process that runs, kB: without the files that it maps."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    raise AssertionError(pid)


def zwy_measured(server, *words, as_):
    """Runs zwy with its output thrown away; status and the most memory that it had, kB."""
    child = subprocess.Popen([program("zwy"), "--server", server.unix, "--as", as_, *words], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, used.ru_maxrss


def rows(count, begin=0):
    return "".join(f"b-{n},批量部门{n},province,320000\n" for n in range(begin, begin + count))


def write(server, text, name="bulk.csv"):
    path = server.directory / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def head(server):
    return server.client().call("GetHead", as_=demo.CA).revision


def bring_in(server, plan, expect):
    """Imports everything; how many records of each collection were counted under each heading."""
    counted = {}
    for collection, path, ran in bulk.bring_in(server, plan):
        found = summary(ran)
        assert sum(found[:4]) == found[expect], (path, ran)
        counted[collection] = counted.get(collection, 0) + found[expect]
    return counted


def test_a_province_comes_in_and_comes_in_again_unchanged(server):
    seed = random.randrange(1 << 30)
    print(f"# seed {seed}, {SIZES}", flush=True)
    form = random.Random(seed).choice(("csv", "jsonl"))
    plan = bulk.write(server.directory / "province", seed, *SIZES, form=form)
    counted = bring_in(server, plan, 0)
    assert (counted["departments"], counted["systems"], counted["quotas"]) == SIZES, counted
    assert own_memory(server.pid) < SERVER_KB
    before = head(server)
    assert bring_in(server, plan, 2) == counted
    assert head(server) == before
    # As quick to use as before: a page and a record, whatever lies beside them.
    assert "quantity" in demo.quota(server.client(), service="cloud-server")
    name = demo.file(server.client()).name
    assert name.startswith("applications/A-")
    status, memory = zwy_measured(server, "export", "quotas", as_=f"principals/{demo.CITY_CA}")
    assert status == 0 and memory < CLIENT_KB, (status, memory)
    server.restart()
    assert demo.get(server.client(), name).name == name


def test_the_generator_gives_the_same_bytes_for_the_same_seed(server):
    made = []
    for name in ("a", "b"):
        plan = bulk.write(server.directory / name, 7, 40, 10, 200)
        made.append([(who, collection, pathlib.Path(path).read_bytes()) for who, collection, path in plan])
    assert made[0] == made[1]


def test_a_batch_is_all_or_nothing_and_those_before_it_stay(server):
    text = DEPARTMENTS + rows(250) + "b-250,丙,city,999999\n" + rows(100, 300)
    ran = server.zwy("import", "departments", write(server, text), "--batch", "100", as_=CA)
    assert ran.status == 1, ran
    assert summary(ran)[:4] == (200, 0, 0, 100), ran
    # File, row, record, what is wrong; and which rows are not in.
    for word in ("bulk.csv", "row 252", "departments/b-250", "999999", "rows 202 to 301"):
        assert word in ran.err, (word, ran)
    names = {d.name for d in server.client().list("ListDepartments", as_=demo.CA, page_size=500)}
    assert "departments/b-199" in names and "departments/b-200" not in names
    # Mended, the same command goes on.
    ran = server.zwy("import", "departments", write(server, text.replace("city,999999", "province,320000")), "--batch", "100", as_=CA)
    assert ran.status == 0 and summary(ran)[:4] == (151, 0, 200, 0), ran


def test_a_field_that_is_refused_is_named_with_its_line(server):
    records = [{"name": f"quotas/provincial-finance/{slug}", "dimensions": [{"name": "quantity", "limit": 7}]}
               for slug in ("sms", "bare-metal")]
    records[1]["dimensions"][0]["name"] = "lightyears"
    text = json.dumps(records[0]) + "\n\n" + json.dumps(records[1]) + "\n"
    before = head(server)
    ran = server.zwy("import", "quotas", write(server, text, "bulk.jsonl"), as_=CA)
    assert ran.status == 1 and "line 3" in ran.err and "dimensions" in ran.err and "quantity" in ran.err, ran
    assert head(server) == before


def test_what_cannot_be_read_is_told_before_anything_is_written(server):
    before = head(server)
    text = DEPARTMENTS + rows(5_000) + "b-5000,丁,planet,320000\n"
    ran = server.zwy("import", "departments", write(server, text), as_=CA)
    assert ran.status == 1 and "row 5002" in ran.err and "level" in ran.err and "province" in ran.err, ran
    assert head(server) == before
    ran = server.zwy("import", "departments", write(server, DEPARTMENTS + rows(3) + 'b-3,"丁,province,320000\n' + rows(9, 9)), as_=CA)
    assert ran.status == 1 and "row 5" in ran.err, ran
    assert head(server) == before


def test_rows_are_read_whole_wherever_a_piece_ends(server):
    """Names with line breaks, quotes and long texts, many pieces long, also through a pipe."""
    names = {f"b-{n}": f'部门"{n}"\n第二行,' + "长" * (n * 37 % 900) for n in range(400)}
    text = DEPARTMENTS + "".join('%s,"%s",province,320000\n' % (slug, name.replace('"', '""')) for slug, name in names.items())
    ran = server.zwy("import", "departments", "-", as_=CA, stdin=text)
    assert ran.status == 0 and summary(ran)[0] == len(names), ran
    got = {d.name.split("/")[1]: d.name_zh for d in server.client().list("ListDepartments", as_=demo.CA, page_size=500)}
    assert {slug: got[slug] for slug in names} == names


def test_a_replay_is_answered_as_the_first_time(server):
    path = write(server, DEPARTMENTS + rows(250))
    first = server.zwy("import", "departments", path, "--batch", "100", "--request-id", "spring", as_=CA)
    assert first.status == 0 and summary(first)[:4] == (250, 0, 0, 0), first
    before = head(server)
    again = server.zwy("import", "departments", path, "--batch", "100", "--request-id", "spring", as_=CA)
    assert again.status == 0 and again.out == first.out, (first, again)
    assert head(server) == before
    other = server.zwy("import", "departments", path, "--batch", "100", as_=CA)
    assert other.status == 0 and summary(other)[:4] == (0, 0, 250, 0), other


def test_an_import_goes_on_after_the_server_or_the_client_was_killed(server):
    total = 60_000 if LONG else 12_000
    path = write(server, DEPARTMENTS + rows(total))
    words = [program("zwy"), "--server", server.unix, "--as", CA, "import", "departments", path, "--batch", "50"]
    done = {}
    for victim in ("client", "server"):
        before = head(server)
        child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        eventually(lambda: head(server) > before + 200, "some batches to be in")
        if victim == "client":
            child.kill()
            child.communicate()
            continue
        # The client waits for the server, and asks for the batch under way once more by its id.
        server.kill()
        server.start()
        out, err = child.communicate(timeout=300)
        assert child.returncode == 0, (child.returncode, out, err)
        done = dict(zip(("created", "updated", "unchanged", "refused"), map(int, SUMMARY.search(out).groups())))
    assert done["created"] + done["unchanged"] == total and not done["updated"] and not done["refused"], done
    assert done["unchanged"] >= 200 and done["unchanged"] % 50 == 0, done  # whole batches and nothing else
    history = server.client().list("ListEvents", as_=demo.CA, parent="departments/b-0")
    assert [e.action for e in history] == ["create"]


def test_an_import_that_cannot_reach_the_server_any_more_says_what_is_in(server):
    path = write(server, DEPARTMENTS + rows(12_000))
    child = subprocess.Popen([program("zwy"), "--server", server.unix, "--as", CA, "import", "departments", path,
                              "--batch", "50", "--timeout", "3"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    before = head(server)
    eventually(lambda: head(server) > before + 200, "some batches to be in")
    server.kill()
    out, err = child.communicate(timeout=120)
    assert child.returncode in (6, 7) and "may be" in err and "goes on there" in err, (child.returncode, out, err)
    created = int(SUMMARY.search(out).group(1))
    server.start()
    ran = run_zwy(server.unix, "import", "departments", path, as_=CA, timeout=300)
    assert ran.status == 0 and summary(ran)[2] in (created, created + 50), (out, ran)


def test_a_terminal_gets_a_bar_and_a_file_none(server):
    path = write(server, DEPARTMENTS + rows(3_000))
    ran = server.zwy("import", "departments", path, as_=CA)
    assert ran.status == 0 and ran.err == "", ran
    ours, theirs = pty.openpty()
    child = subprocess.Popen([program("zwy"), "--server", server.unix, "--as", CA, "import", "departments", path, "--batch", "10"],
                             stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    seen = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(ours)
    out = child.communicate()[0].decode()
    assert child.returncode == 0 and "3000 unchanged" in out, (child.returncode, out)
    text = seen.decode()
    assert re.search(r"departments \[[#.]+\] +\d+ %, [\d,]+ of 3,000 records, [\d,]+/s", text), text
    assert text.endswith("\r\x1b[K"), text


if __name__ == "__main__":
    main()
