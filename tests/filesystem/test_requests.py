#!/usr/bin/python3
"""The write protocol with the tools that people write with. smoke: yes"""
import errno
import fcntl
import json
import os
import shutil
import struct
import subprocess
import termios

from fstest import DRAFT, WHOLE, applications, demo, eventually, main, mounted, ok, request_file, result, scratch, shell

# Ways to put {src} into requests/{name}.
WRITERS = {
    "cat": "cat {src} > requests/{name}",
    "cp": "cp {src} requests/{name}",
    "cp -p": "cp -p {src} requests/{name}",
    "mv": "cp {src} {src}.2 && mv {src}.2 requests/{name}",
    "mv-within": "cp {src} drafts/d && mv drafts/d requests/{name}",
    "tee": "tee requests/{name} < {src} > /dev/null",
    "dd": "dd if={src} of=requests/{name} status=none",
    "dd-bytes": "dd if={src} of=requests/{name} bs=1 status=none",
    "install": "install -m 644 {src} requests/{name}",
    "append": "head -n 5 {src} > requests/{name} 2>/dev/null; tail -n +6 {src} >> requests/{name}",
    "group": "(head -n 5 {src} 2>/dev/null; tail -n +6 {src}) > requests/{name}",
    "echo": 'while IFS= read -r line; do echo "$line"; done < {src} > requests/{name}',
    "dash": "dash -c 'cat {src} > requests/{name}'",
    "python": "python3 -c 'open(\"requests/{name}\", \"w\").write(open(\"{src}\").read())'",
    "python-lines": "python3 -c 'f = open(\"requests/{name}\", \"w\", 1); f.writelines(open(\"{src}\")); f.close()'",
    "perl": "perl -e 'open(F, \">\", \"requests/{name}\"); open(G, \"{src}\"); print F <G>; close(F) or die $!'",
    "awk": "awk '{{ print }}' {src} > requests/{name}",
    "sed": "sed -n p {src} > requests/{name}",
    "sed-w": "sed -n 'w requests/{name}' {src}",
    "sort-o": "cat -n {src} | sort -n | cut -f2- > requests/{name}",
    "sed -i": "grep -v ^submit {src} > requests/{name}; sed -i '$ a submit' requests/{name}",
    "rsync": "rsync {src} requests/{name}",
    "rsync --inplace": "rsync --inplace {src} requests/{name}",
    "rsync -a": "rsync -a {src} requests/{name}",
    "rsync -I": "rsync -I {src} requests/{name}",  # also where size and time look the same
    "tar": "tar cf {src}.tar -C $(dirname {src}) --transform s/.*/{name}/ $(basename {src}) && tar xf {src}.tar -C requests",
    "vim": "vim -Nu NONE -es -c 'w! requests/{name}' -c 'qa!' {src}",
    "vim-again": "head -n 3 {src} > drafts/v; cp drafts/v requests/{name} 2>/dev/null; "
                 "vim -Nu NONE -es -c '%!cat {src}' -c 'wq!' requests/{name}",
}
NEEDS = {"rsync": "rsync", "rsync --inplace": "rsync", "rsync -a": "rsync", "rsync -I": "rsync", "vim": "vim", "vim-again": "vim"}


def test_every_writer_files_one_application(server):
    with mounted(server) as mount, scratch() as tmp:
        source = request_file(tmp, "source.req")
        filed = 0
        for writer, script in WRITERS.items():
            if writer in NEEDS and not shutil.which(NEEDS[writer]):
                continue
            name = writer.replace(" ", "") + ".req"
            ran = shell(mount, script.format(src=source, name=name))
            assert ran.status == 0 or writer == "vim-again", (writer, ran)
            outcome = result(mount, name)
            assert outcome["state"] == "accepted" and outcome["error"] == "", (writer, ran, outcome)
            filed += 1
            assert len(applications(server)) == filed, writer
            assert mount.read(f"results/{name}/record/status").splitlines()[0] == "submitted"


