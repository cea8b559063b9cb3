"""The way of a clip through the chains of an experiment, as one SVG that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from textwrap import wrap
from typing import Any

import numpy as np

from fusion.contract import Pieces, Row, View
from fusion.data.rows import Absent
from fusion.data.tracing import ClipTrace, StepTrace, StreamTrace
from fusion.drawing.panels import loudest_of, panel_of
from fusion.drawing.plots import Panel, TimeAxis
from fusion.drawing.rasters import colours
from fusion.drawing.scales import Scale, labels

#: Pixels: the page, where names stand, where plots begin, and how wide they are.
_PAGE, _MARGIN, _LEFT, _WIDTH = 1120, 36, 300, 730
#: Between panels, and between steps; room of a panel's title and of the time axis.
_GAP, _STEP, _TITLE, _AXIS = 12, 30, 18, 20
#: Most characters of a line of options.
_CHARACTERS = 30
#: Most characters of a line of a sentence.
_SENTENCE = 110

_STYLE = """
text { font-family: Helvetica, Arial, sans-serif; fill: #1f2933; }
.title { font-size: 22px; font-weight: 650; } .soft { font-size: 13px; fill: #5b6875; }
.stream { font-size: 17px; font-weight: 650; } .name { font-size: 14px; font-weight: 600; }
.option { font-size: 11.5px; fill: #5b6875; } .panel { font-size: 11.5px; fill: #3d4a57; }
.number, .unit { font-size: 10.5px; fill: #5b6875; } .end { text-anchor: end; } .middle, .unit { text-anchor: middle; }
.word { font-size: 13px; } .frame { fill: none; stroke: #cfd8e0; } .tick { stroke: #9aa7b4; }
.rule { stroke: #dde3e9; } .grid { stroke: #1f2933; stroke-opacity: .09; }
.wave { fill: #2f6fde; stroke: #2f6fde; stroke-width: .5; } .line { fill: none; stroke: #2f6fde; stroke-width: 1.4; }
.box { fill: none; stroke: #12d18e; stroke-width: 2; }
"""


def page_of(trace: ClipTrace, title: str) -> str:
    """Draw everything.

    Args:
        trace: What was kept of the clip's way.
        title: The experiment's name.
    """
    time = _time_axis(trace)
    parts: list[str] = []
    y = 112.0
    for stream in trace.streams:
        drawn, y = _stream(stream, time, y)
        parts.append(drawn)
    start, end = float(trace.window.start), float(trace.window.end)
    kind = "generated clip, " if trace.clip.generated else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_PAGE} {y + 8:.0f}" width="{_PAGE}" role="img">'
        f"<title>{escape(trace.clip.id)} through {escape(title)}</title><style>{_STYLE}</style>"
        f'<defs>{_gradient()}<clipPath id="plot"><rect x="0" y="-1" width="{_WIDTH}" height="400"/></clipPath></defs>'
        f'<rect width="100%" height="100%" fill="#ffffff"/>'
        f'<text class="title" x="{_MARGIN}" y="50">{escape(trace.clip.id)}</text>'
        f'<text class="soft" x="{_MARGIN}" y="74">{kind}{escape(title)}, window {start:g} to {end:.4g} s. '
        "Of sound: the waveform, and 20 log10 |STFT| of a Hann window of 25 ms.</text>"
        f"{''.join(parts)}</svg>\n"
    )


def _gradient() -> str:
    stops = "".join(
        f'<stop offset="{k / 8}" stop-color="rgb({",".join(map(str, colours()[255 - round(k * 255 / 8)]))})"/>'
        for k in range(9)
    )
    return f'<linearGradient id="colours" x1="0" y1="0" x2="0" y2="1">{stops}</linearGradient>'


def _time_axis(trace: ClipTrace) -> TimeAxis:
    """From the first to the last second of the window and of what its rows hold: some chains fill them up."""
    ends = [float(trace.window.start), float(trace.window.end)]
    for stream in trace.streams:
        for pieces in () if isinstance(stream.result, Absent) else stream.result.values():
            if pieces.rate is not None and len(pieces):
                ends += [float(pieces.span.start), float(pieces.span.end)]
    return TimeAxis(min(ends), max(ends), _WIDTH)


def _stream(stream: StreamTrace, time: TimeAxis, y: float) -> tuple[str, float]:
    plan = stream.plan
    parts = [
        f'<line class="rule" x1="{_MARGIN}" x2="{_PAGE - _MARGIN}" y1="{y}" y2="{y}"/>'
        f'<text class="stream" x="{_MARGIN}" y="{y + 30}">{escape(plan.name)}</text>'
    ]
    y += 56
    listed = [_views(step, before) for step, before in zip(stream.steps, [None, *stream.steps], strict=False)]
    known: dict[str, View] = {}
    loudest = loudest_of([view for views in listed for view in views.values() if view is not None])
    settings = [component.options for component in plan.settings.transforms]
    for number, (step, views) in enumerate(zip(stream.steps, listed, strict=True)):
        shown = [_as_before(name, view, step.row, known) for name, view in views.items()]
        panels = [panel_of(view, time, loudest) for view in shown]
        name = "the media" if number == 0 else step.name or ""
        options: Mapping[str, Any] = settings[number - 1] if 0 < number <= len(settings) else {}
        drawn, y = _step(f"{number}  {name}" if number else name, options, panels, time, y)
        parts.append(drawn)
    if isinstance(stream.result, Absent):
        parts.append(f'<text class="soft" x="{_LEFT}" y="{y}">absent: {escape(stream.result.reason)}</text>')
        y += 30
    else:
        random = [step.name for step in plan.live if step.kind == "augmentation"]
        told = f"The modality {plan.settings.modality.name} batches the last step for {plan.settings.encoder.name}"
        told += f"; in training {', '.join(random)} may come between." if random else "."
        for line in wrap(told, _SENTENCE):
            parts.append(f'<text class="soft" x="{_LEFT}" y="{y}">{escape(line)}</text>')
            y += 18
        y += 12
    return "".join(parts), y


def _views(step: StepTrace, before: StepTrace | None) -> dict[str, View | None]:
    """What is drawn of a step, by name: what else it works with, then of its answer what it has changed."""
    earlier: Row = before.row if before is not None else {}
    views = {name: view for name, view in step.views.items() if name not in step.row}
    for name, pieces in step.row.items():
        if name not in earlier or not _same(earlier[name], pieces):
            view = step.views.get(name, View(name))
            views[name] = view if view is None or view.data is not None else replace(view, data=pieces)
    return views


def _as_before(name: str, view: View | None, row: Row, known: dict[str, View]) -> View:
    """A view, described as the last step with something to say of these pieces has described them."""
    if view is None:
        return replace(known.get(name, View(name)), data=row[name])
    known[name] = view
    return view


def _same(first: Pieces, second: Pieces) -> bool:
    if first is second or first.data is second.data:
        return True
    if (first.rate, first.first, len(first)) != (second.rate, second.first, len(second)):
        return False
    if isinstance(first.data, np.ndarray) and isinstance(second.data, np.ndarray):
        return first.data.dtype == second.data.dtype and np.array_equal(first.data, second.data)
    return all(
        one is other or (isinstance(one, str) and one == other)
        for one, other in zip(first.data, second.data, strict=True)
    )


def _step(
    name: str, options: Mapping[str, Any], panels: Sequence[Panel], time: TimeAxis, y: float
) -> tuple[str, float]:
    """A step's name and options on the left, its panels on the right; the last one in time has the axis."""
    parts = [f'<text class="name" x="{_MARGIN}" y="{y + 12}">{escape(name)}</text>']
    left = y + 30
    for line in _lines(options):
        parts.append(f'<text class="option" x="{_MARGIN + 16}" y="{left}">{escape(line)}</text>')
        left += 16
    right = y
    timed = [panel for panel in panels if panel.timed]
    aside = [panel for panel in panels if not panel.timed]
    x = 0.0
    for panel in aside:
        if x and x + panel.width > _WIDTH:
            x, right = 0.0, right + _TITLE + max(one.height for one in aside) + _GAP
        parts.append(_placed(panel, _LEFT + x, right))
        x += panel.width + 150
    if aside:
        right += _TITLE + max(panel.height for panel in aside) + _GAP
    for panel in timed:
        grid = _grid(time, panel.height) if panel.height and panel.ruled else ""
        parts.append(_placed(panel, _LEFT, right, grid))
        right += _TITLE + panel.height + (_GAP if panel.height else 4)
    if any(panel.height for panel in timed):
        parts.append(f'<g transform="translate({_LEFT} {right - _GAP:.1f})">{_time_ticks(time)}</g>')
        right += _AXIS
    if not panels:
        parts.append(f'<text class="panel" x="{_LEFT}" y="{right + 12}">changes nothing in this window</text>')
        right += _TITLE
    return "".join(parts), max(left, right) + _STEP - _GAP


def _placed(panel: Panel, x: float, y: float, over: str = "") -> str:
    return (
        f'<g transform="translate({x:.1f} {y:.1f})"><text class="panel" x="0" y="12">{escape(panel.title)}</text>'
        f'<g transform="translate(0 {_TITLE})">{panel.body}{over}</g></g>'
    )


def _grid(time: TimeAxis, height: float) -> str:
    lines = (time.scale(tick) for tick in _inner(time.scale))
    return "".join(f'<line class="grid" x1="{x}" x2="{x}" y1="0" y2="{height:.1f}"/>' for x in lines)


def _inner(scale: Scale) -> list[float]:
    return [tick for tick in scale.ticks(9) if 2 < scale(tick) < scale.to - 2]


def _time_ticks(time: TimeAxis) -> str:
    ticks = time.scale.ticks(9)
    texts = labels(ticks)
    texts[-1] += " s"
    return "".join(
        f'<line class="tick" x1="{time.scale(tick)}" x2="{time.scale(tick)}" y1="0" y2="4"/>'
        f'<text class="number middle" x="{time.scale(tick)}" y="15">{text}</text>'
        for tick, text in zip(ticks, texts, strict=True)
    )


def _lines(options: Mapping[str, Any]) -> list[str]:
    """Options as they are written, one a line, cut where they are long."""
    lines = []
    for key, value in options.items():
        told = value["name"] if isinstance(value, Mapping) and "name" in value else value
        told = f"{value:.10g}" if isinstance(value, float) else told
        text = f"{key}: {told}"
        lines.append(text if len(text) <= _CHARACTERS else f"{text[: _CHARACTERS - 1]}…")
    return lines
