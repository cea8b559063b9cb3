"""Small cases with which protocols are checked (``fusion plugins check engine``), on the kit's own 24 speakers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fusion.contract import Example


def leave_one_group_out(folder: Path) -> Sequence[Example]:
    """By session, and by a detail."""
    return [Example("group"), Example("detail", options={"by": "room"})]


def held_out(folder: Path) -> Sequence[Example]:
    """Named speakers, and named values of a detail."""
    return [
        Example("speakers", options={"test": ["1", "2"], "validation": ["kit:03"]}),
        Example("detail", options={"by": "room", "test": ["a"], "validation": ["b"]}),
    ]
