"""A small case with which the command is checked (``fusion plugins check engine``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fusion.contract import Example


def leakage(folder: Path) -> Sequence[Example]:
    """A stream alone."""
    return [Example("alone", options={"systems": {"voice": ["voice"]}})]
