#!/usr/bin/python3
"""Each fuzzer under libFuzzer for a while, from the corpus, with the sanitizers. Long runs only. timeout: 900"""
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from zwytest import Skip, main, scratch_dir  # noqa: E402
from zwytest.tap import build_dir  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
SECONDS = 20
NAMES = sorted(path.stem.removeprefix("fuzz_") for path in HERE.glob("fuzz_*.c"))


def built():
    """The build folder of the fuzzers, beside the others."""
    folder = build_dir().parent / "build-fuzz"
    launcher = ["-DCMAKE_C_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
    for command in (["cmake", "-S", HERE.parents[1], "-B", folder, "-G", "Ninja", "-DCMAKE_C_COMPILER=clang",
                     "-DZWY_FUZZ=ON", "-DZWY_WERROR=OFF", *launcher],
                    ["ninja", "-C", folder, *(f"fuzz_{name}" for name in NAMES)]):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        assert done.returncode == 0, done.stdout[-4000:]
    return folder / "tests/fuzz"


def test_nothing_is_found_in_twenty_seconds_each():
    if os.environ.get("ZWY_ROUNDS") != "long":
        raise Skip("libFuzzer runs with --long only")
    if not shutil.which("clang"):
        raise Skip("no clang")
    folder = built()
    for name in NAMES:
        corpus = scratch_dir(f"corpus-{name}-")
        shutil.copytree(HERE / "corpus" / name, corpus, dirs_exist_ok=True)
        done = subprocess.run([folder / f"fuzz_{name}", f"-max_total_time={SECONDS}", "-max_len=2000", "-timeout=20",
                               f"-artifact_prefix={scratch_dir('found-')}/", "-print_final_stats=1", corpus],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        assert done.returncode == 0, f"{name}\n{done.stdout[-6000:]}"


if __name__ == "__main__":
    main()
