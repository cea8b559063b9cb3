"""From timestamps of a stream to a clip's clock, in whole numbers: fractions for every packet would cost too much."""

from __future__ import annotations

import math
from fractions import Fraction


class Clock:
    """Timestamps of one stream on a clip's clock.

    Args:
        tick: Seconds of one tick of the timestamps.
        offset: Second of the timestamps' clock that is second 0 of the clip.
    """

    def __init__(self, tick: Fraction, offset: Fraction) -> None:
        self.tick = tick
        self.offset = offset
        #: The first timestamp at or after second 0 of the clip, and the last one at or before it.
        self.zero = self.first_at(Fraction(0))
        self.last_at_zero = math.floor(offset / tick)

    def time(self, ticks: int) -> Fraction:
        """Seconds of the clip's clock at a timestamp."""
        return ticks * self.tick - self.offset

    def first_at(self, time: Fraction) -> int:
        """The first timestamp at or after a second of the clip's clock."""
        return math.ceil((time + self.offset) / self.tick)

    def grid(self, rate: Fraction) -> Grid:
        """Moments ``i / rate`` of the clip's clock, i from 0, as seen from this stream."""
        return Grid(self, rate)


class Grid:
    """Moments of the clip's clock that lie on a grid, in timestamps of one stream."""

    def __init__(self, clock: Clock, rate: Fraction) -> None:
        # A timestamp t lies at (t * tick - offset) * rate = (t * up - back) / whole on the grid.
        scale, shift = clock.tick * rate, clock.offset * rate
        self._whole = math.lcm(scale.denominator, shift.denominator)
        self._up = int(scale * self._whole)
        self._back = int(shift * self._whole)

    def nearest(self, ticks: int) -> int:
        """Index of the grid's moment nearest to a timestamp; halves go up."""
        return (2 * (ticks * self._up - self._back) + self._whole) // (2 * self._whole)

    def around_next(self, ticks: int) -> tuple[int, int]:
        """The last timestamp at or before, and the first at or after, the grid's first moment at or after ticks."""
        index = max(-((self._back - ticks * self._up) // self._whole), 0)
        moment = index * self._whole + self._back
        return moment // self._up, -(-moment // self._up)
