"""Axes, legends and panels that all drawings share."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from fusion.contract import Axis, Pieces
from fusion.drawing.rasters import embedded
from fusion.drawing.scales import Scale, labels, short

#: Columns of a map over time.
COLUMNS = 480


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """The common time axis: seconds at its ends, and its width in pixels."""

    first: float
    last: float
    width: float

    @property
    def scale(self) -> Scale:
        return Scale(self.first, self.last, 0, self.width)

    @property
    def edges(self) -> NDArray[np.float64]:
        """Seconds between the columns of a map."""
        return np.linspace(self.first, self.last, COLUMNS + 1)


@dataclass(frozen=True, slots=True)
class Panel:
    """Something drawn, its origin at the top left of the plot; axes and legends lie outside of it.

    Args:
        title: What it shows.
        height: In pixels, without an axis below.
        body: SVG.
        timed: Whether it lies along the time axis.
        width: Of panels without time.
        ruled: Whether lines at the ticks of time help.
    """

    title: str
    height: float
    body: str
    timed: bool = True
    width: float = 0.0
    ruled: bool = True


def times_of(pieces: Pieces) -> NDArray[np.float64]:
    """Seconds at which the items begin."""
    if pieces.rate is None:
        return np.asarray(pieces.times, np.float64)
    return (pieces.first + np.arange(len(pieces))) / float(pieces.rate)


def frame(width: float, height: float, top: float = 0) -> str:
    """The outline of a plot."""
    return f'<rect class="frame" x="0" y="{top}" width="{round(width, 1)}" height="{round(height, 1)}"/>'


def upwards(scale: Scale, unit: str, most: int = 4) -> str:
    """Ticks and labels to the left of a plot, with the unit at the uppermost one."""
    ticks = scale.ticks(most)
    marks = [
        f'<line class="tick" x1="-4" x2="0" y1="{scale(tick)}" y2="{scale(tick)}"/>'
        f'<text class="number end" x="-7" y="{scale(tick) + 3.5}">{text}</text>'
        for tick, text in zip(ticks, labels(ticks), strict=True)
    ]
    middle = (scale.start + scale.to) / 2
    name = f'<text class="unit" transform="translate(-42 {middle}) rotate(-90)">{escape(unit)}</text>' if unit else ""
    return "".join(marks) + name


def legend(width: float, top: float, height: float, limits: tuple[float, float], unit: str) -> str:
    """The colour scale to the right of a map."""
    right, text = width + 10, [short(limit) for limit in limits]
    unit = f" {unit}" if unit else ""
    return (
        f'<rect x="{right}" y="{top}" width="8" height="{height}" fill="url(#colours)"/>'
        f'<text class="number" x="{right + 13}" y="{top + 8}">{text[1]}{escape(unit)}</text>'
        f'<text class="number" x="{right + 13}" y="{top + height}">{text[0]}{escape(unit)}</text>'
    )


def image_at(image: NDArray[np.uint8], left: float, top: float, width: float, height: float) -> str:
    """A picture laid over a stretch of the plot."""
    return (
        f'<image x="{round(left, 1)}" y="{round(top, 1)}" width="{round(width, 1)}" height="{round(height, 1)}" '
        f'preserveAspectRatio="none" href="{embedded(image)}"/>'
    )


def axis_upwards(axis: Axis, height: float) -> str:
    """Ticks of an axis over a map; none where it is a point."""
    first, last, unit = thousands(axis)
    if first == last:
        return ""
    return upwards(Scale(first, last, height, 0), unit or axis.name, 4 if height > 60 else 2)


def thousands(axis: Axis) -> tuple[float, float, str]:
    """An axis's ends and unit, in kHz where it reaches far."""
    if axis.unit == "Hz" and max(abs(axis.first), abs(axis.last)) >= 2000:
        return axis.first / 1000, axis.last / 1000, "kHz"
    return axis.first, axis.last, axis.unit
