"""Freed memory is kept for the next step of training instead of being given back to the system."""

from __future__ import annotations

import ctypes
import os
import platform
from functools import cache

#: glibc's malloc.h: what is set, and to what. Tensors of up to 1 GiB come from the heap, which is not made smaller.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_SETTINGS = {_TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 2**26, _MMAP_THRESHOLD: 2**30}


@cache
def keep_freed_memory() -> bool:
    """Let this process keep the memory that it frees; whether that was set. For commands that train: it is theirs.

    By default glibc maps every large tensor anew and gives it back after use, and the system clears its pages each
    time: a fifth of the time of training a small network on a processor. Nothing is set where the C library is another
    one, or where variables of the user's (``MALLOC_...``) already say what to do.
    """
    if platform.libc_ver()[0] != "glibc" or any(name.startswith("MALLOC_") for name in os.environ):
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all(mallopt(parameter, value) for parameter, value in _SETTINGS.items())
