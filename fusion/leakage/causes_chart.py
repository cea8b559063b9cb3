"""The chart of what each cause adds to a system's honest score: every bar begins where the one above it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fusion.evaluation import svg
from fusion.leakage.figures import Score

#: Panels side by side; width of one, of its words, of its scale; height of its title, of a bar, of its ticks; pixels.
_COLUMNS, _PANEL, _WORDS, _SCALE = 2, 500, 182, 230
_TITLE, _ROW, _TICKS, _ABOVE = 26, 24, 34, 40
_HONEST, _ADDED, _TAKEN = "#2f6f9f", "#b4552d", "#8a939b"
#: What the steps are called beside their bars, the first one the honest score.
_STEPS = ("whole speakers apart", "+ shared speakers", "+ pieces", "+ copies", "+ one against rest")

Ladder = Sequence[tuple[str, Mapping[str, Score]]]


def causes_chart(ladders: Mapping[str, Ladder], *, size: str, chances: tuple[float, float]) -> str:
    """A panel for each system, with its honest accuracy and what each cause adds, as SVG.

    Args:
        ladders: By system, its steps: the honest score, then the score after each cause and what that adds.
        size: Which share is tested, such as ``80-20``.
        chances: What guessing scores: as accuracy, and one against rest.
    """
    rows = len(next(iter(ladders.values())))
    height = _TITLE + rows * _ROW + _TICKS
    parts = []
    for number, (system, ladder) in enumerate(ladders.items()):
        left, top = 12 + number % _COLUMNS * _PANEL, _ABOVE + number // _COLUMNS * height
        parts += _panel(system, ladder, left, top, chances)
    title = f"What each cause adds, one after another, at {size}; 95 % intervals of where it leads; dashed: chance"
    parts.append(svg.text(12, 20, title))
    lines = -(-len(ladders) // _COLUMNS)
    width = 12 + _PANEL * min(len(ladders), _COLUMNS)
    return svg.page(width, _ABOVE + lines * height, title, parts)


def _panel(system: str, ladder: Ladder, left: float, top: float, chances: tuple[float, float]) -> list[str]:
    first, bottom = top + _TITLE, top + _TITLE + len(ladder) * _ROW

    def x(score: float) -> float:
        return left + _WORDS + min(max(score, 0.0), 1.0) * _SCALE

    parts = [svg.text(left, top + 14, system, bold=True)]
    for tick in range(0, 11, 2):
        parts.append(svg.line(x(tick / 10), first, x(tick / 10), bottom, "#d7dce0"))
        parts.append(svg.text(x(tick / 10), bottom + 15, f"{tick / 10:.1f}", "middle"))
    accuracy, printed = (x(chance) for chance in chances)
    parts.append(svg.line(accuracy, first, accuracy, bottom - _ROW, "#68727c", dashed=True))
    parts.append(svg.line(printed, bottom - _ROW, printed, bottom, "#68727c", dashed=True))
    before = 0.0
    for place, ((_, scores), words) in enumerate(zip(ladder, _STEPS, strict=True)):
        score, adds = scores["score"], scores.get("adds")
        middle = first + (place + 0.5) * _ROW
        colour = _HONEST if adds is None else _ADDED if adds.value >= 0 else _TAKEN
        ends = sorted((x(before), x(score.value)))
        low, high = score.interval
        parts.append(svg.text(left + _WORDS - 10, middle + 4, words, "end"))
        parts.append(
            f'<rect x="{ends[0]:.1f}" y="{middle - 7:.1f}" width="{max(ends[1] - ends[0], 1):.1f}" height="14" '
            f'fill="{colour}"/>'
        )
        parts.append(svg.line(x(low), middle, x(high), middle, "#1d2329"))
        value = f"{score.value:.2f}" if adds is None else f"{score.value:.2f}  ({adds.value:+.2f})"
        parts.append(svg.text(left + _WORDS + _SCALE + 10, middle + 4, value))
        before = score.value
    return parts
