"""What is drawn of pieces and views, by what they are: sound, pictures, words, or numbers."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusion.contract import Axis, Pieces, View
from fusion.drawing.plots import (
    COLUMNS,
    Panel,
    TimeAxis,
    axis_upwards,
    frame,
    image_at,
    legend,
    thousands,
    times_of,
    upwards,
)
from fusion.drawing.rasters import LIMIT, coloured, fitted, levels, over_time
from fusion.drawing.scales import Scale, labels, short
from fusion.drawing.strips import are_pictures, strip

#: Pieces on a grid at least this fine are taken for sound.
_SOUND_RATE = 1000
#: Heights in pixels.
_WAVE, _MAP, _LINE, _ROW = 40, 96, 44, 12
#: Most rows of a map.
_ROWS = 96
#: Width and height of views without time.
_ASIDE, _ASIDE_HEIGHT = 280, 104


def panel_of(view: View, time: TimeAxis, loudest: float) -> Panel:
    """Draw a view.

    Args:
        view: What and how.
        time: The time axis.
        loudest: Where the axis of waveforms ends.
    """
    data = view.data
    if not isinstance(data, Pieces):
        return _aside(view, np.asarray(data))
    if are_pictures(data):
        return strip(view, data, time)
    if not len(data):
        return Panel(f"{view.title}: nothing in this window", 0, "")
    if all(isinstance(item, str) for item in data.data[:1]):
        return _words(view, data, time)
    values = np.asarray(data.data)
    if values.dtype.kind not in "biuf":
        return Panel(f"{view.title}: {len(data)} items of {type(data.data[0]).__name__}", 0, "")
    if values.ndim == 1 and data.rate is not None and data.rate >= _SOUND_RATE:
        return _sound(view, data, time, loudest)
    if values.ndim == 1:
        return _line(view, data, values, time)
    return _map(view, data, values, time)


def loudest_of(views: Sequence[View]) -> float:
    """The largest magnitude among sounds."""
    peaks = [
        float(np.abs(np.asarray(view.data.data)).max(initial=0))
        for view in views
        if isinstance(view.data, Pieces) and _is_sound(view.data)
    ]
    return max(peaks, default=0.0) or 1.0


def _is_sound(pieces: Pieces) -> bool:
    return isinstance(pieces.data, np.ndarray) and pieces.data.ndim == 1 and (pieces.rate or 0) >= _SOUND_RATE


def _sound(view: View, sound: Pieces, time: TimeAxis, loudest: float) -> Panel:
    """A waveform, and below it the levels of its frequencies."""
    assert sound.rate is not None
    samples, rate = np.asarray(sound.data, np.float64), float(sound.rate)
    start = sound.first / rate
    scale = Scale(-loudest, loudest, _WAVE, 0)
    columns = np.floor((start + np.arange(len(samples)) / rate - time.first) / (time.last - time.first) * COLUMNS)
    upper, lower = [], []
    for column in np.unique(columns):
        begin, end = np.searchsorted(columns, [column, column + 1])
        x = round((column + 0.5) * time.width / COLUMNS, 1)
        upper.append(f"{x:g},{scale(float(samples[begin:end].max())):g}")
        lower.append(f"{x:g},{scale(float(samples[begin:end].min())):g}")
    centres = (time.edges[1:] + time.edges[:-1]) / 2
    spectrum = levels(samples, rate, centres - start)
    inside = (centres >= start) & (centres < start + len(samples) / rate)
    picture = np.where(inside, fitted(np.ascontiguousarray(spectrum.T), _ROWS), np.nan)
    top = _WAVE + 6
    body = (
        f'<polygon class="wave" points="{" ".join([*upper, *lower[::-1]])}"/>{frame(time.width, _WAVE)}'
        f"{upwards(Scale(-loudest, loudest, _WAVE, 0), '', 3)}"
        f"{image_at(coloured(picture[::-1], (-LIMIT, LIMIT)), 0, top, time.width, _MAP)}"
        f"{frame(time.width, _MAP, top)}"
        f"{upwards(Scale(0, rate / 2000, top + _MAP, top), 'kHz')}"
        f"{legend(time.width, top, _MAP, (-LIMIT, LIMIT), 'dB')}"
    )
    return Panel(f"{view.title}, {short(rate / 1000) if rate < 1e5 else f'{rate / 1000:g}'} kHz", top + _MAP, body)


def _map(view: View, pieces: Pieces, values: NDArray[Any], time: TimeAxis) -> Panel:
    """Numbers by time and row, in colours; further axes are laid one after the other."""
    flat = values.reshape(len(values), -1)
    limits = view.limits or _limits(flat)
    rows = flat.shape[1]
    height = min(_MAP, rows * _ROW)
    picture = fitted(over_time(flat, times_of(pieces), time.edges), 3 * _ROWS // 2)
    shape = " by ".join(str(length) for length in values.shape)
    axis = view.axes[0] if view.axes else Axis("row", "", 1, rows)
    body = (
        f"{image_at(coloured(picture[::-1], limits), 0, 0, time.width, height)}{frame(time.width, height)}"
        f"{axis_upwards(axis, height)}{legend(time.width, 0, max(height, 20), limits, view.unit)}"
    )
    return Panel(f"{view.title}, {shape}", max(height, 20), body)


def _limits(values: NDArray[Any]) -> tuple[float, float]:
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    return (low, high) if low < high else (min(0.0, low), max(0.0, high))


def _line(view: View, pieces: Pieces, values: NDArray[Any], time: TimeAxis) -> Panel:
    """One number after the other, each until the next."""
    low, high = view.limits or _limits(values)
    scale = Scale(low, high if high > low else low + 1, _LINE, 0)
    starts = times_of(pieces)
    ends = np.append(starts[1:], starts[-1] + (starts[-1] - starts[-2] if len(starts) > 1 else 0))
    points = [
        f"{time.scale(t):g},{scale(float(value)):g}"
        for begin, end, value in zip(starts, ends, values, strict=True)
        for t in (begin, end)
    ]
    body = (
        f'<g clip-path="url(#plot)"><polyline class="line" points="{" ".join(points)}"/></g>'
        f"{frame(time.width, _LINE)}{upwards(scale, view.unit, 3)}"
    )
    return Panel(view.title, _LINE, body)


def _words(view: View, pieces: Pieces, time: TimeAxis) -> Panel:
    """Words where they are said, on as many lines as they need."""
    starts = times_of(pieces)
    free: list[float] = []
    parts = []
    for k, (word, start) in enumerate(zip(pieces.data, starts, strict=True)):
        begin = max(time.scale(float(start)), 0.0)
        end = time.scale(float(pieces.ends[k])) if pieces.ends is not None else begin
        line = next((n for n, until in enumerate(free) if until <= begin), len(free))
        free[line : line + 1] = [max(begin + 7.5 * len(word) + 10, end)]
        y = 16 + 22 * line
        parts.append(
            f'<line class="line" x1="{begin}" x2="{min(max(end, begin + 2), time.width)}" y1="{y + 4}" y2="{y + 4}"/>'
            f'<text class="word" x="{begin}" y="{y}">{escape(word)}</text>'
        )
    return Panel(f"{view.title}, {len(pieces)}", 22 * max(1, len(free)) + 4, "".join(parts))


def _aside(view: View, values: NDArray[Any]) -> Panel:
    """An array without time: a curve, or a small map."""
    if values.ndim == 1 and len(values):
        axis = view.axes[0] if view.axes else Axis("item", "", 1, len(values))
        first, last, unit = thousands(axis)
        across = Scale(first, last, 0, _ASIDE)
        low, high = view.limits or _limits(values)
        scale = Scale(low, high if high > low else low + 1, _ASIDE_HEIGHT, 0)
        at = np.linspace(first, last, len(values))
        points = " ".join(f"{across(float(x)):g},{scale(float(y)):g}" for x, y in zip(at, values, strict=True))
        body = f'<polyline class="line" points="{points}"/>{upwards(scale, view.unit)}'
    elif values.ndim == 2 and values.size:
        axes = view.axes or (Axis("row", "", 1, len(values)), Axis("column", "", 1, values.shape[1]))
        first, last, unit = thousands(axes[1])
        across = Scale(first, last, 0, _ASIDE)
        limits = view.limits or _limits(values)
        enlarged = np.repeat(np.repeat(values, max(1, 96 // values.shape[0]), 0), max(1, 192 // values.shape[1]), 1)
        body = (
            f"{image_at(coloured(enlarged[::-1], limits), 0, 0, _ASIDE, _ASIDE_HEIGHT)}"
            f"{axis_upwards(axes[0], _ASIDE_HEIGHT)}"
            f"{legend(_ASIDE, 0, _ASIDE_HEIGHT, limits, view.unit)}"
        )
        axis = axes[1]
    else:
        return Panel(f"{view.title}: an array of shape {values.shape}", 0, "", timed=False, width=_ASIDE)
    ticks = across.ticks(5)
    below = "".join(
        f'<line class="tick" x1="{across(tick)}" x2="{across(tick)}" y1="{_ASIDE_HEIGHT}" y2="{_ASIDE_HEIGHT + 4}"/>'
        f'<text class="number middle" x="{across(tick)}" y="{_ASIDE_HEIGHT + 15}">{text}</text>'
        for tick, text in zip(ticks, labels(ticks), strict=True)
    )
    name = f"{axis.name}, {unit}" if unit else axis.name
    below += f'<text class="number middle" x="{_ASIDE / 2}" y="{_ASIDE_HEIGHT + 28}">{escape(name)}</text>'
    return Panel(view.title, _ASIDE_HEIGHT + 30, body + frame(_ASIDE, _ASIDE_HEIGHT) + below, timed=False, width=_ASIDE)
