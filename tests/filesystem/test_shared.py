#!/usr/bin/python3
"""One mount, many users: each is who the server takes it for, and sees no more. smoke: yes"""


import concurrent.futures

from fstest import demo, eventually, main, mounted, ok, request_file, scratch, shell, with_server

from zwytest.observed import metrics, page, sample

COURSE = [("echo > {a}/actions/accept", demo.CA, "accepted"),
          ("echo > {a}/actions/assign", demo.OP, "under_review"),
          ("echo 'result=pass complexity=low configuration=reasonable architecture=\"sound enough\"' > {a}/actions/opinion",
           demo.OP, "review_passed"),
          ("echo comment=同意 > {a}/actions/forward", demo.OP, "pending_decision"),
          ("echo 'decision=approve comment=\"同意 办理\"' > {a}/actions/decide", demo.CA, "approved"),
          ("echo > {a}/actions/start", demo.OP, "provisioning"),
          ("echo endpoint=10.0.0.1 > {a}/actions/deliver", demo.OP, "in_service"),
          ("echo > {a}/actions/confirm", demo.DU, "closed")]


def course(mount):
    with scratch() as tmp:
        ok(mount, f"cp {request_file(tmp)} requests/a.req", demo.DU)
    case = "applications/" + ok(mount, "cat results/a.req/id", demo.DU).strip()
    for script, who, state in COURSE:
        action = script.split("/actions/")[1]
        inbox = ok(mount, "ls inbox", who).split()
        assert any(entry.endswith(case.split("/")[1]) for entry in inbox), (state, who, inbox)
        assert action in ok(mount, f"ls {case}/actions", who).split(), (state, who)
        others = {demo.CA, demo.OP, demo.DU} - {who}
        for other in others:
            ran = shell(mount, script.format(a=case), other)
            assert ran.status != 0 and ("denied" in ran.err or "not permitted" in ran.err), (other, script, ran)
        ok(mount, script.format(a=case), who)
        assert ok(mount, f"head -n 1 {case}/status", demo.DU).strip() == state
        inbox = ok(mount, "ls inbox", who).split()
        assert state in ("accepted", "review_passed", "approved", "provisioning", "under_review") or \
            not any(entry.endswith(case.split("/")[1]) for entry in inbox), (state, who, inbox)
    return case


def test_a_case_from_the_request_to_its_end_by_its_people(server):
    with mounted(server, shared=True) as mount:
        case = course(mount)
        history = ok(mount, f"cut -f3-5 {case}/history", demo.DU)
        assert "decide\tpending_decision->approved\tprincipals/core-ca" in history.replace(" for ", "\t"), history
        assert ok(mount, f"cat {case}/resources", demo.DU).startswith("resources/R-2026-")
        assert ok(mount, f"cat $(cat {case}/resources)/endpoint", demo.DU) == "10.0.0.1\n"


def test_the_kernel_may_check_modes_too(server):
    with mounted(server, "default_permissions", shared=True) as mount:
        course(mount)


def test_five_links_lead_everyone_to_their_own(server):
    with mounted(server, shared=True) as mount, scratch() as tmp:
        source = request_file(tmp)
        for who in (demo.DU, demo.CITY_DU, demo.CA):
            assert ok(mount, "readlink requests", who) == f"users/{who}/requests\n"
            assert ok(mount, "ls users", who).split() == [who]
        ok(mount, f"cp {source} requests/a.req; echo secret > drafts/note", demo.DU)
        assert ok(mount, "ls requests results drafts", demo.CITY_DU).split() == ["drafts:", "requests:", "results:"]
        for path in ("requests/a.req", "drafts/note", "results/a.req/id", "results", "inbox", "mine"):
            ran = shell(mount, f"cat users/{demo.DU}/{path} || ls users/{demo.DU}/{path}", demo.CITY_DU)
            assert ran.status != 0 and "denied" in ran.err and not ran.out, (path, ran)
        ran = shell(mount, f"echo x > users/{demo.DU}/requests/b.req; mv drafts/x users/{demo.DU}/drafts/", demo.CITY_DU)
        assert ran.status != 0 and ok(mount, "ls requests", demo.DU).split() == ["a.req"], ran


