"""What all augmentations of frames share: whether a row is changed at all, and its frames as numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from fusion.contract import Pieces, Row, Span

Frames = NDArray[np.float32]


class _Chance(Protocol):
    @property
    def chance(self) -> float: ...


Options = TypeVar("Options", bound=_Chance)


class FrameAugmentation(ABC, Generic[Options]):
    """Changes ``frames`` ``[N, F]`` of a row with a chance; everything else of the row stays."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def __call__(self, pieces: Row, span: Span, random: np.random.Generator) -> Row:  # noqa: ARG002
        frames = pieces.get("frames")
        if frames is None or frames.rate is None or len(frames) == 0 or random.random() >= self.options.chance:
            return pieces
        changed = self.change(np.array(frames.data, dtype=np.float32), float(frames.rate), random)
        return {**pieces, "frames": Pieces(changed, frames.rate, frames.first)}

    @abstractmethod
    def change(self, frames: Frames, rate: float, random: np.random.Generator) -> Frames:
        """New frames from a copy ``[N, F]`` (it may be written to) at ``rate`` frames a second."""


def sampled(frames: Frames, positions: NDArray[np.floating[Any]], axis: int) -> Frames:
    """Linear interpolation at fractional positions along an axis; beyond the ends the edge is repeated."""
    last = frames.shape[axis] - 1
    positions = np.clip(positions, 0, last)
    below = np.floor(positions).astype(np.int64)
    above = np.minimum(below + 1, last)
    shape = [1, 1]
    shape[axis] = len(positions)
    share = (positions - below).astype(np.float32).reshape(shape)
    return np.asarray(np.take(frames, below, axis=axis) * (1 - share) + np.take(frames, above, axis=axis) * share)