def test_every_writer_may_repeat_itself(server):
    with mounted(server) as mount, scratch() as tmp:
        source = request_file(tmp, "source.req")
        ok(mount, f"cp {source} requests/a.req")
        first = result(mount, "a.req")
        for writer, script in WRITERS.items():
            if (writer in NEEDS and not shutil.which(NEEDS[writer])) or writer in ("append", "sed -i", "vim-again"):
                continue  # these begin with other bytes
            ran = shell(mount, script.format(src=source, name="a.req"))
            assert ran.status == 0, (writer, ran)
            assert result(mount, "a.req") == first, writer
        ok(mount, f"rm requests/a.req; cp {source} requests/a.req")
        assert result(mount, "a.req") == first
        assert len(applications(server)) == 1
        assert os.stat(mount / "requests/a.req").st_mode & 0o777 == 0o644


def test_other_bytes_under_an_accepted_name_are_refused(server):
    with mounted(server) as mount, scratch() as tmp:
        source, other = request_file(tmp, "a.req"), request_file(tmp, "b.req", WHOLE.replace("quantity=4", "quantity=5"))
        ok(mount, f"cp {source} requests/a.req")
        first = result(mount, "a.req")
        for writer in ("cat", "cp", "mv", "tee", "dd", "python-lines", "perl", "group", "awk", "rsync -I", "mv-within"):
            if writer in NEEDS and not shutil.which(NEEDS[writer]):
                continue
            ran = shell(mount, WRITERS[writer].format(src=other, name="a.req"))
            assert ran.status != 0 and ("File exists" in ran.err or writer == "rsync -I"), (writer, ran)
        ran = shell(mount, "echo zone=internet >> requests/a.req")
        assert ran.status != 0, ran
        ran = shell(mount, "sed -i s/quantity=4/quantity=6/ requests/a.req")
        assert ran.status != 0 and "File exists" in ran.err, ran
        assert result(mount, "a.req") == first and len(applications(server)) == 1
        assert mount.read("requests/a.req") == WHOLE


def test_what_is_incomplete_is_said_and_never_filed(server):
    with mounted(server) as mount, scratch() as tmp:
        source = request_file(tmp, "a.req", WHOLE.removesuffix("submit\n"))
        for writer in ("cat", "cp", "tee", "dd", "python-lines", "perl", "awk", "mv", "mv-within", "install"):
            ran = shell(mount, WRITERS[writer].format(src=source, name="a.req"))
            assert ran.status != 0 and "Bad message" in ran.err, (writer, ran)
        cut = request_file(tmp, "b.req", WHOLE[:-1])  # no newline after submit
        ran = shell(mount, f"cp {cut} requests/b.req")
        assert ran.status != 0 and "Bad message" in ran.err, ran
        assert applications(server) == []
        ok(mount, "echo >> requests/b.req")  # what was missing
        assert result(mount, "b.req")["state"] == "accepted"


def test_garbage_is_refused_at_once(server):
    with mounted(server) as mount:
        for script in ("printf 'kind=regular\\n\\377\\376\\n' > requests/a.req", "head -c 100 /dev/zero > requests/b.req",
                       "printf 'kind=regular\\nsubmit\\nmore=1\\n' > requests/c.req", "printf '{}x' > requests/d.json",
                       "head -c 70000 /dev/zero | tr '\\0' '#' > requests/e.req"):
            ran = shell(mount, script)
            assert ran.status != 0, (script, ran)
            assert "Bad message" in ran.err or "File too large" in ran.err, (script, ran)
        assert applications(server) == [] and "UTF-8" in result(mount, "a.req")["error"]


def refusal(mount, name, text, message, *words):
    with scratch() as tmp:
        ran = shell(mount, f"cat {request_file(tmp, 'x', text)} > requests/{name}")
    assert ran.status != 0 and message in ran.err, (name, ran)
    outcome = result(mount, name)
    assert outcome["state"] == "refused" and outcome["id"] == "", outcome
    for word in words:
        assert word in outcome["error"], (word, outcome)


