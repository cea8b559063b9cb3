"""Folding a clip's samples in blocks of fixed place and size, so that sums do not depend on how it is cut."""

from __future__ import annotations

import numpy as np

from fusion.contract import Row
from fusion_spectrogram.sound import Samples, sound_of


class Blocks:
    """Cuts what comes into blocks ``[b * size, (b + 1) * size)`` of the sound's own index."""

    def __init__(self) -> None:
        self.rate: float | None = None
        self.size = 0
        self.number = 0
        self.count = 0
        self._held: Samples = np.zeros(0, np.float32)

    def feed(self, row: Row, size_at: float | int) -> list[Samples]:
        """Take the next samples; answer the blocks ``[size]`` that are complete now.

        Args:
            row: The next pieces; rows without sound change nothing.
            size_at: Samples in a block (an int), or seconds of one (a float).
        """
        sound = sound_of(row)
        if sound is None or len(sound) == 0:
            return []
        assert sound.rate is not None
        if self.rate is None:
            self.rate = float(sound.rate)
            self.size = size_at if isinstance(size_at, int) else max(1, round(size_at * self.rate))
            self.number = sound.first // self.size
            self._held = np.zeros(sound.first % self.size, np.float32)
        gap = sound.first - (self.number * self.size + len(self._held))
        self._held = np.concatenate([self._held, np.zeros(max(gap, 0), np.float32), sound.data])
        self.count += len(sound)
        whole = len(self._held) // self.size
        blocks = [self._held[k * self.size : (k + 1) * self.size] for k in range(whole)]
        self._held = self._held[whole * self.size :].copy()
        self.number += whole
        return blocks

    @property
    def rest(self) -> Samples:
        """The samples that do not fill a block yet."""
        return self._held


def energy(samples: Samples) -> float:
    """Sum of squares."""
    return float(np.sum(samples.astype(np.float64) ** 2))
