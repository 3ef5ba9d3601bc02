#!/usr/bin/python3
"""The write protocol with the tools that people write with. smoke: yes"""
import errno
import fcntl
import json
import os
import struct
import subprocess
import termios

from fstest import DRAFT, WHOLE, applications, demo, eventually, main, mounted, ok, request_file, result, scratch, shell


def test_what_was_accepted_stays_whatever_is_done_to_its_file(server):
    with mounted(server) as mount, scratch() as tmp:
        source = request_file(tmp, "a.req")
        ok(mount, f"cp {source} requests/a.req")
        first = result(mount, "a.req")
        ok(mount, f"rm requests/a.req; cp {source} requests/a.req; chmod 400 requests/a.req; touch requests/a.req")
        assert result(mount, "a.req") == first and os.stat(mount / "requests/a.req").st_mode & 0o777 == 0o644
        for script in ("echo zone=internet >> requests/a.req", "sed -i s/quantity=4/quantity=6/ requests/a.req",
                       "mv requests/a.req requests/b.req", "mv -n requests/a.req requests/b.req && test ! -e requests/a.req"):
            assert shell(mount, script).status != 0, script
        ok(mount, ": > requests/a.req; truncate -s 0 requests/a.req")
        assert result(mount, "a.req") == first and len(applications(server)) == 1
        assert mount.read("requests/a.req") == WHOLE


def test_submit_counts_with_its_newline(server):
    with mounted(server) as mount, scratch() as tmp:
        ran = shell(mount, f"cp {request_file(tmp, 'b.req', WHOLE[:-1])} requests/b.req")
        assert ran.status != 0 and "Bad message" in ran.err, ran
        assert applications(server) == []
        ok(mount, "echo >> requests/b.req")
        assert result(mount, "b.req")["state"] == "accepted"


def test_what_follows_a_refused_line_is_not_filed_without_it(server):
    with mounted(server) as mount, scratch() as tmp:
        bad = tmp / "bad"
        bad.write_bytes(WHOLE.encode().replace(b"purpose=tests", b"purpose=\xff\xfe"))
        for script in ('while IFS= read -r line; do echo "$line"; done < {} > requests/a.req',
                       'while IFS= read -r line; do echo "$line" >> requests/a.req; done < {}',
                       "head -n 5 {} > requests/a.req; tail -n +6 {} >> requests/a.req",
                       "python3 -u -c 'import os\nfor line in open(\"{}\", \"rb\"):\n try: os.write(1, line)\n except OSError: pass' > requests/a.req"):
            shell(mount, script.format(bad, bad))
            assert applications(server) == [], script
            assert result(mount, "a.req")["state"] == "refused" and "UTF-8" in result(mount, "a.req")["error"], script
        ok(mount, f": > requests/a.req; cat {request_file(tmp)} >> requests/a.req")  # begun anew
        assert result(mount, "a.req")["state"] == "accepted"


def test_a_file_that_is_emptied_is_begun_anew(server):
    with mounted(server) as mount:
        for begin in (": > requests/a.req", "truncate -s 0 requests/a.req", "rm requests/a.req"):
            shell(mount, "echo kind=trial > requests/a.req")
            ok(mount, begin)
            assert not os.path.exists(mount / "requests/a.req") or mount.read("requests/a.req") == "", begin
        ok(mount, "for line in $(cat); do echo $line >> requests/a.req; done || true", stdin="kind=regular\nsystem=x\n")
        assert mount.read("requests/a.req") == "kind=regular\nsystem=x\n"


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
