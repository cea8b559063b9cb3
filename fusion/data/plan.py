"""Which windows make up each batch: one global plan, addressed by (seed, epoch, step)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from fusion.config.models import WindowSettings
from fusion.contract import Span
from fusion.data.randomness import generator
from fusion.data.windows import draw_window, windows_of


@dataclass(frozen=True, slots=True)
class Window:
    """One window of one clip: the clip's position in its table, the span, and its number within the clip."""

    clip: int
    span: Span
    number: int


@dataclass(frozen=True)
class TrainingPlan:
    """Batches of random windows. The same for any number of processes: each takes its slice of a batch.

    Args:
        seed: Of the run.
        durations: Seconds of every clip.
        window: How windows are drawn.
        batch: Windows in a global batch.
        chances: Relative chance of each clip where sampling is balanced; None visits each clip once an epoch.
    """

    seed: int
    durations: Sequence[Fraction]
    window: WindowSettings
    batch: int
    chances: NDArray[np.float64] | None = None

    @property
    def steps(self) -> int:
        """Steps in an epoch; the last batch may be smaller."""
        return -(-len(self.durations) * self.window.per_clip // self.batch)

    def windows(self, epoch: int, step: int) -> list[Window]:
        """The global batch of one step."""
        order = self._order(epoch)
        start = step * self.batch
        chosen = []
        for place in range(start, min(start + self.batch, len(order))):
            clip = int(order[place])
            random = generator(self.seed, "window", epoch, place, clip)
            chosen.append(Window(clip, draw_window(self.durations[clip], self.window, random), place))
        return chosen

    def _order(self, epoch: int) -> NDArray[np.int64]:
        count = len(self.durations)
        random = generator(self.seed, "order", epoch)
        if self.chances is None:
            return np.concatenate([random.permutation(count) for _ in range(self.window.per_clip)])
        share = self.chances / self.chances.sum()
        return random.choice(count, size=count * self.window.per_clip, p=share)


def evaluation_windows(durations: Sequence[Fraction], window: WindowSettings) -> list[Window]:
    """All windows of all clips, in order."""
    return [
        Window(clip, span, number)
        for clip, duration in enumerate(durations)
        for number, span in enumerate(windows_of(duration, window))
    ]
