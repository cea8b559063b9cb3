"""What a launcher and the processes that it starts have agreed on; light, for both sides."""

from __future__ import annotations

import os

#: Environment variable that holds a descriptor, the reading end of a pipe: it ends when the launcher does.
LAUNCHER = "FUSION_LAUNCHER"

#: Exit status of a process that lost another one. It is the launcher that says which, and how.
LOST = os.EX_TEMPFAIL


def launched() -> bool:
    """Whether a launcher of ours started this process and speaks for it."""
    return LAUNCHER in os.environ
