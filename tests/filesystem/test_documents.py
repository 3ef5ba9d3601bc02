#!/usr/bin/python3
"""Documents: copied in, stored by digest at close, read back. smoke: yes"""
import hashlib
import os
import re

from fstest import DRAFT, demo, main, mounted, ok, request_file, result, rounds, scratch, shell
from writers import WRITERS


def draft(mount, name="a.req"):
    with scratch() as tmp:
        ok(mount, f"cp {request_file(tmp, text=DRAFT)} requests/{name}")
    return "applications/" + result(mount, name)["id"]


def test_a_draft_is_completed_by_copying_documents_in(server):
    with mounted(server) as mount, scratch() as tmp:
        case = draft(mount)
        for kind in demo.DOCUMENTS:
            (tmp / f"{kind}.pdf").write_bytes(demo.body(kind))
            ok(mount, f"cp {tmp}/{kind}.pdf {case}/documents/{kind}/")
            assert (mount / f"{case}/documents/{kind}/{kind}.pdf").read_bytes() == demo.body(kind)
            assert mount.read(f"{case}/documents/{kind}/sha256").strip() == hashlib.sha256(demo.body(kind)).hexdigest()
        assert sorted(set(os.listdir(mount / case / "documents"))) == sorted(demo.DOCUMENTS + ("SHA256SUMS",))
        assert ok(mount, f"cd {case}/documents && sha256sum -c SHA256SUMS").count(": OK") == 3
        ok(mount, f"echo > {case}/actions/submit")
        assert mount.read(f"{case}/state") == "submitted\n" and result(mount, "a.req")["state"] == "accepted"


def test_every_writer_stores_the_whole_body(server):
    body = os.urandom(3_000_001)
    with mounted(server) as mount, scratch() as tmp:
        case = draft(mount)
        (tmp / "plan.pdf").write_bytes(body)
        target = f"{case}/documents/construction-plan"
        writers = ["cp {s} {t}/", "cat {s} > {t}/plan.pdf", "dd if={s} of={t}/plan.pdf bs=7777 status=none",
                   "python3 -c 'import shutil; shutil.copy(\"{s}\", \"{t}\")'", "tar c -C $(dirname {s}) plan.pdf | tar x -C {t}",
                   "rsync -a {s} {t}/", "rsync --inplace {s} {t}/"]
        for writer in writers:
            ok(mount, f"printf old > {target}/plan.pdf")
            assert mount.read(f"{target}/size") == "3\n"
            ok(mount, writer.format(s=tmp / "plan.pdf", t=target))
            assert (mount / target / "plan.pdf").stat().st_size == len(body), writer
            assert (mount / target / "plan.pdf").read_bytes() == body, writer
            assert ok(mount, f"cd {case}/documents && sha256sum -c SHA256SUMS"), writer
            assert "plan.pdf" in os.listdir(mount / target)


def test_every_writer_of_requests_stores_a_document(server):
    text, wrong = "".join(f"第{n}行 of a plan\n" for n in range(300)), []
    table = [w for w in WRITERS if w.json != "only" and w.name != "sed -i.bak"]  # a document has one name
    with mounted(server) as mount, scratch() as tmp:
        (tmp / "source").write_text(text, encoding="utf-8")
        for writer in table[::5] if rounds(2, quick=1, long=2) == 1 else table:
            target = draft(mount, f"{table.index(writer)}.req") + "/documents/other"
            script = writer.script.format(src=tmp / "source", name="plan.dat", first="old")
            ran = shell(mount, re.sub(r"\brequests\b", target, script))
            there = (mount / target / "plan.dat").exists() and mount.read(f"{target}/plan.dat")
            if ran.status or there != text or mount.read(f"{target}/filename") != "plan.dat\n":
                wrong.append((writer.name, ran, there and there[:40]))
    assert not wrong, wrong


def test_a_document_is_brought_renamed_and_added_to(server):
    with mounted(server) as mount:
        target = draft(mount) + "/documents/other"
        ok(mount, f"echo 1 > drafts/d && mv drafts/d {target}/plan.txt && test ! -e drafts/d")
        ok(mount, f"for n in 2 3 4; do echo $n >> {target}/plan.txt; done")
        ok(mount, f"rm {target}/plan.txt; cp {target}/../../purpose {target}/plan.txt.part && mv {target}/plan.txt.part {target}/plan.txt")
        ok(mount, f"test ! -e {target}/plan.txt.part && cmp {target}/plan.txt {target}/../../purpose")
        for script in (f"mv {target}/plan.txt {target}/plan.txt~", f"mv -T {target}/plan.txt drafts/d", f"mv {target}/plan.txt {target}/../third/"):
            ran = shell(mount, script)
            assert ran.status != 0 and "not permitted" in ran.err, (script, ran)
        ok(mount, "for n in 1 2 3; do echo $n >> drafts/d; done")  # what is added to a document is not counted for ever
        assert mount.read("drafts/d") == "1\n2\n3\n"


def test_what_the_rules_refuse_close_says(server):
    case = demo.file(server.client()).name  # submitted: its documents are pinned
    with mounted(server) as mount, scratch() as tmp:
        (tmp / "plan.pdf").write_bytes(b"another body")
        ran = shell(mount, f"cp {tmp}/plan.pdf {case}/documents/construction-plan/")
        assert ran.status != 0 and "failed to close" in ran.err, ran
        why = mount.read(f"{case}/why")
        assert "refused: document plan.pdf:" in why, why
        assert "plan.pdf" not in os.listdir(mount / case / "documents/construction-plan")
        (tmp / "plan.pdf").write_bytes(demo.body("construction-plan"))  # the body that was announced
        ok(mount, f"cp {tmp}/plan.pdf {case}/documents/construction-plan/")
        ran = shell(mount, f"echo x > {case}/documents/construction-plan/sha256; mkdir {case}/documents/x")
        assert ran.status != 0, ran


def test_scratch_names_are_not_stored(server):
    with mounted(server) as mount:
        case = draft(mount)
        folder = f"{case}/documents/other"
        ok(mount, f"echo x > {folder}/.plan.pdf.Ab12Cd; echo y > {folder}/plan.pdf~; cat {folder}/plan.pdf~")
        assert mount.read(f"{case}/documents/SHA256SUMS") == ""
        ok(mount, f"mv {folder}/.plan.pdf.Ab12Cd {folder}/plan.pdf")
        assert "other/plan.pdf" in mount.read(f"{case}/documents/SHA256SUMS")
        assert mount.read(f"{folder}/plan.pdf") == "x\n"


if __name__ == "__main__":
    main()
