#!/usr/bin/python3
"""Users who try to see, hold or do what is not theirs, and the mount's word on each. smoke: yes timeout: 400"""
import errno
import os
import pathlib
import subprocess

from fstest import (DRAFT, WHOLE, Skip, demo, error_of_process, eventually, let_through, main, mounted, ok, result, scratch, shell,
                    uid)  # noqa: F401


if __name__ == "__main__":
    main()
