"""Lines, words and the page of a picture in SVG, for charts that stand alone in a file."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def line(x1: float, y1: float, x2: float, y2: float, colour: str, *, dashed: bool = False) -> str:
    """A line between two points, in pixels."""
    dashes = ' stroke-dasharray="3 4"' if dashed else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dashes}/>'


def text(x: float, y: float, words: str, anchor: str = "start", *, bold: bool = False) -> str:
    """Words whose baseline is at a point; ``anchor`` says which end of them (``start``, ``middle``, ``end``)."""
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#39424b"{weight}>{escape(words)}</text>'


def page(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    """A white page that holds the parts; the title is for those who cannot see it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="system-ui, sans-serif" font-size="12" role="img"><title>{escape(title)}</title>'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(parts)}</svg>\n'
    )
