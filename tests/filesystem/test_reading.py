#!/usr/bin/python3
"""The tree is whole, exact and finite, for the tools that people read with. smoke: yes timeout: 400"""
import json
import os
import pathlib

from fstest import demo, eventually, main, mounted, ok, scratch, shell, with_server


def files(top):
    for folder, _, names in os.walk(top):
        for name in names:
            path = pathlib.Path(folder) / name
            if not path.is_symlink():
                yield path


def test_the_root_shows_what_there_is(server):
    with mounted(server) as mount:
        names = set(os.listdir(mount.point))
        assert names >= set("README whoami catalogue nodes departments systems quotas applications resources requests "
                            "results drafts inbox users events rules calendar parameters audit status".split()), names
        readme = mount.read("README")
        assert len(readme.splitlines()) <= 50 and "申请" in readme and "submit" in readme
        assert all(len(line) <= 100 for line in readme.splitlines())
        assert "name=principals/core-du\n" in mount.read("whoami")
        for link in ("requests", "results", "drafts", "inbox"):
            assert os.readlink(mount / link) == f"users/core-du/{link}"
        assert os.readlink(mount / "applications/mine") == "../users/core-du/mine"


def test_the_catalogue_has_its_services_and_views(server):
    with mounted(server) as mount:
        services = [name for name in os.listdir(mount / "catalogue") if not name.startswith("by-")]
        assert len(services) == 44, len(services)
        kinds = [mount.read(f"catalogue/{name}/requirement").strip() for name in services]
        assert kinds.count("mandatory") == 19, kinds
        assert mount.read("catalogue/cloud-server/name-zh") == "云服务器\n"
        assert os.readlink(mount / "catalogue/by-name/云服务器") == "../cloud-server"
        assert os.readlink(mount / "catalogue/by-layer/iaas/compute/cloud-server") == "../../../cloud-server"
        by_layer = ok(mount, "find catalogue/by-layer -type l").splitlines()
        assert len(by_layer) == 44, len(by_layer)
        assert len([name for name in os.listdir(mount / "nodes") if name != "by-name"]) == 14
        assert mount.read("rules/14/title").strip() and "5" in ok(mount, "ls rules")
        assert mount.read("catalogue/cloud-server/versions/1/service/seq") == "1\n"


def test_every_size_is_exact_and_every_link_leads_somewhere(server):
    demo.file(server.client())
    with mounted(server) as mount:
        count = 0
        for path in files(mount.point):
            size = path.stat().st_size
            data = path.read_bytes()
            assert len(data) == size, (path, size, len(data))
            assert path.stat().st_nlink == 1
            count += 1
        assert count > 500, count
        for link in ok(mount, "find . -type l").splitlines():
            if link not in ("./inbox", "./mine"):
                assert os.path.exists(mount / link), (link, os.readlink(mount / link))


def test_recursive_tools_end(server):
    demo.file(server.client())
    with mounted(server) as mount, scratch() as tmp:
        assert "云服务器" in ok(mount, "grep -rh 云服务器 .")
        ok(mount, "find . -ls")
        ok(mount, "tree .")
        ok(mount, f"tar cf {tmp}/all.tar .")
        ok(mount, f"cp -r catalogue {tmp}/catalogue")
        ok(mount, f"diff -r catalogue {tmp}/catalogue")
        ok(mount, "du -s . ; wc -c catalogue/*/record; ls -lR applications > /dev/null")
        ok(mount, f"rsync -a nodes/ {tmp}/nodes/")
        ok(mount, f"rsync -a --checksum --dry-run --itemize-changes nodes/ {tmp}/nodes/")


def test_json_text_and_shell_forms_say_the_same(server):
    name = demo.file(server.client()).name
    with mounted(server) as mount:
        record = json.loads(mount.read(f"{name}/record.json"))
        assert record["system"] == demo.SYSTEM == mount.read(f"{name}/system").strip()
        assert record["items"][0]["service"] == mount.read(f"{name}/items/1/service").strip()
        assert record["cloudPlan"]["demand"] == mount.read(f"{name}/cloud-plan/demand").strip()
        text = mount.read(f"{name}/record")
        assert f"\nsystem={demo.SYSTEM}\n" in text and "\n[items]\nservice=block-storage\nquantity=4\n" in text
        assert ok(mount, f". {name}/record.env; echo $system $items_1_quantity $document_security_filing").startswith(
            f"{demo.SYSTEM} 4 security-filing.pdf sha256:")
        assert ok(mount, f"jq -r .state {name}/record.json") == "submitted\n"


