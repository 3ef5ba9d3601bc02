#!/usr/bin/python3
"""Every way of writing a request, in every case: what it files, what it leaves, what it tells. timeout: 300 smoke: yes"""
import collections
import errno
import json
import os
import re
import time

from fstest import WHOLE, applications, demo, main, missing, mounted, result, rounds, scratch, shell
from writers import BY_NAME, WRITERS

TEXT = WHOLE.replace("purpose=tests", "purpose=测试用的申请")
JSON = json.dumps({"kind": "APPLICATION_KIND_REGULAR", "system": demo.SYSTEM, "zone": "ZONE_EXTRANET", "purpose": "测试用的申请",
                   "cloudPlan": {"architecture": "a", "demand": "b", "quantities": "c", "operationsSecurity": "d"},
                   "document": demo.digests(), "items": [{"service": "block-storage", "quantity": "4"}]},
                  ensure_ascii=False, indent=1) + "\n"
SMALL, LARGE = 100_000, 99_999_999  # what there is, and more than there is

# What is written, by a change of the text that the rules accept.
#   file:  those of the same letter write the same file, one after the other
#   errno: of its refusal; None: it is accepted
#   word:  stands in the result's error
Case = collections.namedtuple("Case", "name file change errno word")
CASES = (
    Case("new", "a", lambda text, json_: text, None, ""),
    Case("again", "a", lambda text, json_: text, None, ""),
    Case("by cp", "a", lambda text, json_: text, None, ""),
    Case("other", "a", lambda text, json_: text.replace("4", "42", 1), errno.EEXIST, ""),
    Case("unended", "b", lambda text, json_: text.removesuffix("}\n" if json_ else "submit\n"), errno.EBADMSG, "not complete"),
    Case("mended", "b", lambda text, json_: text, None, ""),
    Case("bytes", "c", lambda text, json_: text.replace("测", "\udcff\udcfe"), errno.EBADMSG, "not UTF-8"),
    Case("key", "d", lambda text, json_: text.replace("zone", "zoon"), errno.EBADMSG, "zoon"),
    Case("after", "e", lambda text, json_: text + "more=1\n", errno.EBADMSG, "after `submit`"),
    Case("quota", "f", lambda text, json_: re.sub("(quantity\\W+)4", f"\\g<1>{LARGE}", text), errno.EDQUOT, "QUOTA_EXCEEDED"),
    Case("foreign", "g", lambda text, json_: text.replace(demo.SYSTEM, "health-records"), errno.EACCES, "FOREIGN_RECORD"),
    Case("role", "h", lambda text, json_: text, errno.EACCES, "WRONG_ROLE"),
    Case("long", "i", lambda text, json_: text.replace("测试", "测试" * 12_000), errno.EFBIG, "longer"),
)
SOON = ("new", "by cp", "other", "unended", "mended")  # leave and find a file that was accepted


