"""Options of the augmentations of frames. ``chance`` is the share of rows that are changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class TimeMask:
    """Hide stretches of time.

    Args:
        count: Stretches.
        longest: Seconds of the longest one.
        share: None is longer than this share of the row.
        fill: Value of what is hidden: each band's mean over the row, or its minimum.
    """

    count: int = 2
    longest: float = 0.25
    share: float = 0.2
    fill: Literal["mean", "minimum"] = "mean"
    chance: float = 1.0


@dataclass(frozen=True, slots=True)
class FrequencyMask:
    """Hide bands.

    Args:
        count: Stretches of neighbouring bands.
        widest: Bands of the widest one.
        fill: Value of what is hidden: each band's mean over the row, or its minimum.
    """

    count: int = 2
    widest: int = 8
    fill: Literal["mean", "minimum"] = "mean"
    chance: float = 1.0


@dataclass(frozen=True, slots=True)
class CropTop:
    """Cut the top of the spectrogram off and stretch the rest to its height.

    Args:
        rows: Frequency rows cut off.
    """

    rows: int = 10
    chance: float = 0.5


@dataclass(frozen=True, slots=True)
class Rotate:
    """Turn the spectrogram like a picture.

    Args:
        degrees: Largest angle either way.
    """

    degrees: float = 10.0
    chance: float = 0.5


@dataclass(frozen=True, slots=True)
class Gain:
    """Add one random number to all frames, and a random slope over frequency.

    Args:
        deviation: Standard deviation, in the frames' unit (log-mel: natural logarithm of power, 0.5 is 2.2 dB).
        tilt: Standard deviation of the slope: what the highest band gains and the lowest loses.
    """

    deviation: float = 0.5
    tilt: float = 0.0
    chance: float = 1.0


@dataclass(frozen=True, slots=True)
class Noise:
    """Add random numbers to every value.

    Args:
        deviation: Largest standard deviation, in the frames' unit; each row draws its own up to it.
    """

    deviation: float = 0.3
    chance: float = 0.5


@dataclass(frozen=True, slots=True)
class TimeStretch:
    """Play faster or slower at the same pitch: the row gets shorter or longer.

    Args:
        stretch: Largest logarithm of the factor, either way.
        keep: Keep the row's length: what gets too long is cut at both ends, what gets too short repeats its edges.
    """

    stretch: float = 0.15
    keep: bool = False
    chance: float = 1.0


@dataclass(frozen=True, slots=True)
class BandShift:
    """Move and stretch the spectrum along frequency, as another pitch or vocal tract would.

    Args:
        shift: Largest shift in bands, either way.
        stretch: Largest logarithm of the factor, either way.
    """

    shift: float = 2.0
    stretch: float = 0.1
    chance: float = 1.0


@dataclass(frozen=True, slots=True)
class TimeShift:
    """Move the row along time, repeating its edge.

    Args:
        share: Largest shift as a share of the row.
    """

    share: float = 0.075
    chance: float = 1.0