def test_a_record_can_be_filed_again_as_a_template(server):
    name = demo.file(server.client()).name
    with mounted(server) as mount:
        ok(mount, f"(cat {name}/record; echo submit) > requests/again.req")
        again = mount.read("results/again.req/id").strip()
        assert again and again not in name
        assert mount.read(f"applications/{again}/system") == mount.read(f"{name}/system")


def test_a_case_says_where_it_stands(server):
    client = server.client()
    name = demo.file(client).name
    with mounted(server) as mount:
        status = mount.read(f"{name}/status").splitlines()
        assert status[0] == "submitted" and status[1].startswith("who: ca-p"), status
        assert "due: 2026-11-24" in status and "term: internal target" in status and "article: 13" in status, status
        assert mount.read(f"{name}/due") == "2026-11-24\n"
        assert mount.read(f"{name}/next").split("\t")[0] == "withdraw"
        assert [line.split("\t")[2] for line in mount.read(f"{name}/history").splitlines()] == ["create", "submit"]
        demo.walk(client, name, "approved")
        status = mount.read(f"{name}/status").splitlines()
        assert status[0] == "approved" and "due: 2026-11-27" in status and "term: statutory" in status, status
        assert "article: 14" in status
        server.set_clock("2026-11-30T09:00:00+08:00")
        eventually(lambda: "overdue" in mount.read(f"{name}/status"), "the term to be marked as missed")
        demo.act(client, name, "start", demo.OP)
        demo.act(client, name, "deliver", demo.OP)
        assert mount.read(f"{name}/status").splitlines()[0] == "in_service"
        demo.act(client, name, "confirm", demo.DU)
        assert mount.read(f"{name}/status").splitlines()[0] == "closed"
        assert mount.read(f"{name}/due") == "" and mount.read(f"{name}/next") == ""


def test_lists_show_open_cases_and_every_id_resolves(server):
    client = server.client()
    first, second = demo.file(client).name, demo.file(client).name
    demo.act(client, first, "withdraw", demo.DU, reason="not needed")
    with mounted(server) as mount:
        shown = set(os.listdir(mount / "applications"))
        assert os.path.basename(second) in shown and os.path.basename(first) not in shown, shown
        assert mount.read(f"{first}/state") == "withdrawn\n"
        index = [line.split("\t") for line in mount.read("applications/index.tsv").splitlines()]
        assert index[0][:2] == ["id", "state"]
        assert {row[0]: row[1] for row in index[1:]} == {first.split("/")[1]: "withdrawn", second.split("/")[1]: "submitted"}
        assert set(os.listdir(mount / "applications/by-state")) == {"withdrawn", "submitted"}
        assert os.listdir(mount / "applications/by-state/withdrawn") == [os.path.basename(first)]
        assert len(os.listdir(mount / "applications/by-month/2026-11")) == 2
        assert len(os.listdir(mount / "applications/mine")) == 2
        assert not os.path.exists(mount / f"applications/by-state/submitted/{os.path.basename(first)}")
        for absent in ("applications/A-2026-999999", "applications/nonsense", "catalogue/nothing", "nodes/suzhou/nothing"):
            assert not os.path.exists(mount / absent), absent


def test_the_audit_lists_the_newest_and_finds_every_event(server):
    client = server.client()
    name = demo.in_state(client, "closed")
    with mounted(server, "as=" + demo.CA) as mount:
        events = [e for e in client.list("ListEvents", as_=demo.CA, page_size=1000)]
        listed = [int(entry) for entry in os.listdir(mount / "audit") if entry != "head"]
        assert sorted(listed) == [e.revision for e in events][-1000:]
        assert mount.read(f"audit/{events[-1].revision}/name") == f"{name}\n"
        assert mount.read(f"audit/{events[0].revision}/revision") == f"{events[0].revision}\n"


INDEX_WIDTH = 384


