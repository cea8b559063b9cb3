"""Reading runs of samples by their absolute index, so that results do not depend on how a clip is cut."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from fusion.contract import SOUND, DataError, Pieces, Row, Span

Samples = NDArray[np.float32]

#: Samples per second that transforms of sound accept.
LOWEST_RATE, HIGHEST_RATE = 4000, 384000


def sound_of(row: Row) -> Pieces | None:
    """The sound of a row (samples ``[N]`` on a grid); None where the row holds none.

    Raises:
        DataError: The samples are not finite, not mono, or at a rate outside the limits.
    """
    sound = row.get(SOUND)
    if sound is None or sound.rate is None:
        return None
    if not LOWEST_RATE <= sound.rate <= HIGHEST_RATE:
        raise DataError(
            f"sound at {float(sound.rate):g} samples a second is outside {LOWEST_RATE} to {HIGHEST_RATE}",
            remedy="convert the file to a usual rate",
        )
    samples = np.asarray(sound.data, dtype=np.float32)
    if samples.ndim != 1:
        raise DataError(f"sound has the shape {samples.shape} instead of one channel", remedy="choose a channel")
    if not np.isfinite(samples).all():
        raise DataError("sound holds values that are not finite", remedy="repair or leave out the file")
    return Pieces(samples, sound.rate, sound.first)


def read(sound: Pieces, start: int, stop: int) -> Samples:
    """Samples of absolute index start to stop as ``[stop - start]``; zeros where there are none."""
    result = np.zeros(stop - start, dtype=np.float32)
    begin, end = max(start, sound.first), min(stop, sound.first + len(sound))
    if begin < end:
        result[begin - start : end - start] = sound.data[begin - sound.first : end - sound.first]
    return result


def held(sound: Pieces, span: Span) -> range:
    """Indices of the span at the sound's own rate that the sound holds."""
    assert sound.rate is not None
    wanted = span.indices(sound.rate)
    start = min(max(wanted.start, sound.first), wanted.stop)
    return range(start, max(start, min(wanted.stop, sound.first + len(sound))))


def blocks_of(indices: range, size: int) -> range:
    """Numbers of the blocks ``[b * size, (b + 1) * size)`` that the indices touch."""
    if not indices:
        return range(0)
    return range(indices.start // size, (indices.stop - 1) // size + 1)


def exact(value: float) -> Fraction:
    """The fraction that a decimal number of a config means (0.1 is 1/10)."""
    return Fraction(str(value))


def nearest(position: Fraction) -> int:
    """The nearest integer; halves go up, wherever they lie."""
    return int((2 * position.numerator + position.denominator) // (2 * position.denominator))
