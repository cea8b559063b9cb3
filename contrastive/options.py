"""Options of pretraining objectives; light, so that reading a config loads no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Margin:
    """Options of the objective ``margin``.

    Args:
        margin: Distance from which negatives no longer count (eta); the paper gives no value.
    """

    margin: float = 1.0

    def __post_init__(self) -> None:
        if self.margin <= 0:
            raise ValueError("margin is larger than 0")
