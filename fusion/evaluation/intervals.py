"""Bootstrap intervals, over speakers where there are several, and paired ones for differences of two rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusion.data.randomness import generator
from fusion.evaluation.scores import Additive

DRAWS = 2000
_Array = NDArray[np.float64]


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
        names = {key: number for number, key in enumerate(sorted(set(keys)) if by_speaker else keys)}
        self._group = np.array([names[key] for key in keys], dtype=np.int64)
        self._count = len(names)
        random = generator(seed, "bootstrap", len(speakers))
        picked = random.integers(self._count, size=(draws, self._count))
        #: How often each group stands in each draw.
        self._weights = np.stack([np.bincount(draw, minlength=self._count) for draw in picked]).astype(np.float64)

    def interval(self, score: Additive, probabilities: _Array, targets: _Array) -> Interval:
        """The interval of one row's score."""
        return self._percentiles(self._drawn(score, probabilities, targets))

    def difference(self, score: Additive, first: _Array, second: _Array, targets: _Array) -> Interval:
        """The interval of the first row's score minus the second's, on the same draws."""
        return self._percentiles(self._drawn(score, first, targets) - self._drawn(score, second, targets))

    def _drawn(self, score: Additive, probabilities: _Array, targets: _Array) -> _Array:
        """The score of every draw."""
        statistics = score.statistics(probabilities, targets)
        sums = np.zeros((self._count, *statistics.shape[1:]))
        np.add.at(sums, self._group, statistics)
        return score.score(np.tensordot(self._weights, sums, axes=1))

    def _percentiles(self, values: _Array) -> Interval:
        low, high = np.percentile(values, [2.5, 97.5])
        return Interval(float(low), float(high), self.over)
