"""Freed memory is kept, unless the user has said what to do with it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
#: Page faults of filling the same 80 MB again and again, and whether memory is kept.
_PROGRAM = """
import resource
import sys

import numpy as np

from fusion.cli.freed_memory import keep_freed_memory

kept = keep_freed_memory() if sys.argv[1] == "keep" else None
np.ones(10_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    np.ones(10_000_000)
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _run(argument: str, **variables: str) -> tuple[str, int]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, argument], env=plain | variables, capture_output=True, text=True, check=True
    )
    kept, faults = done.stdout.split()
    return kept, int(faults)


@glibc
def test_pages_are_used_again() -> None:
    kept, faults = _run("keep")
    assert kept == "True"
    assert faults < _run("leave")[1] / 10


@glibc
def test_what_the_user_has_set_stays() -> None:
    assert _run("keep", MALLOC_ARENA_MAX="2")[0] == "False"