def test_the_index_has_rows_of_one_width(server):
    """So its size is known without reading it, and any row is found without those before it."""
    client = server.client()
    with mounted(server) as mount:
        index = mount / "applications/index.tsv"
        cases = []
        for n in range(3):
            rows = index.read_bytes()
            assert os.stat(index).st_size == len(rows) == (n + 1) * INDEX_WIDTH
            lines = [rows[at:at + INDEX_WIDTH] for at in range(0, len(rows), INDEX_WIDTH)]
            assert all(line.endswith(b" \n") and line.count(b"\n") == 1 for line in lines)
            assert [line.split(b"\t")[0].decode() for line in lines[1:]] == cases
            cases.append(os.path.basename(demo.file(client).name))
            eventually(lambda: os.stat(index).st_size == (len(cases) + 1) * INDEX_WIDTH, "the new case")
        assert ok(mount, "tail -n 1 applications/index.tsv | cut -f 1,2").split() == [cases[-1], "submitted"]
        assert ok(mount, f"dd if=applications/index.tsv bs={INDEX_WIDTH} skip=2 count=1 status=none | cut -f 1").strip() == cases[1]
        assert ok(mount, "dd if=applications/index.tsv bs=100 status=none | cmp - applications/index.tsv") == ""
        with open(index, "rb") as held:  # what is open does not grow
            demo.file(client)
            eventually(lambda: os.stat(str(index), follow_symlinks=False).st_size >= 4 * INDEX_WIDTH, "the index")
            assert len(held.read()) == 4 * INDEX_WIDTH
            assert held.seek(2 * INDEX_WIDTH) and held.read(INDEX_WIDTH).split(b"\t")[0].decode() == cases[1]


@with_server(settings={"page_size_max": "3", "page_scan_max": "7"})
def test_directories_and_the_index_are_whole_across_pages(server):
    client = server.client()
    cases = {os.path.basename(demo.file(client, submit=False, documents=()).name) for _ in range(25)}
    with mounted(server) as mount:
        for _ in range(2):
            assert cases <= set(os.listdir(mount / "applications"))
            assert set(os.listdir(mount / "applications/by-state/draft")) == cases
            assert len(ok(mount, "ls -f applications/by-state/draft").split()) == len(cases) + 2
            lines = mount.read("applications/index.tsv").splitlines()
            assert [line.split("\t")[0] for line in lines[1:]] == sorted(cases)
            assert mount.read("applications/index.tsv") == ok(mount, "tac applications/index.tsv | tac")
        folder = os.open(mount / "applications/by-state/draft", os.O_RDONLY)
        names = os.listdir(folder)
        os.lseek(folder, 0, os.SEEK_SET)
        assert os.listdir(folder) == names
        os.close(folder)


def test_a_change_is_shown_as_soon_as_the_mount_has_heard_of_it(server):
    client = server.client()
    name = demo.file(client).name
    with mounted(server) as mount:
        for action, who, form, state in demo.COURSE:
            mount.read(f"{name}/state")
            os.stat(mount / f"{name}/status")
            demo.act(client, name, action, who, **form)
            eventually(lambda: mount.read(f"{name}/state") == state + "\n", "the mount to hear of it")
            assert os.stat(mount / f"{name}/status").st_size == len((mount / f"{name}/status").read_bytes())


def test_an_open_file_is_a_snapshot(server):
    client = server.client()
    name = demo.file(client).name
    with mounted(server) as mount, open(mount / f"{name}/status", encoding="utf-8") as old:
        size = os.fstat(old.fileno()).st_size
        demo.act(client, name, "accept", demo.CA)
        assert os.fstat(old.fileno()).st_size == size
        assert old.read().splitlines()[0] == "submitted"
        assert mount.read(f"{name}/status").splitlines()[0] == "accepted"


def test_reading_changes_nothing(server):
    client = server.client()
    demo.file(client)
    before = client.call("GetHead")
    with mounted(server) as mount:
        ok(mount, "find . -type f -exec cat {} + > /dev/null")
    assert client.call("GetHead") == before


def test_nothing_can_be_written_where_nothing_is_meant_to_be(server):
    name = demo.file(server.client()).name
    with mounted(server) as mount:
        for script in ("echo x > catalogue/cloud-server/name-zh", f"echo x > {name}/state", "echo x > README",
                       "touch catalogue/x", "mkdir catalogue/x", "mkdir requests/x", "ln -s a drafts/x",
                       "rm catalogue/cloud-server/state", f"mv {name}/state {name}/old", "echo x > events",
                       f"truncate -s 0 {name}/record", "rmdir catalogue", "mv README drafts/",
                       "test -w README", f"test -w {name}/state", "test -w catalogue"):
            ran = shell(mount, script)
            assert ran.status != 0, (script, ran)
        ok(mount, f"test -w requests/ && test -w drafts/ && test -w applications/new && test -w {name}/actions/withdraw && test -r {name}/state")
        ok(mount, f"chmod 600 {name}/state; chown root {name}/state; touch -c {name}/state || true")
        assert mount.read(f"{name}/state") == "submitted\n"


if __name__ == "__main__":
    main()