def test_a_foreign_departments_records_stay_its_own(server):
    case = demo.file(server.client()).name
    with mounted(server, shared=True) as mount:
        ok(mount, f"cat {case}/status", demo.DU)
        for path in ("status", "record", "history", "items/1/service", "documents/SHA256SUMS", "actions/accept"):
            ran = shell(mount, f"cat {case}/{path}", demo.CITY_DU)
            assert ran.status != 0 and not ran.out, (path, ran)
        assert case.split("/")[1] not in ok(mount, "ls applications; cat applications/index.tsv; cat events", demo.CITY_DU)
        assert case.split("/")[1] in ok(mount, "ls applications", demo.DU)


def test_who_is_not_mapped_reads_the_readme_and_nothing_else(server):
    demo.file(server.client())
    with mounted(server, shared=True) as mount:
        ok(mount, "cat README; ls; stat .", 12345)
        ok(mount, "ls -R . > /dev/null; cat catalogue/cloud-server/name", demo.DU)  # the kernel has seen names now
        ran = shell(mount, "find . -type f -exec cat {} + | grep -v -x -F -f README", 12345)
        assert ran.out == "", ran.out[:500]
        for path in ("catalogue", "users", "events", "whoami", "requests/", "status/connection", "applications",
                     "applications/A-2026-000001/status", "applications/new", "audit/1/time", "quotas/provincial-finance"):
            ran = shell(mount, f"cat {path} || ls {path}", 12345)
            assert ran.status != 0 and "denied" in ran.err and not ran.out, (path, ran)
        ran = shell(mount, "echo x > requests/a.req; echo x > applications/new; echo > applications/A-2026-000001/actions/accept", 12345)
        assert ran.status != 0, ran


def test_two_users_at_once_are_not_taken_for_each_other(server):
    with mounted(server, shared=True) as mount:
        script = "for i in $(seq 60); do sed -n 1p whoami; readlink inbox; done | sort | uniq -c | sed 's/ *//'"

        with concurrent.futures.ThreadPoolExecutor() as pool:
            users = (demo.DU, demo.CA, demo.OP, demo.CITY_DU)
            for who, out in zip(users, pool.map(lambda who: ok(mount, script, who), users)):
                assert out.splitlines() == [f"60 name=principals/{who}", f"60 users/{who}/inbox"], out


def test_a_change_of_who_somebody_is_takes_effect(server):
    client = server.client()
    with mounted(server, shared=True) as mount:
        ok(mount, "ls requests", demo.DU)
        client.call("UpdatePrincipal", principal={"name": "principals/core-du", "disabled": True},
                    update_mask={"paths": ["disabled"]})
        # The mount remembers who somebody is until it hears of a change, which is a moment later.
        eventually(lambda: shell(mount, "cat whoami", demo.DU).status != 0, "the mount to hear of it")


def test_what_one_user_may_hold_is_bounded(server):
    with mounted(server, "max_handles=16,max_files=8,max_file=1000,max_bytes=4000", shared=True) as mount:
        ran = shell(mount, "for i in $(seq 9); do echo x > drafts/$i || exit 3; done", demo.DU)
        assert ran.status == 3 and "busy" in ran.err, ran
        ok(mount, "echo x > drafts/mine", demo.CA)
        ran = shell(mount, "head -c 1001 /dev/zero > drafts/1", demo.DU)
        assert ran.status != 0 and "too large" in ran.err, ran
        ran = shell(mount, "exec 3< README; for i in $(seq 20); do eval \"exec $((i + 10))< README\" || exit 3; done", demo.DU)
        assert ran.status != 0 and "busy" in ran.err, ran
        ok(mount, "cat README", demo.CA)


def watchers(server):
    """Streams of events that the server has open."""
    target = next(target for target in server.targets if target.startswith("http:"))
    return sample(metrics(page(target)[2]), "zwy_watchers")


@with_server(arguments=("--listen", "http:127.0.0.1:0"))
def test_any_number_of_users_have_events_by_turns(server):
    client = server.client()
    with mounted(server, "max_watches=1,watch_idle=1", shared=True) as mount:
        name = demo.file(client).name
        for who in (demo.DU, demo.CA, demo.OP, demo.DU, demo.CA):
            eventually(lambda who=who: name in ok(mount, "cat events", who), f"{who} to see what there is since the mount began")
        # The mount's own, one user's answers, one user's events.
        eventually(lambda: watchers(server) <= 3, "the others' to be given back")


if __name__ == "__main__":
    main()
