"""Small cases with which the objectives are checked (``fusion plugins check contrastive``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fusion.contract import Example


def margin(folder: Path) -> Sequence[Example]:
    """Embeddings as they are, and at length 1."""
    return [Example("plain"), Example("normalised", options={"normalise": True})]


def infonce(folder: Path) -> Sequence[Example]:
    """Linear projections, and such with a hidden layer."""
    return [Example("linear", options={"dim": 4}), Example("hidden", options={"dim": 4, "hidden": 5})]


def supervised_contrastive(folder: Path) -> Sequence[Example]:
    """As for ``infonce``."""
    return infonce(folder)
