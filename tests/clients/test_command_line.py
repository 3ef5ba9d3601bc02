#!/usr/bin/python3
"""`zwy`: what each command prints, and what it says when it cannot. smoke: yes"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import demo, eventually, main, program, run_zwy, with_server  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
DU, CA, OP = (f"principals/{who}" for who in (demo.DU, demo.CA, demo.OP))
NOWHERE = "unix:/nonexistent/zwyd.sock"


def rows(path, macro):
    """First arguments of the rows of a .def table."""
    return re.findall(rf"^{macro}\(\"?([\w-]+)", (ROOT / path).read_text(encoding="utf-8"), re.M)


def submit(server, text=None, **options):
    ran = server.zwy("submit", "-", as_=DU, stdin=text or demo.text(), **options)
    assert ran.status == 0, ran
    return ran.out.strip()


# -- usage ------------------------------------------------------------------


def test_help_names_every_command_and_option():
    said = run_zwy(NOWHERE, "--help").out
    for name in rows("clients/cli/commands.def", "COMMAND"):
        assert re.search(rf"^  {name}\b", said, re.M), name
        own = run_zwy(NOWHERE, "help", name)
        assert own.status == 0 and own.out.startswith(f"usage: zwy {name}"), own
        assert run_zwy(NOWHERE, name, "--help").out == own.out
    everything = said + "".join(run_zwy(NOWHERE, "help", name).out for name in rows("clients/cli/commands.def", "COMMAND"))
    for option in re.findall(r'^OPTION\(\w+,\s+"([\w-]+)"', (ROOT / "clients/cli/options.def").read_text(), re.M):
        assert f"--{option}" in everything, option


def test_wrong_usage_is_told_and_never_sent():
    for words in ((), ("dance",), ("get",), ("get", "a", "b"), ("list", "--page-size", "many", "applications"),
                  ("list", "applications", "--since", "3"), ("deadline", "--working-days", "5"),
                  ("deadline", "--from", "2026-02-30", "--working-days", "5"), ("deadline", "--from", "2026-02-01"),
                  ("deadline", "--from", "2026-02-01", "--months", "1", "--before", "2"), ("--output", "yaml", "inbox"),
                  ("--timeout", "0", "inbox"), ("--no-such-option", "inbox"), ("act", "A-2026-000001", "accept", "comment"),
                  ("act", "A-2026-000001", "fail", "reason=a", "reason=b"), ("watch", "--since", "yesterday"),
                  ("submit", "/nonexistent/a.req")):
        ran = run_zwy(NOWHERE, *words)
        assert ran.status == 2 and ran.err.startswith("zwy: ") and not ran.out, (words, ran)
    ran = run_zwy("nowhere", "inbox")
    assert ran.status == 2 and "HOST:PORT" in ran.err, ran


def test_a_server_that_is_away_is_unavailable_for_every_command(server):
    server.stop()
    for words in (("get", "A-2026-000001"), ("list", "applications"), ("submit", "-"), ("act", "A-2026-000001", "accept"),
                  ("why", "A-2026-000001"), ("inbox",), ("watch",), ("rules",), ("rules", "13"), ("whoami",),
                  ("deadline", "--from", "2026-01-05", "--working-days", "5"), ("export", "applications")):
        ran = server.zwy(*words, stdin=demo.text())
        assert ran.status == 6 and "what to do" in ran.err and not ran.out, (words, ran)


def test_the_target_comes_from_the_environment(server):
    ran = run_zwy(None, "whoami", env={"ZWY_SERVER": server.unix})
    assert ran.status == 0 and "principal.name=" in ran.out, ran


# -- reading ------------------------------------------------------------------


def test_get_prints_text_json_and_table(server):
    name = "catalogue/cloud-server"
    text = server.zwy("get", name, as_=DU).out.splitlines()
    assert text[0] == f"name={name}" and "name-zh=云服务器" in text, text
    record = json.loads(server.zwy("--output", "json", "get", name, as_=DU).out)
    assert record["nameZh"] == "云服务器" and record["seq"] == 1, record
    heading, row = server.zwy("get", name, "--output", "table", as_=DU).out.splitlines()
    assert heading.split()[0] == "name" and row.split()[:2] == [name, "云服务器"], (heading, row)


def test_lists_are_whole_whatever_the_page_size(server):
    wanted = None
    for size in ("1", "7", "44", "1000"):
        ran = server.zwy("list", "catalogue", "--page-size", size, "--output", "json", as_=DU)
        names = [json.loads(line)["name"] for line in ran.out.splitlines()]
        assert len(names) == 44 and names == sorted(names) and (wanted is None or names == wanted), (size, names)
        wanted = names
    mandatory = server.zwy("list", "catalogue", "--filter", "requirement=mandatory", "--output", "json", as_=DU)
    assert mandatory.out.count("\n") == 19, mandatory
    records = server.zwy("list", "nodes", as_=DU).out.split("\n\n")
    assert len(records) == 14 and all(record.startswith("name=nodes/") for record in records), records


def column(line, text):
    """Where the text begins on the screen."""
    before = line[:line.index(text)]
    return sum(2 if ord(c) > 0x2E80 else 1 for c in before)


def test_columns_line_up_under_chinese_text(server):
    lines = server.zwy("list", "catalogue", "--output", "table", as_=DU).out.splitlines()
    assert len(lines) == 45, lines

    place = column(lines[0], "layer")
    for line in lines[1:]:
        layer = re.search(r" (iaas|paas|saas) ", line).group(1)
        assert column(line, f" {layer} ") + 1 == place, line


def test_columns_line_up_where_a_cell_has_several_values(server):
    lines = server.zwy("list", "principals", "--output", "table").out.splitlines()
    place = column(lines[0], "organisation")
    demo_line, = [line for line in lines if " adm du " in line]
    for line in [demo_line] + [line for line in lines if line.startswith("principals/core-du ")]:
        assert column(line, " provincial-finance ") + 1 == place, (lines[0], line)


def test_an_id_is_not_its_collection(server):
    ident = submit(server)
    ran = server.zwy("list", ident, as_=DU)
    assert ran.status == 1 and not ran.out, ran
    ran = server.zwy("list", "catalogue/" + "x" * 600, as_=DU)
    assert ran.status == 1 and not ran.out, ran


def test_nested_collections_and_their_parents(server):
    some = server.zwy("list", f"quotas/{demo.DEPARTMENT}", "--output", "json", as_=CA).out.splitlines()
    every = server.zwy("list", "quotas", "--output", "json", as_=CA).out.splitlines()
    assert 0 < len(some) < len(every), (len(some), len(every))
    assert {json.loads(line)["name"].split("/")[1] for line in some} == {demo.DEPARTMENT}
    ident = submit(server)
    entries = server.zwy("list", f"quotas/{demo.DEPARTMENT}/block-storage/entries", as_=CA)
    assert entries.status == 0 and f"cause=applications/{ident}" in entries.out, entries
    assert server.zwy("list", f"applications/{ident}/documents", as_=DU).status == 0
    assert server.zwy("list", f"{ident}/documents/", as_=DU).status in (0, 1)


def test_a_filter_that_cannot_be_read_says_what_is_allowed(server):
    ran = server.zwy("list", "applications", "--filter", "color=red", as_=DU)
    assert ran.status == 1 and "color" in ran.err and "BAD_FILTER" in ran.err, ran


def test_rules_show_the_article_and_what_is_done_about_it(server):
    assert server.zwy("rules", as_=DU).out.count("\n") == 37  # 36 articles and the appendix
    said = server.zwy("rules", "14", as_=DU).out
    assert "第十四条/Art. 14" in said and "五个工作日" in said and "What the system does" in said, said
    assert server.zwy("rules", "99", as_=DU).status == 3


# -- filing and acting -----------------------------------------------------------


def test_submitting_the_same_bytes_again_is_the_same_application(server):
    first = submit(server)
    assert re.fullmatch(r"A-2026-\d{6}", first), first
    assert submit(server) == first
    assert submit(server, demo.text() + "# once more\n") != first
    third = server.zwy("submit", "-", "--request-id", "mine", as_=DU, stdin=demo.text())
    assert third.out.strip() != first
    ran = server.zwy("submit", "-", "--request-id", "mine", as_=DU, stdin=demo.text(system="budget-analysis"))
    assert ran.status == 5 and "KEY_REUSED" in ran.err, ran


def test_submit_takes_json_and_does_not_need_the_submit_line(server):
    record = json.loads(server.zwy("--output", "json", "get", submit(server), as_=DU).out)
    request = {key: record[key] for key in ("kind", "system", "zone", "purpose", "cloudPlan", "document", "items")}
    for item in request["items"]:
        item.pop("catalogueVersion", None)
    path = server.directory / "request.json"
    path.write_text(json.dumps(request), encoding="utf-8")
    ran = server.zwy("submit", path, as_=DU)
    assert ran.status == 0 and ran.out.startswith("A-2026-"), ran
    assert submit(server, demo.text().replace("\nsubmit\n", "\n").replace("tests", "other")).startswith("A-2026-")
    ran = server.zwy("submit", "-", as_=DU, stdin=demo.text() + "more\n")
    assert ran.status == 1 and not ran.out, ran


def test_a_draft_prints_its_id_and_what_is_missing(server):
    ran = server.zwy("submit", "-", as_=DU, stdin=demo.text(documents=("security-filing",)))
    assert ran.status == 0 and re.fullmatch(r"A-2026-\d{6}\n", ran.out), ran
    assert "draft" in ran.err and "construction-plan-approval" in ran.err and "security-filing:" not in ran.err, ran


def test_act_names_the_state_and_guards_by_revision(server):
    ident = submit(server)
    ran = server.zwy("--output", "json", "act", ident, "accept", "comment=收到", as_=CA)
    answer = json.loads(ran.out)
    assert answer["state"] == "accepted", ran
    ran = server.zwy("act", ident, "assign", "--revision", "1", as_=OP)
    assert ran.status == 5 and "STALE_REVISION" in ran.err, ran
    assert server.zwy("act", ident, "assign", "--revision", answer["revision"], as_=OP).status == 0
    events = server.zwy("list", "audit", "--output", "json", as_=CA).out.splitlines()
    assert any(json.loads(line).get("comment") == "收到" for line in events), events[-5:]


def test_a_refusal_cites_the_article_in_both_languages_and_lists_every_defect(server):
    ident = submit(server)
    for action, who in (("accept", CA), ("assign", OP)):
        assert server.zwy("act", ident, action, as_=who).status == 0
    ran = server.zwy("act", ident, "opinion", "result=pass", as_=OP)
    first, *rest = ran.err.splitlines()
    assert ran.status == 1 and "第十三条/Art. 13" in first and first.startswith(f"zwy: act {ident} opinion: "), ran
    for key in ("complexity", "configuration", "architecture"):
        assert any(line.startswith(f"  {key}: ") for line in rest), (key, rest)


def test_why_and_inbox_say_who_must_act_by_when(server):
    ident = submit(server)
    said = server.zwy("why", ident, as_=CA).out
    assert "submitted" in said and "due: 2026-11-24" in said and "accept" in said and "Art. 13" in said, said
    inbox = server.zwy("inbox", as_=CA).out
    assert inbox.split()[:3] == ["2026-11-24", ident, "submitted"] and "return_incomplete" in inbox, inbox
    assert "internal target" in inbox, inbox
    entry = json.loads(server.zwy("--output", "json", "inbox", as_=CA).out)
    assert entry["name"] == f"applications/{ident}" and entry["next"][0]["action"], entry
    assert server.zwy("inbox", as_=OP).out == ""
    server.zwy("act", ident, "accept", as_=CA)
    assert ident in server.zwy("inbox", as_=OP).out


def test_the_inbox_is_sorted_by_due_date(server):
    late = submit(server)
    server.set_clock("2026-11-23T10:00:00+08:00")
    later = submit(server, demo.text() + "# later\n")
    lines = server.zwy("inbox", as_=CA).out.splitlines()
    assert [line.split()[1] for line in lines] == [late, later], lines


# -- watching -------------------------------------------------------------------


class Watch:
    def __init__(self, server, *words):
        self.out = server.directory / "watched"
        with open(self.out, "wb") as out, open(server.directory / "watched.err", "wb") as err:
            self.process = subprocess.Popen([program("zwy"), "--server", server.unix, "--as", CA, "watch", *words],
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    def lines(self):
        return self.out.read_text(encoding="utf-8").splitlines()

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=30)


def test_watch_prints_every_change_once_also_over_a_crash(server):
    first = submit(server)
    watch = Watch(server, "applications/", "--since", "0")
    eventually(lambda: len(watch.lines()) >= 2, "the events so far")
    server.zwy("act", first, "accept", as_=CA)
    eventually(lambda: any(" accept submitted→accepted " in line for line in watch.lines()), "the acceptance")
    server.kill()
    server.start()
    server.zwy("act", first, "assign", as_=OP)
    eventually(lambda: any(" assign accepted→under_review " in line for line in watch.lines()), "the assignment")
    assert server.restart()
    submit(server, demo.text() + "# second\n")
    eventually(lambda: any("A-2026-000002 submit" in line for line in watch.lines()), "the second application")
    assert watch.stop() == 0
    wanted = [line for line in server.zwy("list", "audit", "--output", "json", as_=CA).out.splitlines()
              if json.loads(line)["name"].startswith("applications/")]
    assert [line.split()[0] for line in watch.lines()] == [json.loads(line)["revision"] for line in wanted], watch.lines()


def test_watch_begins_with_what_comes(server):
    submit(server)
    watch = Watch(server)
    ident = None

    def seen():
        nonlocal ident
        ident = submit(server, demo.text() + f"# {os.urandom(4).hex()}\n")
        return watch.lines()

    eventually(seen, "an event")
    assert watch.stop() == 0
    assert "A-2026-000001" not in watch.out.read_text(encoding="utf-8")


# -- whole collections, identity, time ----------------------------------------------


def test_json_lines_go_out_and_come_back_unchanged(server):
    ran = server.zwy("export", "principals", "--output", "json", as_="principals/demo")
    path = server.directory / "principals.jsonl"
    path.write_text(ran.out, encoding="utf-8")
    again = server.zwy("import", "principals", path, as_="principals/demo")
    assert again.status == 0 and again.out.startswith("0 created, 0 updated,"), again


def test_an_import_of_many_batches_is_taken_whole(server):
    count = 6000
    path = server.directory / "departments.csv"
    path.write_text("slug,name-zh,level,region\n" + "".join(f"many-{n},{'单位' * 60}{n},province,320000\n" for n in range(count)),
                    encoding="utf-8")
    assert path.stat().st_size > 2 << 20
    ran = server.zwy("import", "departments", path, as_=CA)
    assert ran.status == 0 and ran.out.startswith(f"{count} created"), ran


@with_server(tcp_as="demo")
def test_over_tcp_and_for_whom(server):
    ran = run_zwy(server.tcp, "whoami", as_=demo.DU)
    assert ran.status == 0 and f"principal.name={DU}" in ran.out and "actor=principals/demo" in ran.out, ran
    ran = run_zwy(server.tcp, "whoami", as_="principals/nobody-at-all")
    assert ran.status in (3, 4) and ran.err, ran


def test_check_finds_nothing_in_a_good_store_and_says_where_there_is_none(server):
    submit(server)
    assert run_zwy(None, "check", server.data).status == 6
    assert server.stop() == 0
    ran = run_zwy(None, "check", server.data)
    assert ran.status == 0 and " 0 problems" in ran.out, ran
    ran = run_zwy(None, "check", "/nonexistent")
    assert ran.status == 1 and ran.err, ran


if __name__ == "__main__":
    main()
