#!/usr/bin/python3
"""CSV in and out: all of a batch or nothing."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import demo, main  # noqa: E402

ADMIN = "principals/demo"
CA = f"principals/{demo.CA}"


def write(server, text):
    path = server.directory / "import.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def head(server):
    return server.client().call("GetHead", as_=demo.CA).revision


def test_what_is_exported_can_be_imported_again_and_changes_nothing(server):
    for collection, who in (("principals", ADMIN), ("catalogue", CA), ("quotas", f"principals/{demo.CITY_CA}")):
        ran = server.zwy("export", collection, as_=who)
        assert ran.status == 0 and ran.out.count("\n") > 1, ran
        before = head(server)
        again = server.zwy("import", collection, write(server, ran.out), as_=who)
        assert again.status == 0, (collection, again)
        assert head(server) == before, (collection, again.out)


def test_a_good_file_is_taken_whole(server):
    rows = "".join(f"t-{n},试验部门{n},province,320000\n" for n in range(300))
    ran = server.zwy("import", "departments", write(server, "slug,name-zh,level,region\n" + rows), as_=CA)
    assert ran.status == 0 and "300" in ran.out, ran
    names = {d.name for d in server.client().list("ListDepartments", as_=demo.CA, page_size=500)}
    assert {f"departments/t-{n}" for n in range(300)} <= names


def test_one_bad_line_and_nothing_is_taken_and_the_line_is_told(server):
    before = head(server)
    rows = [f"t-{n},试验部门{n},province,320000" for n in range(300)]
    rows[250] = "t-250,试验部门,planet,320000"
    ran = server.zwy("import", "departments", write(server, "slug,name-zh,level,region\n" + "\n".join(rows) + "\n"), as_=CA)
    assert ran.status == 1 and "252" in ran.err and "level" in ran.err, ran
    assert head(server) == before
    ran = server.zwy("import", "departments", write(server, "slug,name-zh,levell,region\nx,y,province,320000\n"), as_=CA)
    assert ran.status == 1 and "levell" in ran.err, ran


def test_a_line_that_a_rule_refuses_refuses_the_file(server):
    before = head(server)
    text = "slug,name-zh,level,region\nt-1,甲,province,320000\nt-2,乙,city,999999\n"
    ran = server.zwy("import", "departments", write(server, text), as_=CA)
    assert ran.status in (1, 4), ran
    assert head(server) == before


def test_only_who_may_write_a_record_may_import_it(server):
    text = "slug,name-zh,level,region\nt-1,甲,province,320000\n"
    for who in (demo.DU, demo.OP, demo.CITY_CA):
        ran = server.zwy("import", "departments", write(server, text), as_=f"principals/{who}")
        assert ran.status == 4, (who, ran)


def test_a_calendar_year_is_imported_from_csv(server):
    days = "date,kind,name\n2027-01-01,holiday,元旦\n2027-01-02,holiday,元旦\n2027-01-03,holiday,元旦\n"
    ran = server.zwy("import", "calendar", write(server, days), as_=ADMIN)
    assert ran.status == 0, ran
    ran = server.zwy("deadline", "--from", "2026-12-30", "--working-days", "5")
    assert ran.out.strip() == "2027-01-07", ran


if __name__ == "__main__":
    main()
