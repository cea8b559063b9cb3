"""The page of a pretrained fold: how well streams find each other, epoch by epoch. One file that fetches nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from contrastive.comparison import Compared
from contrastive.retrieval import RANKS
from contrastive.task import EMPTY_PLACES, LOST_BATCHES, PAIRS
from fusion.inference.files import write_atomic

#: Width and height of a plot, and its margins left and below, in pixels.
_WIDTH, _HEIGHT, _LEFT, _BELOW = 420, 210, 44, 26
_COLOURS = ("#2f6f9f", "#b4552d", "#4b8b3b", "#7a4fa3", "#a08020", "#2c8c8c")
_STYLE = """
:root { color-scheme: light dark; --ink: #1d2329; --soft: #68727c; --line: #d7dce0; --page: #fff }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebee; --soft: #9aa4ad; --line: #3a424a; --page: #14181c } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 62rem;
  margin: 2rem auto; padding: 0 1.2rem }
h1 { font-size: 1.5rem; margin-bottom: .2rem } h2 { font-size: 1.1rem; margin-top: 2rem }
p.hint { color: var(--soft); margin: .2rem 0 .8rem } .warning { border-left: 4px solid #b4552d; padding-left: .7rem }
table { border-collapse: collapse } th, td { padding: .25rem .8rem .25rem 0; text-align: right }
th:first-child, td:first-child { text-align: left } tr + tr { border-top: 1px solid var(--line) }
.plots { display: flex; flex-wrap: wrap; gap: 1.6rem } figure { margin: 0 } figcaption { font-weight: 600 }
svg text { fill: var(--soft); font-size: 11px } svg .axis { stroke: var(--line) }
.key span { margin-right: 1rem; color: var(--soft) } .key i { display: inline-block; width: 1.2rem; height: .22rem;
  vertical-align: middle; margin-right: .35rem }
"""


def write_report(path: Path, compared: Sequence[Compared], history: Sequence[Mapping[str, float]], fold: str) -> None:
    """Write the page.

    Args:
        path: Where.
        compared: What validation found with the weights that were kept.
        history: By epoch, the logged figures.
        fold: Its name, for the title.
    """
    parts = [f"<h1>Pretraining, {escape(fold)}</h1>", f'<p class="hint">{len(history)} epochs; validation clips.</p>']
    for pair in compared:
        parts += [_warnings(pair), _table(pair), _plots(pair, history)]
    if not compared:
        parts.append("<p>No validation clip had both sides of a pair.</p>")
    counts = ", ".join(f"{key.replace('_', ' ')} {count:,}" for key, count in last_counts(history).items())
    parts.append(f"<p>In the last epoch: {counts}.</p>")
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Pretraining, {escape(fold)}</title><style>{_STYLE}</style><body>{''.join(parts)}</body></html>\n"
    )
    write_atomic(path, page.encode())


def last_counts(history: Sequence[Mapping[str, float]]) -> dict[str, int]:
    """What was counted in the last epoch: pairs of the kinds that there were, empty places and lost batches."""
    return {
        key: int(value)
        for key, value in history[-1].items()
        if value and (key.startswith(f"{PAIRS} ") or key in (EMPTY_PLACES, LOST_BATCHES))
    }


def _warnings(pair: Compared) -> str:
    return "".join(
        f'<p class="warning">The embedding of {escape(name)} has collapsed: {escape(reason)}.</p>'
        for name, reason in pair.collapsed.items()
    )


def _table(pair: Compared) -> str:
    first, second = pair.pair
    head = "".join(f"<th>recall@{rank}</th><th>chance</th>" for rank in RANKS)
    rows = "".join(
        f"<tr><td>{escape(direction)}</td>"
        + "".join(f"<td>{found.recall[rank]:.3f}</td><td>{found.chance[rank]:.3f}</td>" for rank in RANKS)
        + "</tr>"
        for direction, found in pair.found.items()
    )
    spread = ", ".join(f"{escape(name)} {value:.2f}" for name, value in pair.uniformity.items())
    kinds = ", ".join(f"{kind.name.lower().replace('_', ' ')} {value:.3f}" for kind, value in pair.distances.items())
    return (
        f"<h2>{escape(first)} and {escape(second)}</h2>"
        f'<p class="hint">One window of each of {pair.clips} clips is held against those of all others.</p>'
        f"<table><tr><th></th>{head}</tr>{rows}</table>"
        f"<p>Alignment of partners {pair.alignment:.3f} (0 is best); uniformity {spread} (lower is better).<br>"
        f"Mean distance by kind of pair: {kinds}.</p>"
    )


def _plots(pair: Compared, history: Sequence[Mapping[str, float]]) -> str:
    name = "+".join(pair.pair)
    recall = {direction: _series(history, f"{direction} recall@1") for direction in pair.found}
    recall["chance"] = _series(history, f"{next(iter(pair.found))} chance@1")
    kinds = {
        key.removeprefix(f"{name} distance ").replace("_", " "): _series(history, key)
        for key in dict.fromkeys(key for row in history for key in row)
        if key.startswith(f"{name} distance ")
    }
    return (
        f'<div class="plots">{_plot("Recall at 1", recall, top=1.0)}'
        f"{_plot('Mean distance by kind of pair', kinds)}</div>"
    )


def _series(history: Sequence[Mapping[str, float]], key: str) -> list[tuple[float, float]]:
    return [(row["epoch"] + 1, row[key]) for row in history if key in row]


def _plot(title: str, series: Mapping[str, Sequence[tuple[float, float]]], top: float | None = None) -> str:
    """Lines over epochs, with a key."""
    points = [point for line in series.values() for point in line]
    if not points:
        return ""
    last = max(x for x, _ in points)
    high = top or max(y for _, y in points) * 1.05 or 1.0

    def place(point: tuple[float, float]) -> str:
        x = _LEFT + (point[0] - 1) / max(last - 1, 1) * (_WIDTH - _LEFT - 8)
        y = (_HEIGHT - _BELOW) - point[1] / high * (_HEIGHT - _BELOW - 10)
        return f"{x:.1f},{y:.1f}"

    lines, key = [], []
    for (name, line), colour in zip(series.items(), _COLOURS, strict=False):
        dashes = ' stroke-dasharray="3 4"' if name == "chance" else ""
        path = " ".join(place(point) for point in line)
        lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>')
        key.append(f'<span><i style="background:{colour}"></i>{escape(name)}</span>')
    ticks = "".join(
        f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH}" y1="{y}" y2="{y}"/>'
        f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{share * high:.2g}</text>'
        for share in (0.0, 0.5, 1.0)
        for y in [round((_HEIGHT - _BELOW) - share * (_HEIGHT - _BELOW - 10), 1)]
    )
    ends = (
        f'<text x="{_LEFT}" y="{_HEIGHT - 8}">epoch 1</text>'
        f'<text x="{_WIDTH - 8}" y="{_HEIGHT - 8}" text-anchor="end">{last:g}</text>'
    )
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">{ticks}{ends}{"".join(lines)}</svg>'
        f'<div class="key">{"".join(key)}</div></figure>'
    )
