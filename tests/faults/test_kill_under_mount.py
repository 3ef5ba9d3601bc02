#!/usr/bin/python3
"""kill -9 of the server under a mount: who repeats a request until it is taken has filed it once. smoke: yes timeout: 300"""
import pathlib
import random
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import Mount, demo, eventually, main, rounds  # noqa: E402

WRITERS = 4
# What a script does that wants its request filed, whatever happens.
WRITER = """
for i in $(seq {count}); do
    until cp {source} requests/{label}-$i.req 2>> {errors}; do sleep 0.02; done
done
"""


def killed(server, choice, writers):
    """The server dies and comes back until all is written; how often."""
    deaths = 0
    while any(writer.poll() is None for writer in writers):
        threading.Event().wait(choice.uniform(0.02, 0.4))  # the random moment
        server.kill()
        server.start()
        deaths += 1
    return deaths


def test_what_is_repeated_until_it_is_taken_is_filed_once(server):
    seed = random.randrange(2**32)
    print(f"# seed {seed}")
    count = rounds(60, quick=20, long=3000)
    mount = Mount(server, f"as={demo.DU},commit_deadline=5000,read_deadline=5000")
    try:
        with tempfile.TemporaryDirectory() as tmp:
            source, errors = pathlib.Path(tmp) / "source.req", pathlib.Path(tmp) / "errors"
            source.write_text(demo.text(), encoding="utf-8")
            writers = [subprocess.Popen(["bash", "-c", WRITER.format(count=count, source=source, label=f"w{w}", errors=errors)],
                                        cwd=mount.point, stdin=subprocess.DEVNULL) for w in range(WRITERS)]
            try:
                deaths = killed(server, random.Random(seed), writers)
            finally:
                for writer in writers:
                    writer.kill()
                    writer.wait()
            told = errors.read_text(errors="replace")
            print(f"# {deaths} deaths, {len(told.splitlines())} refusals")
            assert "File exists" not in told and "Bad message" not in told, told[-2000:]
        eventually(lambda: mount.read("status/connection") == "connected\n", "the mount to be well again")
        names = [f"w{w}-{i}.req" for w in range(WRITERS) for i in range(1, count + 1)]
        filed = [mount.read(f"results/{name}/id").strip() for name in names]
        found = server.client().list("ListApplications", as_=demo.CA)
        assert sorted(f"applications/{case}" for case in filed) == sorted(a.name for a in found)
        assert all(a.state == "submitted" and len(a.document) == 3 for a in found)
        assert demo.quota(server.client())["quantity"][1] == 4 * len(names)
    finally:
        mount.close()


if __name__ == "__main__":
    main()