def test_a_refusal_says_what_and_why(server):
    demo.set_limit(server.client(), 3)
    with mounted(server) as mount:
        refusal(mount, "key.req", WHOLE.replace("purpose=", "porpose="), "Bad message", "porpose", "purpose", "4")
        refusal(mount, "value.req", WHOLE.replace("quantity=4", "quantity=many"), "Bad message", "quantity", "many")
        refusal(mount, "quota.req", WHOLE, "Disk quota exceeded", "QUOTA_EXCEEDED", "block-storage")
        refusal(mount, "service.req", WHOLE.replace("block-storage", "no-such"), "Bad message", "UNKNOWN_SERVICE", "Article 13")
        refusal(mount, "system.req", WHOLE.replace(demo.SYSTEM, "no-such"), "Bad message", "UNKNOWN_SYSTEM")
        refusal(mount, "node.req", "node=suzhou\n" + WHOLE, "Operation not permitted", "NODE_MISMATCH", "Article 5")
        refusal(mount, "fiscal.req", WHOLE.replace(demo.SYSTEM, "finance-training"), "Operation not permitted", "NOT_FISCAL", "Article 2")
        refusal(mount, "foreign.req", WHOLE.replace(demo.SYSTEM, "health-records"), "Permission denied", "FOREIGN_RECORD")
        assert applications(server) == []
        demo.set_limit(server.client(), 100)
        with scratch() as tmp:  # mended under the same name
            ok(mount, f"cat {request_file(tmp)} > requests/quota.req")
        assert result(mount, "quota.req")["state"] == "accepted"


def test_only_documents_missing_makes_a_draft_that_says_all_of_them(server):
    with mounted(server) as mount, scratch() as tmp:
        ok(mount, f"cp {request_file(tmp, text=DRAFT)} requests/a.req")
        outcome = result(mount, "a.req")
        assert outcome["state"] == "draft" and outcome["id"], outcome
        why = mount.read("results/a.req/record/why")
        for kind in demo.DOCUMENTS:
            assert f"document.{kind}:" in why, why
        ran = shell(mount, "echo > results/a.req/record/actions/submit")
        assert ran.status != 0 and "Operation not permitted" in ran.err, ran
        why = mount.read("results/a.req/record/why")
        assert all(kind in why.split("refused: ")[1] for kind in demo.DOCUMENTS), why


def test_json_is_complete_at_its_last_brace(server):
    document = {"kind": "APPLICATION_KIND_REGULAR", "system": demo.SYSTEM, "zone": "ZONE_EXTRANET", "purpose": "json",
                "cloudPlan": {"architecture": "a", "demand": "b", "quantities": "c", "operationsSecurity": "d"},
                "document": demo.digests(), "items": [{"service": "block-storage", "quantity": "2"}]}
    with mounted(server) as mount, scratch() as tmp:
        source = request_file(tmp, "a.json", json.dumps(document, indent=1))
        ok(mount, f"cp {source} requests/a.json")
        assert result(mount, "a.json")["state"] == "accepted"
        ran = shell(mount, f"head -c 100 {source} > requests/b.json")
        assert ran.status != 0 and "Bad message" in ran.err, ran
        document["systen"] = "x"
        source = request_file(tmp, "c.json", json.dumps(document))
        ran = shell(mount, f"cp {source} requests/c.json")
        assert ran.status != 0 and "systen" in result(mount, "c.json")["error"], ran


def test_a_killed_writer_leaves_nothing(server):
    with mounted(server) as mount:
        with open(mount / "requests/a.req", "wb") as file:
            writer = subprocess.Popen(["dd", "bs=1", "status=none"], stdin=subprocess.PIPE, stdout=file)
        writer.stdin.write(WHOLE.removesuffix("submit\n").encode())
        writer.stdin.flush()
        # dd reads byte by byte what it then writes: an empty pipe means that it is writing the last one
        eventually(lambda: struct.unpack("i", fcntl.ioctl(writer.stdin, termios.FIONREAD, b"0000"))[0] == 0, "dd to read")
        writer.kill()
        writer.wait()
        writer.stdin.close()
        assert applications(server) == [] and not os.path.exists(mount / "results/a.req")


