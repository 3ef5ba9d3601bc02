#!/usr/bin/python3
"""The interoperability cases by gRPC's own C++ library, where the build found it; over every transport."""
# timeout: 300
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from programs import CASES, add_tests  # noqa: E402
from zwytest import Skip, build_dir, main  # noqa: E402


def command():
    client = build_dir() / "tests/conformance/zwy-interop-cpp"
    if not client.is_file():
        raise Skip("it was not built: no libgrpc++, or no plugin of protoc for it")
    return [client]


add_tests(globals(), "C++", CASES + ["concurrent_large_unary"], command)

if __name__ == "__main__":
    main()
