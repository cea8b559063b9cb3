"""Resampling by a polyphase windowed sinc with exact index arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusion.contract import SOUND, Pieces, Row, Span
from fusion_spectrogram import options
from fusion_spectrogram.sound import LOWEST_RATE, Samples, blocks_of, read, sound_of
from fusion_spectrogram.transforming import Local

#: Outputs of one matrix row, at least: rates with a small ratio are handled several periods at a time.
_ROW = 64
#: Rows of one matrix product; always as many, because products round differently for other shapes.
_ROWS = 16
#: Larger kernels (odd rates such as 44101) are computed where they are needed instead of being kept.
_LARGEST_KERNEL = 1 << 20


def _taps(distance: NDArray[np.float64], zeros: int, cutoff: float) -> NDArray[np.float64]:
    """A Hann-windowed sinc at distances in input samples; cutoff in cycles per input sample, times two."""
    x = distance * cutoff
    window = np.where(np.abs(x) < zeros, 0.5 + 0.5 * np.cos(np.pi * x / zeros), 0.0)
    return np.asarray(np.sinc(x) * window * cutoff)


@lru_cache(maxsize=16)
def _kernel(up: int, down: int, zeros: int, cutoff: float) -> NDArray[np.float32]:
    """``[inputs, up]``: how ``up`` outputs are made of the inputs around ``down`` of them."""
    width = math.ceil(zeros / cutoff)
    inputs = np.arange(-width, down + width)
    outputs = np.arange(up) * (down / up)
    return _taps(inputs[:, None] - outputs[None, :], zeros, cutoff).astype(np.float32)


class Resample(Local):
    """``sound`` at ``rate``: output n is the band-limited sound at n / rate seconds of the clip.

    Any pair of rates works; sample positions are integers and fractions, so nothing drifts over hours. Method:
    J. O. Smith, "Digital Audio Resampling" (bandlimited interpolation with a windowed sinc).
    """

    def __init__(self, options: options.Resample) -> None:
        self.options = options
        self.rate = Fraction(options.rate)

    @property
    def context(self) -> tuple[Fraction, Fraction]:
        lower = min(self.rate, Fraction(LOWEST_RATE))
        reach = (math.ceil(self.options.zeros / self.options.rolloff) + 2) / lower
        return reach, reach

    def apply(self, pieces: Row, span: Span, state: Any) -> Row:  # noqa: ARG002
        """The samples of the span; nothing where the row holds no sound."""
        sound = sound_of(pieces)
        if sound is None:
            return {}
        wanted = span.indices(self.rate)
        if sound.rate == self.rate:
            return {SOUND: sound.within(span)}
        assert sound.rate is not None
        ratio = self.rate / sound.rate
        cutoff = self.options.rolloff * float(min(ratio, Fraction(1)))
        up, down = ratio.numerator, ratio.denominator
        periods = max(1, math.ceil(_ROW / up))
        size = (down * periods + 2 * math.ceil(self.options.zeros / cutoff)) * up * periods
        if size <= _LARGEST_KERNEL:
            data = self._periodic(sound, wanted, up * periods, down * periods, cutoff)
        else:
            data = self._anywhere(sound, wanted, up, down, cutoff)
        return {SOUND: Pieces(data, self.rate, wanted.start)}

    def _periodic(self, sound: Pieces, wanted: range, up: int, down: int, cutoff: float) -> Samples:
        """Rows of ``up`` outputs as products with one kernel."""
        kernel = _kernel(up, down, self.options.zeros, cutoff)
        width = math.ceil(self.options.zeros / cutoff)
        parts = [np.zeros(0, np.float32)]
        for block in blocks_of(wanted, up * _ROWS):
            row = block * _ROWS
            run = read(sound, row * down - width, (row + _ROWS) * down + width)
            inputs = np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(run, len(kernel))[::down])
            outputs = (inputs @ kernel).reshape(-1)
            first = row * up
            parts.append(outputs[max(wanted.start - first, 0) : wanted.stop - first])
        return np.concatenate(parts)

    def _anywhere(self, sound: Pieces, wanted: range, up: int, down: int, cutoff: float) -> Samples:
        """Outputs one by one, each with taps of its own."""
        width = math.ceil(self.options.zeros / cutoff)
        offsets = np.arange(-width, width + 2)
        parts = [np.zeros(0, np.float32)]
        for start in range(wanted.start, wanted.stop, 4096):
            positions = [n * down for n in range(start, min(start + 4096, wanted.stop))]
            whole = np.array([position // up for position in positions])
            part = np.array([position % up / up for position in positions])
            run = read(sound, int(whole[0]) - width, int(whole[-1]) + width + 2)
            inputs = run[(whole - whole[0])[:, None] + width + offsets]
            taps = _taps(offsets[None, :] - part[:, None], self.options.zeros, cutoff)
            total = np.zeros(len(whole))
            for column in range(len(offsets)):  # one fixed order of addition, whatever the number of rows
                total += inputs[:, column] * taps[:, column]
            parts.append(total.astype(np.float32))
        return np.concatenate(parts)
