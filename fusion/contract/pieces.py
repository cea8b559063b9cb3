"""Timestamped pieces: the one form in which media travel from a decoder to a batch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open stretch ``[start, end)`` of a clip's clock, in exact seconds."""

    start: Fraction
    end: Fraction

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"a span ends at or after its start, not {float(self.start)} .. {float(self.end)}")

    @property
    def seconds(self) -> Fraction:
        return self.end - self.start

    def indices(self, rate: Fraction) -> range:
        """Indices i of the grid i/rate that lie in the span."""
        return range(math.ceil(self.start * rate), math.ceil(self.end * rate))

    def extended(self, before: Fraction, after: Fraction) -> Span:
        """The span with context on both sides; it may begin before 0."""
        return Span(self.start - before, self.end + after)


class Picture(Protocol):
    """One picture, converted only as far as asked; rotation, bit depth and the track's region are already applied.

    Coordinates are pixels of the upright region, as (left, top, width, height).
    """

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        ...

    def grey(self, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """Luma ``[height, width]`` uint8, scaled to size (width, height)."""
        ...

    def rgb(
        self, box: tuple[float, float, float, float] | None = None, size: tuple[int, int] | None = None
    ) -> NDArray[np.uint8]:
        """The box (parts outside the picture repeat its edge) as ``[height, width, 3]`` uint8, scaled to size."""
        ...


@dataclass(frozen=True, slots=True)
class Pieces:
    """A run of timestamped items.

    On a grid (``rate`` given): item k of ``data`` lies at ``(first + k) / rate`` seconds of the clip.
    Irregular (``rate`` None): item k lies at ``times[k]`` seconds and lasts until ``ends[k]``, if given.

    Args:
        data: Items along the first axis: a NumPy array, or a sequence (lazy ``Picture`` objects, strings).
        rate: Items per second, exact; None for irregular pieces.
        first: Index of the first item on the grid.
        times: Seconds of irregular items, ascending.
        ends: Where irregular items end, in seconds.
    """

    data: Any
    rate: Fraction | None
    first: int = 0
    times: NDArray[np.float64] | None = None
    ends: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if (self.rate is None) == (self.times is None):
            raise ValueError("pieces have either a rate or times")

    def __len__(self) -> int:
        return len(self.data)

    @property
    def span(self) -> Span:
        """On a grid: from the first item to the end of the last one."""
        if self.rate is None:
            raise ValueError("only pieces on a grid have a span")
        return Span(self.first / self.rate, (self.first + len(self)) / self.rate)

    def within(self, span: Span) -> Pieces:
        """The items that lie in the span (irregular ones with an end: that overlap it)."""
        if self.rate is not None:
            wanted = span.indices(self.rate)
            start = min(max(wanted.start - self.first, 0), len(self))
            stop = min(max(wanted.stop - self.first, start), len(self))
            return Pieces(self.data[start:stop], self.rate, self.first + start)
        assert self.times is not None
        begin, end = float(span.start), float(span.end)
        if self.ends is not None:
            keep = [k for k, time in enumerate(self.times) if time < end and self.ends[k] > begin]
        else:
            keep = [k for k, time in enumerate(self.times) if begin <= time < end]
        start, stop = (keep[0], keep[-1] + 1) if keep else (0, 0)
        ends = None if self.ends is None else self.ends[start:stop]
        return Pieces(self.data[start:stop], None, 0, self.times[start:stop], ends)


#: What one stream holds of one clip or window: pieces by name (``{"frames": ..., "face": ...}``).
Row = Mapping[str, Pieces]


@dataclass(frozen=True, slots=True)
class Need:
    """What a modality needs of a media kind.

    Args:
        rate: Items per second to sample at; None takes the items as they are (sound: at its own rate).
        optional: Without it the stream is still present.
        options: What a plugin's decoder is asked for besides, as pairs of a name and a JSON value that can be hashed
            (text, numbers, tuples of them). They are part of the key of what is stored.
    """

    rate: Fraction | None = None
    optional: bool = False
    options: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Want:
    """One kind at one rate, with a need's options: the unit of decoding. Streams of one want share its pieces."""

    kind: str
    rate: Fraction | None = None
    options: tuple[tuple[str, Any], ...] = ()


class Source(Protocol):
    """Opened tracks that hand over timestamped pieces along a clip's clock."""

    @property
    def duration(self) -> Fraction | None:
        """Seconds on the clip's clock, exact once everything has been handed over; None while unknown."""
        ...

    @property
    def missing(self) -> Mapping[str, str]:
        """Media kinds that were wanted and are not there, with the reason."""
        ...

    def advance(self, until: Fraction) -> Mapping[Want, Pieces]:
        """Hand over all pieces before ``until`` that have not been handed over yet.

        Successive answers continue each other without gap or overlap. A want without new pieces may be left out.
        """
        ...

    @property
    def exhausted(self) -> bool:
        """True once nothing more will come."""
        ...

    def close(self) -> None:
        """Release files and decoders; may be called twice."""
        ...