class Trial:
    """One writer and one form, case by case."""

    def __init__(self, server, mount, stranger, tmp, writer, form, number):
        self.server, self.mount, self.stranger = server, mount, stranger
        self.source = tmp / "source"
        self.writer, self.form, self.number = writer, form, number
        self.text = JSON if form == "json" else TEXT
        self.accepted = {}  # by file: id, bytes
        self.known = set(applications(server))

    def expectation(self, case):
        """The errno of the refusal, and whether an application comes of it all the same."""
        rewrites = self.writer.rewrites
        if case.name == "bytes" and rewrites:
            return None, True
        if case.name == "after" and self.writer.pieces:
            return errno.EEXIST, True
        if case.name == "again" and not self.writer.repeats:
            return errno.EEXIST, False
        return case.errno, case.name in ("new", "mended")

    def run(self, case, at, name):
        writer = self.writer
        text = case.change(self.text, self.form == "json").encode("utf-8", "surrogateescape")
        if case.name == "by cp":  # what is there, by another hand
            writer, text = BY_NAME["cp"], self.accepted[case.file][1]
        self.source.write_bytes(text)
        instant = int(time.time()) - 100_000 + 10 * CASES.index(case)  # for rsync, which looks at the time
        os.utime(self.source, (instant, instant))
        script = writer.script.format(src=self.source, name=name, first=self.text.split("\n", 1)[0])
        return text, shell(at, script)

    def told(self, ran, eno):
        """How the tool reported: said, words, silent; ok where there was nothing to report."""
        says = self.writer.says
        words = os.strerror(eno) if says is None and eno else says
        found = bool(words) and re.search(words, ran.out + ran.err, re.IGNORECASE) is not None
        if ran.status:
            assert found or words == "" or not eno, f"does not say {words}"
            return "said"
        return "words" if found else "silent" if eno else "ok"

    def check(self, case):
        """What the cell shows; AssertionError where it is wrong."""
        at = self.stranger if case.name == "role" else self.mount
        name = f"{self.number}{case.file}.{self.form}"
        eno, files = self.expectation(case)
        written, ran = self.run(case, at, name)
        try:
            self.check_server(case, at, name, eno, files)
            self.check_file(case, at, name, written, eno)
            told = self.told(ran, eno)
            wanted = "ok" if eno is None else self.writer.unfinished if case.name == "unended" else self.writer.refused
            assert told == wanted, f"{told}, not {wanted}"
        except AssertionError as error:
            raise AssertionError(f"{error}; exit status {ran.status}, {(ran.out + ran.err)[-400:]!r}") from None
        return told

    def check_server(self, case, at, name, eno, files):
        now = set(applications(self.server))
        new, self.known = now - self.known, now
        assert len(new) == int(files), f"{len(new)} new applications"
        if not os.path.exists(at / "results" / name):
            assert eno == errno.EBADMSG, "no result"
            return
        outcome = result(at, name)
        if files:
            self.accepted[case.file] = new.pop().split("/")[1], b""
        if case.file in self.accepted:
            assert outcome == {"state": "accepted", "id": self.accepted[case.file][0], "error": ""}, outcome
        else:
            assert outcome["state"] == "refused" and outcome["id"] == "", outcome
            assert case.word in outcome["error"], outcome

    def check_file(self, case, at, name, written, eno):
        path = at / "requests" / name
        there = path.read_bytes() if path.exists() else None
        number, accepted = self.accepted.get(case.file, (None, None))
        if number and accepted:
            here = [at / "requests" / other for other in os.listdir(at / "requests") if other.startswith(name)]  # or its backup
            assert accepted.strip() in [other.read_bytes().strip() for other in here], "what was accepted is not there any more"
            assert there is None or there.strip() == accepted.strip(), "other bytes are there"
        elif number:
            assert eno or self.writer.rewrites or there == written, "not what was written"
            self.accepted[case.file] = number, there
        else:
            assert there is None or self.writer.rewrites or written.startswith(there), f"{there!r} is there"


def cases_of(number):
    """All; in a quick run half of those that leave nothing behind, in turn."""
    few = rounds(2, quick=1, long=2) == 1
    return [case for at, case in enumerate(CASES) if not few or case.name in SOON or (at + number) % 2]


def rows():
    """Writer, form; in a quick run every fifth."""
    every = [(writer, form) for writer in WRITERS for form in ("req", "json")
             if (form == "req" and writer.json != "only") or (form == "json" and writer.json)]
    return every[::5] if rounds(2, quick=1, long=2) == 1 else every


def show(title, cells):
    print(f"# {title:26}" + "".join(f"{cell:>8}" for cell in cells), flush=True)


def test_every_writer_in_every_case(server):
    demo.set_limit(server.client(), SMALL)
    wrong, absent = [], missing(WRITERS)
    show("", [case.name for case in CASES])
    with mounted(server) as mount, mounted(server, "as=" + demo.OP) as stranger, scratch() as tmp:
        for number, (writer, form) in enumerate(rows()):
            if writer.needs in absent:
                continue
            trial, cells = Trial(server, mount, stranger, tmp, writer, form, number), []
            for case in CASES:
                if case not in cases_of(number):
                    cells.append("-")
                    continue
                try:
                    cells.append(trial.check(case))
                except AssertionError as error:
                    cells.append("FAIL")
                    wrong.append(f"{writer.name} {form}, {case.name}: {error}")
            show(writer.name + (" json" if form == "json" else ""), cells)
            for at in (mount, stranger):
                shell(at, "rm -rf requests/* requests/.[!.]* drafts/*")
    print("# ok: accepted; said: refused, by exit status; words: by a message alone; silent: only results/ tells")
    assert not wrong, "\n".join(wrong)
    assert not absent, f"not installed: {absent}"


if __name__ == "__main__":
    main()
