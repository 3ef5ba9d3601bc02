#!/usr/bin/python3
"""The registers of a province through the mount: listings are whole, and every name in them leads somewhere. timeout: 300"""
import errno
import os

from fstest import demo, error_of, main, mounted, ok, with_server
from zwytest import bulk

SIZES = 120, 60, 1_500  # departments, systems, quotas
# Pages so short that every listing has several.
short_pages = with_server(settings={"page_size_max": "5", "page_scan_max": "7"})


def fill(server):
    for _ in bulk.bring_in(server, bulk.write(server.directory / "province", 1, *SIZES)):
        pass


@short_pages
def test_quotas_are_listed_by_their_departments(server):
    fill(server)
    quotas = [record.name.split("/")[1:] for record in server.client().list("ListQuotas", as_=demo.CA)]
    departments = sorted({department for department, _ in quotas})
    assert len(quotas) > 300 and len(departments) > 10
    with mounted(server, f"as={demo.CA}") as mount:
        for _ in range(2):
            assert sorted(os.listdir(mount / "quotas")) == departments
        for department in departments:
            assert sorted(os.listdir(mount / "quotas" / department)) == sorted(s for d, s in quotas if d == department)
        found = ok(mount, "find quotas -mindepth 2 -maxdepth 2 -type d").split()
        assert sorted(found) == sorted(f"quotas/{d}/{s}" for d, s in quotas)


@short_pages
def test_every_chinese_name_leads_to_its_record(server):
    fill(server)
    client = server.client()
    with mounted(server, f"as={demo.CA}") as mount:
        for collection, method in (("departments", "ListDepartments"), ("systems", "ListSystems"), ("catalogue", "ListServices"),
                                   ("nodes", "ListNodes")):
            known = {record.name.rsplit("/", 1)[1]: record.name_zh for record in client.list(method, as_=demo.CA)}
            links = {name: os.readlink(mount / collection / "by-name" / name) for name in os.listdir(mount / collection / "by-name")}
            assert sorted(links.values()) == sorted(f"../{slug}" for slug, zh in known.items() if zh)
            assert all(name.split("@")[0] == known[target[3:]] for name, target in links.items())
            ok(mount, f"ls -lL {collection}/by-name")


def make(server, slug, name_zh):
    server.client().call("CreateDepartment", as_=demo.CA, department={
        "name": f"departments/{slug}", "name_zh": name_zh, "level": "LEVEL_PROVINCE", "region": "320000"})


def test_a_name_that_several_have_stands_with_its_slug(server):
    for slug, name_zh in (("a-one", "甲局"), ("a-two", "甲局"), ("b-one", "乙局"), ("quoted", '丙"局"'), ("at", "丁@局"), ("at-slug", "乙局@a-one")):
        make(server, slug, name_zh)
    with mounted(server, f"as={demo.CA}") as mount:
        folder = mount / "departments/by-name"

        def leads(name):
            return os.readlink(folder / name)

        listed = os.listdir(folder)
        for name, slug in (("甲局@a-one", "a-one"), ("甲局@a-two", "a-two"), ("乙局", "b-one"), ('丙"局"@quoted', "quoted"), ("丁@局@at", "at"),
                           ("乙局@a-one@at-slug", "at-slug")):
            assert name in listed and leads(name) == f"../{slug}", (name, listed)
        for name in ("甲局", "甲局@b-one", "甲局@", "甲局@no-such", '丙"局"', "丁", "戊局", "@a-one", '"', "丁@局", "乙局@a-one"):
            assert name not in listed and error_of(lambda name=name: leads(name)) == errno.ENOENT, name
        # With its slug any name is found.
        assert leads("乙局@b-one") == "../b-one"
        make(server, "b-two", "乙局")
        ok(mount, "until [ ! -L departments/by-name/乙局 ]; do sleep 0.01; done")
        assert {"乙局@b-one", "乙局@b-two"} <= set(os.listdir(folder))


if __name__ == "__main__":
    main()
