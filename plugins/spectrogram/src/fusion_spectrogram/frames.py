"""Short-time spectra at exact times: frame i is centred at i / rate, on sound of any sampling rate."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from fusion.contract import Pieces, Row, Span
from fusion_spectrogram.sound import blocks_of, nearest, read, sound_of

#: Frames are computed in blocks that begin at multiples of this index and always have this shape: matrix products
#: round differently for other shapes, and results must not depend on where a clip was cut.
BLOCK = 64

Power = NDArray[np.float64]
Picture = Callable[[Power, int, int], NDArray[np.float32]]


def reach(window: Fraction) -> tuple[Fraction, Fraction]:
    """Context of frames with that window: half of it, and the rounding of its centre and length."""
    half = window / 2 + Fraction(1, 1000)
    return half, half


def spectra(row: Row, span: Span, *, rate: Fraction, window: Fraction, picture: Picture) -> Row:
    """Frames and their levels over a span.

    Args:
        row: Sound with context around the span.
        span: Wanted frames are those with ``i / rate`` in it.
        rate: Frames per second.
        window: Seconds of the Hann window.
        picture: Makes ``[BLOCK, F]`` frames of power ``[BLOCK, bins]``, sampling rate (rounded) and FFT size.

    Returns:
        ``frames`` ``[N, F]`` float16 and ``level`` ``[N]`` float32, the mean square of the windowed samples.
    """
    wanted = span.indices(rate)
    sound = sound_of(row)
    if sound is None:
        sound = Pieces(np.zeros(0, np.float32), Fraction(16000))
    assert sound.rate is not None
    samples = max(2, nearest(window * sound.rate))
    size = 1 << (samples - 1).bit_length()
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(samples) / samples)
    energy = float(np.sum(hann**2))
    distance = sound.rate / rate
    pictures: list[NDArray[np.float32]] = []
    levels: list[NDArray[np.float32]] = []
    for block in blocks_of(wanted, BLOCK):
        numbers = range(block * BLOCK, (block + 1) * BLOCK)
        # The nearest sample to i * distance, halves up, in whole numbers: fractions would take as long as the rest.
        above, below = 2 * distance.numerator, 2 * distance.denominator
        starts = np.array([(i * above + distance.denominator) // below - samples // 2 for i in numbers])
        run = read(sound, int(starts[0]), int(starts[-1]) + samples).astype(np.float64)
        cuts = run[(starts - starts[0])[:, None] + np.arange(samples)] * hann
        spectrum = np.fft.rfft(cuts, size, axis=1)
        power = (spectrum.real**2 + spectrum.imag**2) / energy
        keep = slice(max(wanted.start - numbers.start, 0), min(wanted.stop, numbers.stop) - numbers.start)
        pictures.append(picture(power, round(sound.rate), size)[keep])
        levels.append((np.sum(cuts**2, axis=1) / energy).astype(np.float32)[keep])
    if not pictures:
        empty = picture(np.zeros((BLOCK, size // 2 + 1)), round(sound.rate), size)[:0]
        pictures, levels = [empty], [np.zeros(0, np.float32)]
    return {
        "frames": Pieces(np.concatenate(pictures).astype(np.float16), rate, wanted.start),
        "level": Pieces(np.concatenate(levels), rate, wanted.start),
    }
