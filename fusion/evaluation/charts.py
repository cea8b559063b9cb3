"""Pictures of a result card: inline SVG and HTML in the card's own colours, nothing drawn by scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

#: Width and height of a dot with whiskers, in pixels.
_WHISKER = (260, 18)
#: Side of a curve's plotting area and of the margins left and below, in pixels.
_CURVE, _MARGIN = 132, 26
#: Side of the larger square plots.
_SQUARE = 250


def whisker(value: float, interval: Mapping[str, Any], ends: tuple[float, float], mark: float | None = None) -> str:
    """A score as a dot, its interval as a line, on an axis shared by a table's rows.

    Args:
        value: The score.
        interval: With ``low`` and ``high``.
        ends: What the left and right ends of the axis stand for.
        mark: Where a thin upright line goes: the baseline.
    """
    width, height = _WHISKER

    def x(number: float) -> float:
        share = (number - ends[0]) / (ends[1] - ends[0])
        return round(6 + min(max(share, 0.0), 1.0) * (width - 12), 1)

    middle = height / 2
    line = "" if mark is None else f'<line class="mark" x1="{x(mark)}" x2="{x(mark)}" y1="0" y2="{height}"/>'
    low, high = x(interval["low"]), x(interval["high"])
    return (
        f'<svg class="whisker" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{value:.3f}, {interval["low"]:.3f} to {interval["high"]:.3f}">{line}'
        f'<line class="range" x1="{low}" x2="{high}" y1="{middle}" y2="{middle}"/>'
        f'<circle cx="{x(value)}" cy="{middle}" r="4"/></svg>'
    )


def confusion(names: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """True classes as rows, answers as columns; shades are shares of the row."""
    head = "".join(f'<th scope="col"><span>{escape(name)}</span></th>' for name in names)
    lines = []
    for name, row in zip(names, counts, strict=True):
        total = sum(row)
        cells = []
        for answer, count in zip(names, row, strict=True):
            share = count / total if total else 0.0
            tone = " strong" if share > 0.5 else ""
            own = " own" if answer == name else ""
            title = f"{name} taken for {answer}: {count} of {total}"
            cells.append(
                f'<td class="cell{tone}{own}" style="background:rgb(var(--shade) / {share:.2f})" '
                f'title="{escape(title)}">{count or ""}</td>'
            )
        lines.append(f'<tr><th scope="row">{escape(name)}</th>{"".join(cells)}<td class="total">{total}</td></tr>')
    return (
        f'<table class="confusion"><thead><tr><th></th>{head}<th class="total">clips</th></tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def class_bars(by_class: Mapping[str, Mapping[str, Any]]) -> str:
    """Precision, recall and F1 of each class as bars."""
    lines = []
    for name, values in by_class.items():
        cells = "".join(f"<td>{bar(values[key])}</td>" for key in ("precision", "recall", "f1"))
        lines.append(f'<tr><th scope="row">{escape(name)}</th>{cells}<td class="number">{values["clips"]}</td></tr>')
    return (
        '<table class="bars"><thead><tr><th></th><th>precision</th><th>recall</th><th>F1</th>'
        f'<th class="number">clips</th></tr></thead><tbody>{"".join(lines)}</tbody></table>'
    )


def bar(value: float | None, lowest: float = 0.0) -> str:
    """A number between ``lowest`` and 1 with a bar behind it; a dash where there is none."""
    if value is None:
        return '<span class="bar none">none</span>'
    share = min(max((value - lowest) / (1 - lowest), 0.0), 1.0)
    return f'<span class="bar"><i style="width:{100 * share:.1f}%"></i><b>{value:.2f}</b></span>'


def curve(name: str, points: Sequence[Sequence[float]], area: float, *, chance: float | None) -> str:
    """One class's curve in a unit square.

    Args:
        name: The class.
        points: (x, y) in 0 to 1.
        area: Below the curve.
        chance: Height of the level chance line; None draws the diagonal.
    """
    left = _MARGIN
    width, height = left + _CURVE + 8, _CURVE + _MARGIN + 4
    path = " ".join(f"{left + x * _CURVE:.1f},{4 + (1 - y) * _CURVE:.1f}" for x, y in points)
    bottom, right = 4 + _CURVE, left + _CURVE
    if chance is None:
        line = f'<line class="chance" x1="{left}" y1="{bottom}" x2="{right}" y2="4"/>'
    else:
        level = f"{4 + (1 - chance) * _CURVE:.1f}"
        line = f'<line class="chance" x1="{left}" y1="{level}" x2="{right}" y2="{level}"/>'
    return (
        f'<figure class="curve"><figcaption><span>{escape(name)}</span><b>{area:.2f}</b></figcaption>'
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(name)}, area {area:.2f}">'
        f'{_frame(left, 4, _CURVE)}{line}<polyline class="line" points="{path}"/></svg></figure>'
    )


def _frame(left: float, top: float, side: float) -> str:
    """A square with 0 and 1 at the ends of both axes."""
    bottom = top + side
    return (
        f'<rect class="frame" x="{left}" y="{top}" width="{side}" height="{side}"/>'
        f'<text class="tick end" x="{left - 5}" y="{bottom}">0</text>'
        f'<text class="tick end" x="{left - 5}" y="{top + 9}">1</text>'
        f'<text class="tick" x="{left}" y="{bottom + 14}">0</text>'
        f'<text class="tick end" x="{left + side}" y="{bottom + 14}">1</text>'
    )


def reliability(before: Sequence[Mapping[str, float]], after: Sequence[Mapping[str, float]]) -> str:
    """How often answers of a certain sureness are right, before and after temperature scaling; dots by clips."""
    left, top = 40, 6
    most = max((cell["clips"] for cell in (*before, *after)), default=1)

    def line(cells: Sequence[Mapping[str, float]], style: str) -> str:
        places = [
            (left + cell["confidence"] * _SQUARE, top + (1 - cell["accuracy"]) * _SQUARE, cell["clips"])
            for cell in cells
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in places)
        dots = "".join(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{2 + 5 * (clips / most) ** 0.5:.1f}">'
            f"<title>{clips:.0f} clips</title></circle>"
            for x, y, clips in places
        )
        return f'<g class="{style}"><polyline class="line" points="{path}"/>{dots}</g>'

    return (
        f'<svg class="square" viewBox="0 0 {left + _SQUARE + 10} {_SQUARE + 44}" role="img" aria-label="reliability">'
        f"{_frame(left, top, _SQUARE)}"
        f'<line class="chance" x1="{left}" y1="{top + _SQUARE}" x2="{left + _SQUARE}" y2="{top}"/>'
        f"{line(before, 'before')}{line(after, 'after')}"
        f'<text class="axis" x="{left + _SQUARE / 2}" y="{top + _SQUARE + 30}">probability of the answer</text>'
        f'<text class="axis" transform="rotate(-90)" x="{-(top + _SQUARE / 2)}" y="12">share that is right</text></svg>'
    )


def scatter(name: str, points: Sequence[Sequence[float]], concordance: float) -> str:
    """Ratings of one dimension against answers."""
    left = _MARGIN + 8
    numbers = [number for point in points for number in point] or [0.0, 1.0]
    low, high = min(numbers), max(numbers)
    reach = (high - low) or 1.0

    def at(value: float) -> float:
        return (value - low) / reach * _SQUARE

    dots = "".join(
        f'<circle cx="{left + at(true):.1f}" cy="{4 + _SQUARE - at(answer):.1f}" r="2.5"/>' for true, answer in points
    )
    bottom = 4 + _SQUARE
    return (
        f'<figure class="curve wide"><figcaption><span>{escape(name)}</span><b>{concordance:.2f}</b></figcaption>'
        f'<svg viewBox="0 0 {left + _SQUARE + 8} {_SQUARE + _MARGIN + 4}" role="img" aria-label="{escape(name)}">'
        f'<rect class="frame" x="{left}" y="4" width="{_SQUARE}" height="{_SQUARE}"/>'
        f'<line class="chance" x1="{left}" y1="{bottom}" x2="{left + _SQUARE}" y2="4"/><g class="after">{dots}</g>'
        f'<text class="tick end" x="{left - 5}" y="{bottom}">{low:.1f}</text>'
        f'<text class="tick end" x="{left - 5}" y="13">{high:.1f}</text>'
        f'<text class="axis" x="{left + _SQUARE / 2}" y="{bottom + 16}">rating (answer upwards)</text></svg></figure>'
    )
