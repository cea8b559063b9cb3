"""Aggregators whose author knows of a failure, or is wrong about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fusion.contract import Example
from tests.testing.planted.aggregators import Good, Summing
from tests.testing.planted.planting import registration

REASON = "its answers are bounds, not probabilities"


def summing(folder: Path) -> Sequence[Example]:
    return [Example(known_failures={"answers_probabilities": REASON})]


def half(folder: Path) -> Sequence[Example]:
    return [Example("strict"), Example("loose", known_failures={"answers_probabilities": REASON})]


def summed(folder: Path) -> Sequence[Example]:
    return [Example(known_failures={"has_a_summary": "there is nothing to say"})]


REGISTRATIONS: list[Any] = [
    registration("aggregator", Summing, "bounds", examples=f"{__name__}:summing"),
    registration("aggregator", Summing, "half", examples=f"{__name__}:half"),
    registration("aggregator", Good, "mended", examples=f"{__name__}:summing"),
    registration("aggregator", Good, "mute", examples=f"{__name__}:summed", summary=""),
]