def test_what_editors_leave_beside_is_no_request(server):
    with mounted(server) as mount, scratch() as tmp:
        source = request_file(tmp)
        for name in (".a.req", ".a.req.swp", "a.req~", "#a.req#", "4913", "sedAb12Cd", "a.txt"):
            ok(mount, f"cp {source} requests/{name}")
            ok(mount, f"cmp {source} requests/{name}")
        ok(mount, f"cp {source} drafts/a.req && mv drafts/a.req drafts/b.req && rm drafts/b.req")
        assert applications(server) == []
        for name in ("-rf.req", "a\nb.req", "n" * 125 + ".req"):
            try:
                os.open(mount / "requests" / name, os.O_WRONLY | os.O_CREAT)
                raise AssertionError(f"{name!r} was taken")
            except OSError as error:
                assert error.errno == errno.EINVAL, (name, error)


def test_an_editors_failed_save_can_be_taken_back(server):
    with mounted(server) as mount:
        shell(mount, "echo kind=regular > requests/a.req")
        ok(mount, "mv requests/a.req requests/a.req~ && mv requests/a.req~ requests/a.req")
        assert mount.read("requests/a.req") == "kind=regular\n"
        assert applications(server) == []


def test_sync_tells_whether_it_was_accepted(server):
    with mounted(server) as mount, scratch() as tmp:
        source = request_file(tmp)
        ok(mount, f"cat {source} > requests/a.req && sync requests/a.req")
        assert shell(mount, f"head -n 3 {source} > requests/b.req; sync requests/b.req").status != 0
        bad = request_file(tmp, "bad", WHOLE.replace("block-storage", "no-such"))
        assert shell(mount, f"cat {bad} > requests/c.req; sync requests/c.req").status != 0


def test_two_writers_never_mix(server):
    with mounted(server) as mount:
        half = len(WHOLE) // 2
        one = os.open(mount / "requests/a.req", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        two = os.open(mount / "requests/a.req", os.O_WRONLY | os.O_TRUNC)
        os.write(one, WHOLE[:half].encode())
        os.write(two, b"kind=regular\n")
        os.write(one, WHOLE[half:].encode())
        assert result(mount, "a.req")["state"] == "accepted"
        try:
            os.write(two, b"submit\n")
            raise AssertionError("other bytes were taken")
        except OSError as error:
            assert error.errno == errno.EEXIST
        os.close(one)
        try:
            os.close(two)
        except OSError:
            pass
        assert len(applications(server)) == 1


def test_accepted_results_outlive_the_mount(server):
    with scratch() as tmp:
        source = request_file(tmp)
        with mounted(server) as mount:
            ok(mount, f"cp {source} requests/a.req")
            first = result(mount, "a.req")
        server.restart()
        with mounted(server) as mount:
            assert os.listdir(mount / "results") == ["a.req"] and result(mount, "a.req") == first
            assert os.readlink(mount / "results/a.req/record") == f"../../../../applications/{first['id']}"
            ok(mount, f"cp {source} requests/a.req")
            assert result(mount, "a.req") == first and len(applications(server)) == 1
            other = request_file(tmp, "other", WHOLE.replace("quantity=4", "quantity=5"))
            ran = shell(mount, f"cp {other} requests/a.req")
            assert ran.status != 0 and "File exists" in ran.err, ran
            assert result(mount, "a.req") == first


def test_many_writers_at_once_file_one_each(server):
    with mounted(server) as mount, scratch() as tmp:
        source = request_file(tmp)
        ok(mount, f"for i in $(seq 40); do cp {source} requests/$i.req & done; wait")
        ids = {result(mount, f"{i}.req")["id"] for i in range(1, 41)}
        assert len(ids) == 40 == len(applications(server))
        ok(mount, f"for i in $(seq 20); do cp {source} requests/same.req & done; wait")
        assert len(applications(server)) == 41


if __name__ == "__main__":
    main()
