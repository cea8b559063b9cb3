"""A linear-phase band-pass filter."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusion.contract import SOUND, DataError, Pieces, Row, Span
from fusion_spectrogram import options
from fusion_spectrogram.sound import exact, held, read, sound_of
from fusion_spectrogram.transforming import Local

#: Seconds of the blocks that are filtered by one FFT each; they begin at multiples of it.
_BLOCK = Fraction(1, 4)


def _low_pass(cutoff: float, rate: float, half: int) -> NDArray[np.float64]:
    """A Blackman-windowed sinc of ``2 * half + 1`` taps that passes 0 Hz unchanged."""
    offsets = np.arange(-half, half + 1)
    taps = np.sinc(2 * cutoff / rate * offsets) * np.blackman(2 * half + 3)[1:-1]
    return np.asarray(taps / taps.sum())


@lru_cache(maxsize=8)
def _response(lowest: float, highest: float, rate: float, half: int, size: int) -> NDArray[np.complex128]:
    """Response of the filter at the bins of an FFT, its centre at tap ``half``."""
    taps = np.zeros(2 * half + 1)
    if highest < rate / 2:
        taps += _low_pass(highest, rate, half)
    else:
        taps[half] = 1.0
    if lowest > 0:
        taps -= _low_pass(lowest, rate, half)
    return np.asarray(np.fft.rfft(taps, size))


class BandPass(Local):
    """``sound`` without what lies below ``lowest`` and above ``highest``; nothing is delayed.

    0 Hz is removed exactly where ``lowest`` is above 0. Where ``lowest`` is under about ``2 / reach`` Hz, the filter
    is as gentle as its reach makes it. ``highest`` at or above the Nyquist frequency leaves that side open.
    """

    def __init__(self, options: options.BandPass) -> None:
        self.options = options
        self.reach = exact(options.reach)

    @property
    def context(self) -> tuple[Fraction, Fraction]:
        # Blocks are filtered whole: an FFT rounds differently for other neighbours.
        seconds = self.reach + _BLOCK + Fraction(1, 1000)
        return seconds, seconds

    def apply(self, pieces: Row, span: Span, state: Any) -> Row:  # noqa: ARG002
        """The filtered samples of the span, as many as the row holds."""
        sound = sound_of(pieces)
        if sound is None:
            return {}
        assert sound.rate is not None
        lowest, highest, rate = self.options.lowest, self.options.highest, float(sound.rate)
        if lowest >= min(highest, rate / 2):
            raise DataError(
                f"band_pass keeps nothing between {lowest:g} Hz and {min(highest, rate / 2):g} Hz",
                remedy="lower its option lowest",
            )
        half = int(self.reach * sound.rate)
        longest = int(_BLOCK * sound.rate) + 1
        size = 1 << (longest + 4 * half).bit_length()
        response = _response(lowest, highest, rate, half, size)
        wanted = held(sound, span)
        parts = [np.zeros(0, np.float32)]
        block = wanted.start / sound.rate // _BLOCK
        while wanted and block * _BLOCK * sound.rate < wanted.stop:
            inside = Span(block * _BLOCK, (block + 1) * _BLOCK).indices(sound.rate)
            run = read(sound, inside.start - half, inside.stop + half)
            filtered = np.fft.irfft(np.fft.rfft(run.astype(np.float64), size) * response, size)
            outputs = filtered[2 * half : 2 * half + len(inside)].astype(np.float32)
            parts.append(outputs[max(wanted.start - inside.start, 0) : wanted.stop - inside.start])
            block += 1
        return {SOUND: Pieces(np.concatenate(parts), sound.rate, wanted.start)}
