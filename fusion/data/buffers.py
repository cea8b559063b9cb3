"""Rows that grow at one end and are forgotten at the other."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from fusion.contract import ComponentError, Pieces, Row, Span


class Buffer:
    """Pieces by name, in the order in which they were added; what was dropped is released at once."""

    def __init__(self) -> None:
        self._runs: dict[str, list[Pieces]] = {}

    def add(self, row: Row) -> None:
        """Append pieces that continue what is there.

        Raises:
            ComponentError: They have another rate, or leave a gap or overlap on their grid.
        """
        for name, pieces in row.items():
            runs = self._runs.setdefault(name, [])
            if runs:
                require_continuing(name, runs[-1], pieces)
            if runs and not len(runs[-1]):
                runs[-1] = pieces
            elif len(pieces) or not runs:
                runs.append(pieces)

    def within(self, span: Span) -> Row:
        """The pieces that lie in the span (irregular ones with an end: that overlap it)."""
        return {name: self._joined(name).within(span) for name in self._runs}

    def everything(self) -> Row:
        """All pieces."""
        return {name: self._joined(name) for name in self._runs}

    def drop_before(self, time: Fraction) -> None:
        """Forget what lies, or ends, before a time."""
        for name in self._runs:
            self._runs[name] = [_from(self._joined(name), time)]

    def _joined(self, name: str) -> Pieces:
        runs = self._runs[name]
        if len(runs) > 1:
            runs[:] = [join(runs)]
        return runs[0]


def require_continuing(name: str, earlier: Pieces, later: Pieces) -> None:
    """Raise ComponentError unless later pieces follow the earlier ones without gap or overlap."""
    if earlier.rate != later.rate:
        raise ComponentError(f"the rate of {name} changes from {earlier.rate} to {later.rate} within a clip")
    if earlier.rate is not None and len(earlier) and len(later) and earlier.first + len(earlier) != later.first:
        raise ComponentError(f"item {earlier.first + len(earlier)} of {name} should follow, not item {later.first}")


def join(runs: Sequence[Pieces]) -> Pieces:
    """Pieces that follow each other as one; empty ones matter only where all are empty."""
    filled = [pieces for pieces in runs if len(pieces)] or [runs[0]]
    if len(filled) == 1:
        return filled[0]
    data: Any
    if all(isinstance(pieces.data, np.ndarray) for pieces in filled):
        data = np.concatenate([pieces.data for pieces in filled])
    else:
        data = [item for pieces in filled for item in pieces.data]
    if filled[0].rate is not None:
        return Pieces(data, filled[0].rate, filled[0].first)
    times = np.concatenate([pieces.times for pieces in filled if pieces.times is not None])
    ends = [pieces.ends for pieces in filled if pieces.ends is not None]
    return Pieces(data, None, 0, times, np.concatenate(ends) if len(ends) == len(filled) else None)


def beginning_within(pieces: Pieces, span: Span) -> Pieces:
    """The items that lie, or begin, in the span: every item is in exactly one of adjoining spans."""
    if pieces.rate is not None or pieces.times is None:
        return pieces.within(span)
    begin, end = np.searchsorted(pieces.times, [float(span.start), float(span.end)])
    return _cut(pieces, int(begin), int(end))


def _from(pieces: Pieces, time: Fraction) -> Pieces:
    if pieces.times is None:
        assert pieces.rate is not None
        start = min(max(-(-time * pieces.rate // 1) - pieces.first, 0), len(pieces))
        # A copy of an array's rest, or the view would keep what was dropped alive.
        rest = pieces.data[start:]
        return Pieces(rest.copy() if isinstance(rest, np.ndarray) else rest, pieces.rate, pieces.first + start)
    over = (pieces.times if pieces.ends is None else np.maximum.accumulate(pieces.ends)) < float(time)
    return _cut(pieces, int(np.count_nonzero(over)), len(pieces))


def _cut(pieces: Pieces, begin: int, end: int) -> Pieces:
    assert pieces.times is not None
    ends = None if pieces.ends is None else pieces.ends[begin:end]
    return Pieces(pieces.data[begin:end], None, 0, pieces.times[begin:end], ends)
