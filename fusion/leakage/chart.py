"""The bar chart of a table's systems: each by the paper's protocol and with whole speakers apart."""

from __future__ import annotations

from collections.abc import Mapping

from fusion.evaluation import svg
from fusion.leakage.figures import Score

#: Width of a bar, gap between systems, height, and the margins left, right, above and below, in pixels.
_BAR, _GAP, _HEIGHT, _LEFT, _RIGHT, _ABOVE, _BELOW = 34, 44, 380, 52, 250, 40, 44
_COLOURS = ("#dd9c7d", "#b4552d", "#2f6f9f")


def chart(systems: Mapping[str, Mapping[str, Score]], *, chances: Mapping[str, float]) -> str:
    """A group of bars for each system, with 95 % intervals and lines at chance, as SVG.

    Args:
        systems: By system, scores by what they are called; the same ones for each.
        chances: By measure, what guessing scores.
    """
    kinds = list(next(iter(systems.values())))
    group = len(kinds) * _BAR + _GAP
    inner, bottom = group * len(systems), _HEIGHT - _BELOW
    width = _LEFT + inner + _RIGHT

    def y(score: float) -> float:
        return bottom - min(max(score, 0.0), 1.0) * (bottom - _ABOVE)

    parts = []
    for tick in range(0, 11, 2):
        parts.append(svg.line(_LEFT, y(tick / 10), _LEFT + inner, y(tick / 10), "#d7dce0"))
        parts.append(svg.text(_LEFT - 8, y(tick / 10) + 4, f"{tick / 10:.1f}", "end"))
    for number, (system, scores) in enumerate(systems.items()):
        left = _LEFT + number * group + _GAP / 2
        for place, score in enumerate(scores.values()):
            x, top = left + place * _BAR, y(score.value)
            low, high = score.interval
            parts.append(
                f'<rect x="{x + 2:.1f}" y="{top:.1f}" width="{_BAR - 4}" height="{bottom - top:.1f}" '
                f'fill="{_COLOURS[place % len(_COLOURS)]}"/>'
            )
            parts.append(svg.line(x + _BAR / 2, y(low), x + _BAR / 2, y(high), "#1d2329"))
            parts.append(svg.text(x + _BAR / 2, y(high) - 5, f"{score.value:.2f}", "middle"))
        parts.append(svg.text(left + len(kinds) * _BAR / 2, bottom + 20, system, "middle"))
    for measure, chance in chances.items():
        parts.append(svg.line(_LEFT, y(chance), _LEFT + inner, y(chance), "#68727c", dashed=True))
        parts.append(svg.text(_LEFT + inner + 8, y(chance) + 4, f"chance, {measure}"))
    for place, kind in enumerate(kinds):
        row = _ABOVE + 8 + place * 22
        colour = _COLOURS[place % len(_COLOURS)]
        parts.append(f'<rect x="{_LEFT + inner + 8}" y="{row - 9}" width="12" height="12" fill="{colour}"/>')
        parts.append(svg.text(_LEFT + inner + 26, row + 2, kind))
    title = "One set of clips, scored two ways: means over all shares that are tested, with 95 % intervals"
    parts.append(svg.text(12, 20, title))
    return svg.page(width, _HEIGHT, title, parts)
