"""Spectrograms in dB on a fixed scale."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusion.contract import Axis, Row, Span, View
from fusion_spectrogram import options
from fusion_spectrogram.frames import Power, reach, spectra
from fusion_spectrogram.sound import exact, nearest, sound_of
from fusion_spectrogram.transforming import Local


@lru_cache(maxsize=16)
def _rows(bins: int, rows: int, share: float) -> NDArray[np.float64]:
    """Weights ``[bins, rows]``: row r averages the bins of its stretch, or interpolates where it is narrower."""
    top = share * (bins - 1)
    centres = np.linspace(0.0, top, rows)
    half = max(1.0, top / max(1, rows - 1))
    weights = np.maximum(0.0, 1.0 - np.abs(np.arange(bins)[:, None] - centres[None, :]) / half)
    total = weights.sum(axis=0)
    return np.asarray(weights / np.where(total > 0, total, 1.0))


class DbSpectrogram(Local):
    """``sound`` becomes ``frames`` ``[N, rows]`` in dB and ``level`` ``[N]``.

    ``20 log10 |STFT|`` of samples in -1 to 1, the window not normalised (a full-scale sine of a 25 ms window at
    44.1 kHz reaches 49 dB), clipped to plus and minus ``limit``. Rows run from 0 Hz up; a ``highest_hz`` above the
    Nyquist frequency leaves the rows above it at the lower limit.
    """

    def __init__(self, options: options.DbSpectrogram) -> None:
        self.options = options
        self.rate = exact(options.rate)
        self.window = exact(options.window)

    @property
    def context(self) -> tuple[Fraction, Fraction]:
        return reach(self.window)

    def apply(self, pieces: Row, span: Span, state: Any) -> Row:  # noqa: ARG002
        """Frames of the span; where there is no sound they are at the lower limit."""
        return spectra(pieces, span, rate=self.rate, window=self.window, picture=self._picture)

    def explain(self, pieces: Row, span: Span, state: Any) -> Mapping[str, View | None]:  # noqa: ARG002
        """The frames, by frequency and on the fixed scale."""
        sound = sound_of(pieces)
        if sound is None or sound.rate is None:
            return {}
        highest = self.options.highest_hz or float(sound.rate) / 2
        axes = (Axis("frequency", "Hz", 0, highest),)
        limit = self.options.limit
        frames = View("spectrogram", axes=axes, unit="dB", limits=(-limit, limit))
        return {"frames": frames, "level": View("level, the mean square")}

    def _picture(self, power: Power, rate: int, size: int) -> NDArray[np.float32]:
        samples = max(2, nearest(self.window * rate))
        energy = 0.375 * samples  # sum of the squared Hann window, by which the power was divided
        highest = self.options.highest_hz or rate / 2
        rows = (power * energy) @ _rows(size // 2 + 1, self.options.rows, highest / (rate / 2))
        limit = self.options.limit
        decibels = 10 * np.log10(np.maximum(rows, 10 ** (-limit / 10)))
        return np.asarray(np.minimum(decibels, limit), dtype=np.float32)
