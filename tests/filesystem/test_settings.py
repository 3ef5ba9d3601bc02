#!/usr/bin/python3
"""Limits and cities' own rules as files: a request that names a record makes or changes it. smoke: yes"""
from fstest import demo, main, mounted, ok, shell

PARAMETER = "nodes/suzhou/parameters/provision.wd"
OWN = f"name={PARAMETER}\nvalue=3\nbasis=the city's rules, Article 7\nreason=faster\nsubmit\n"
QUOTA = f"quotas/{demo.DEPARTMENT}/block-storage"


def limits(limit, reason):
    return f"name={QUOTA}\nreason={reason}\n[dimensions]\nname=quantity\nlimit={limit}\nsubmit\n"


def write(mount, name, text):
    return shell(mount, f"cat > requests/{name}", stdin=text)


def test_art_36_a_city_sets_and_changes_its_own_rule_by_file(server):
    with mounted(server, "as=" + demo.CITY_CA) as mount:
        assert write(mount, "own.req", OWN).status == 0, mount.read("results/own.req/error")
        assert mount.read(PARAMETER + "/value").strip() == "3"
        looser = write(mount, "looser.req", OWN.replace("=3", "=5"))
        assert looser.status == 0, "as loose as the province's is not looser"
        assert mount.read(PARAMETER + "/value").strip() == "5"
        assert write(mount, "too-loose.req", OWN.replace("=3", "=6")).status != 0
        assert "allowed: 1..5" in mount.read("results/too-loose.req/error")
    with mounted(server, "as=" + demo.CITY_DU) as mount:
        assert write(mount, "own.req", OWN).status != 0
        assert "WRONG_ROLE" in mount.read("results/own.req/error")


def test_limits_are_raised_cut_and_told_by_file(server):
    with mounted(server, "as=" + demo.CA) as mount:
        for limit in (500, 3):
            ran = write(mount, f"limit-{limit}.req", limits(limit, f"now {limit}"))
            assert ran.status == 0, mount.read(f"results/limit-{limit}.req/error")
            assert f"limit={limit}" in mount.read(QUOTA + "/record")
        assert "now 3" in mount.read(QUOTA + "/history")
        assert mount.read("results/limit-3.req/id").strip() == "quotas/provincial-finance/block-storage"
        assert ok(mount, f"ls {QUOTA}/entries | wc -l").strip() != "0"
    with mounted(server) as mount:
        assert write(mount, "mine.req", limits(9999, "more")).status != 0
        assert "WRONG_ROLE" in mount.read("results/mine.req/error")


def test_a_record_is_made_once_and_then_changed_in_what_the_request_gives(server):
    cloud = ("name=legacy-clouds/old\ndepartment=provincial-finance\nname-zh=旧云\ntenure=owned\nvcpu=64\n"
             "platform=OpenStack\nend-date=2027-06-30\nsubmit\n")
    with mounted(server) as mount:
        assert write(mount, "make.req", cloud).status == 0, mount.read("results/make.req/error")
        assert write(mount, "change.req", "name=legacy-clouds/old\nvcpu=48\nsubmit\n").status == 0, \
            mount.read("results/change.req/error")
        record = mount.read("legacy-clouds/old/record")
        assert "vcpu=48" in record and "platform=OpenStack" in record, record
        assert write(mount, "nobody.req", "name=rules/13\ntitle=x\nsubmit\n").status != 0
        assert "not made by a request" in mount.read("results/nobody.req/error")


if __name__ == "__main__":
    main()
