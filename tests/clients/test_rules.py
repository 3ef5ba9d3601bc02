#!/usr/bin/python3
"""`zwy rules`: the processes as drawings, and what carries each paragraph out and proves it."""
import json
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import Skip, demo, main  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = ROOT / "server" / "rules"
DU = f"principals/{demo.DU}"
STRING = r'"((?:[^"\\]|\\.)*)"'


def table(path):
    """The text of a .def table with those that it includes."""
    text = path.read_text(encoding="utf-8")
    return re.sub(r'^#include "rules/([\w.]+)"$', lambda found: table(RULES / found[1]), text, flags=re.M)


def rows(path, macro):
    """First arguments of the rows of a .def table, with repetitions."""
    return re.findall(rf"^(?:USE_)?{macro}\(\"?([\w.-]+)", table(path), re.M)


def processes():
    return rows(RULES / "processes.def", "PROCESS")


def registers():
    """{collection: its kind in registers.def}."""
    text = (RULES / "registers.def").read_text(encoding="utf-8")
    return {name: kind for kind, name in re.findall(r'^REGISTER\((\w+), "([\w-]+)"', text, re.M)}


def digraphs(text):
    """{name: (states, final states, edges)} of Graphviz text; whatever is neither node nor edge is looked at too."""
    found = {}
    for name, body in re.findall(rf'^digraph {STRING} {{\n(.*?)^}}$', text, re.M | re.S):
        states, final, edges = [], [], []
        for line in body.splitlines():
            node = re.fullmatch(rf'\t{STRING} \[label={STRING}(, peripheries=2)?\];', line)
            edge = re.fullmatch(rf'\t{STRING} -> {STRING}(?: \[label={STRING}(, style=dashed)?\])?;', line)
            if node:
                states.append(node[1])
                final += [node[1]] * bool(node[3])
            elif edge and edge[1]:
                edges.append((edge[1], edge[2], edge[3], bool(edge[4])))
            else:
                assert edge or re.match(r'\t(label=|labelloc=t;|node \[|"" \[shape=point\];)', line), line
        found[name] = (states, final, edges)
    return found


def test_every_process_is_drawn_with_every_row(server):
    drawn = digraphs(server.zwy("rules", "--dot", as_=DU).out)
    assert list(drawn) == processes() + list(registers())
    for name, (states, final, edges) in drawn.items():
        kind = registers().get(name)
        if kind:
            table = RULES / "registers.def"
            assert len(states) == rows(table, "REGISTER_STATE").count(kind), name
            assert len(edges) == rows(table, "REGISTER_STEP").count(kind), name
        else:
            assert len(states) == len(rows(RULES / f"{name}_states.def", "STATE")), name
            assert len(edges) == len(rows(RULES / f"{name}.def", "STEP")), name
        assert final and not any(start in final for start, *_ in edges)
        assert {end for pair in edges for end in pair[:2]} == set(states)


def test_one_process_is_drawn_with_roles_and_clocks(server):
    said = server.zwy("rules", "--dot", "regular", as_=DU).out
    (name, (_, final, edges)), = digraphs(said).items()
    assert name == "regular" and "closed" in final and "draft" not in final
    assert ("draft", "submitted", r"submit\ndu\nstarts accept", False) in edges, edges
    assert ("need_supplement", "lapsed", r"lapse\nthe system\nstops supplement", True) in edges, edges
    assert ("pending_decision", "approved", r"decide decision=approve\nca\nstarts provision\nstops approve",
            False) in edges, edges


def test_a_register_is_drawn_as_processes_are(server):
    (name, (_, final, edges)), = digraphs(server.zwy("rules", "--dot", "forecasts", as_=DU).out).items()
    assert name == "forecasts" and final == ["lapsed"]
    assert ("draft", "submitted", r"submit\ndu", False) in edges, edges
    assert ("pre_reviewing", "opinion_adjust", r"opinion result=adjust\nop", False) in edges, edges
    assert ("consumed", "lapsed", r"lapse\nthe system", True) in edges, edges


def test_graphviz_takes_what_is_drawn(server):
    text = server.zwy("rules", "--dot", as_=DU).out
    if not shutil.which("dot"):
        raise Skip("Graphviz is not installed")
    ran = subprocess.run(["dot", "-Tplain"], input=text, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("graph ") == len(processes()) + len(registers())


def test_other_systems_get_the_rows_too(server):
    process = json.loads(server.zwy("rules", "--dot", "regular", "--output", "json", as_=DU).out)
    assert process["kind"] == "APPLICATION_KIND_REGULAR" and process["deciders"] == ["ca"], process
    terms = {t["name"]: t for t in process["terms"]}
    assert terms["provision"]["statutory"] and terms["provision"]["parameter"] == "provision.wd", terms
    assert {t["unit"] for t in terms.values()} <= {"working_days", "months", "hours"}, terms
    opinion = [s for s in process["steps"] if s["action"] == "opinion"]
    assert [s["when"] for s in opinion] == ["result=pass", "result=return", "result=fail"]
    assert "result*" in opinion[0]["form"]


def test_what_is_not_there_is_said_with_what_is(server):
    ran = server.zwy("rules", "--dot", "irregular", as_=DU)
    assert ran.status == 3 and "regular" in ran.err, ran
    for article in ("38", "x", "0"):
        assert server.zwy("rules", "--coverage", article, as_=DU).status == 3, article
    ran = server.zwy("rules", "--dot", "--coverage", as_=DU)
    assert ran.status == 2 and "--coverage" in ran.err, ran


def test_coverage_tells_of_each_paragraph_who_carries_it_out(server):
    said = server.zwy("rules", "--coverage", as_=DU).out
    assert said.count("/Art. ") == 36
    ids = rows(RULES / "coverage.def", "PROVISION")
    assert re.findall(r"^  (\d[\w.]*) ", said, re.M) == ids
    summary = re.search(r"^(\d+) provisions: (\d+) carried out, (\d+) in part, (\d+) silent$", said, re.M)
    total, *parts = map(int, summary.groups())
    assert total == len(ids) == sum(parts), summary
    one = server.zwy("rules", "--coverage", "14", as_=DU).out
    assert "第十四条/Art. 14" in one and "Art. 13" not in one and "term:regular/provision" in one, one


def test_each_paragraph_is_proved_by_tests_that_exist_or_says_why_it_is_silent(server):
    functions = set()
    for path in (ROOT / "tests").rglob("*"):
        if path.suffix in (".c", ".py"):
            functions |= set(re.findall(r"^(?:def )?([a-z]\w+)\(", path.read_text(encoding="utf-8"), re.M))
    out = server.zwy("rules", "--coverage", "--output", "json", as_=DU).out
    articles = [json.loads(line) for line in out.splitlines()]
    assert len(articles) == 37
    for article in articles:
        assert article.get("provisions"), article
        for p in article["provisions"]:
            proved = p.get("rows") and p.get("tests")
            assert proved or p.get("silent"), f"{p['id']}: neither carried out and tested, nor said why not"
            missing = [t for t in p.get("tests", []) if t not in functions]
            assert not missing, f"{p['id']}: there are no tests {missing}"


if __name__ == "__main__":
    main()
