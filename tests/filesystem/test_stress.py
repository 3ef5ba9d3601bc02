#!/usr/bin/python3
"""What no ordinary day does to a mount: random files, stress-ng, and a crowd. smoke: yes timeout: 400"""
import os
import re

import stressors
from fstest import demo, main, mounted
from scribble import LIMIT, Scribbler, seed_of
from zwytest import rounds


def drafts(mount):
    return os.path.realpath(mount / "drafts")


def test_random_files_in_drafts_are_as_they_should_be(server):
    seed = seed_of()
    print(f"# ZWY_SEED={seed}")
    with mounted(server, f"as={demo.DU},max_file={LIMIT}") as mount:
        for number in range(rounds(4, quick=2, long=200)):
            Scribbler(drafts(mount), seed + number).run(3000, seed + number)


def test_stress_ng_may_make_no_directory_in_drafts(server):
    with mounted(server) as mount:
        stress = stressors.StressNg(drafts(mount))
        for name in sorted({*stressors.PASSES, *stressors.REFUSED} - set(stressors.WITHOUT_HOME)):
            status, said, _ = stress.run(name, at_home=False)
            assert status in (stressors.FAILED, stressors.NO_RESOURCE), (name, status, said)
            assert re.search(r"mkdir .*errno=1 \(Operation not permitted\)", said), (name, said)


def test_stress_ng_passes_where_a_control_filesystem_can(server):
    with mounted(server) as mount:
        stress = stressors.StressNg(drafts(mount))
        for name, options in stressors.PASSES.items():
            status, said, count = stress.run(name, options)
            assert status == 0 and count > 0 and "fail" not in said, (name, status, count, said)


def test_stress_ng_is_refused_what_a_control_filesystem_does_not_have(server):
    with mounted(server) as mount:
        stress = stressors.StressNg(drafts(mount))
        for name, (options, wanted, text) in stressors.REFUSED.items():
            status, said, _ = stress.run(name, options)
            assert status == wanted and re.search(text, said), (name, status, said)
        for name in stressors.IDLE:
            status, said, count = stress.run(name, seconds=1)
            assert status == 0 and count == 0, (name, status, count, said)
        assert os.listdir(drafts(mount)) == []


if __name__ == "__main__":
    main()
