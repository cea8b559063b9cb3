"""Bootstrap intervals, over speakers where there are several, and paired ones for differences of two rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusion.data.randomness import generator

DRAWS = 2000
_Array = NDArray[np.float64]
Score = Callable[[_Array, _Array], float]


@dataclass(frozen=True, slots=True)
class Interval:
    """The middle 95 % of bootstrap draws.

    Args:
        low: 2.5th percentile.
        high: 97.5th percentile.
        over: What was drawn: ``speakers`` or ``clips``.
    """

    low: float
    high: float
    over: str

    @property
    def excludes_zero(self) -> bool:
        """For differences: whether one row is above (or below) the other."""
        return self.low > 0 or self.high < 0


class Bootstrap:
    """The same draws for every row of a table, so that differences are paired.

    Speakers are drawn whole, with replacement, where at least two are known for all clips; clips otherwise.
    """

    def __init__(self, speakers: Sequence[str | None], seed: int = 0, draws: int = DRAWS) -> None:
        known = {speaker for speaker in speakers if speaker is not None}
        by_speaker = len(known) > 1 and all(speaker is not None for speaker in speakers)
        self.over = "speakers" if by_speaker else "clips"
        keys = [str(speaker) for speaker in speakers] if by_speaker else [str(place) for place in range(len(speakers))]
        members: dict[str, list[int]] = {}
        for place, key in enumerate(keys):
            members.setdefault(key, []).append(place)
        groups = [np.array(members[key]) for key in sorted(members)]
        random = generator(seed, "bootstrap", len(speakers))
        self._draws = [
            np.concatenate([groups[k] for k in random.integers(len(groups), size=len(groups))]) for _ in range(draws)
        ]

    def interval(self, score: Score, probabilities: _Array, targets: _Array) -> Interval:
        """The interval of one row's score."""
        return self._percentiles([score(probabilities[draw], targets[draw]) for draw in self._draws])

    def difference(self, score: Score, first: _Array, second: _Array, targets: _Array) -> Interval:
        """The interval of the first row's score minus the second's, on the same draws."""
        return self._percentiles([score(first[d], targets[d]) - score(second[d], targets[d]) for d in self._draws])

    def _percentiles(self, values: Sequence[float]) -> Interval:
        low, high = np.nanpercentile(values, [2.5, 97.5])
        return Interval(float(low), float(high), self.over)
