"""The table and the curve of a grid of starts."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrastive.starts import SCRATCH, Cell
from fusion.contract import LeakError
from fusion.evaluation import svg
from fusion.evaluation.evaluate import Evaluation
from fusion.evaluation.intervals import Bootstrap, Interval
from fusion.evaluation.scores import additive
from fusion.inference.files import write_atomic

#: Width and height of the picture, and its margins left, right, above and below, in pixels.
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _ABOVE, _BELOW = 760, 400, 52, 236, 34, 48
_COLOURS = ("#1d2329", "#2f6f9f", "#7fb0d4", "#b4552d", "#dd9c7d", "#4b8b3b", "#7a4fa3")


@dataclass(frozen=True)
class Compared:
    """One cell's figures.

    Args:
        start: Its name.
        share: Of the labels.
        rows: By row of the table (the headline and each stream), recall and its interval.
        difference: Of the headline minus that from scratch at the same share, paired; None for scratch itself.
    """

    start: str
    share: float
    rows: Mapping[str, tuple[float, Interval]]
    difference: Interval | None


@dataclass(frozen=True)
class _Answers:
    """The headline's answers of a run, clip by clip."""

    speakers: tuple[str | None, ...]
    probabilities: NDArray[np.float64]
    targets: NDArray[np.float64]


def compared(cells: Sequence[tuple[Cell, Evaluation]], seed: int) -> list[Compared]:
    """The figures of each cell, differences on the same bootstrap draws.

    Raises:
        LeakError: Two cells are of different splits.
    """
    hashes = {evaluation.results["run"]["split"]["hash"] for _, evaluation in cells}
    if len(hashes) > 1:
        raise LeakError(
            f"cells are of splits {', '.join(sorted(hashes))}",
            where="compare",
            remedy="delete the runs of an older corpus",
        )
    scratch = {cell.share: _answers(evaluation) for cell, evaluation in cells if cell.start == SCRATCH}
    found = []
    for cell, evaluation in cells:
        rows = evaluation.results["rows"]
        figures = {
            name: (float(rows[name]["unweighted_average_recall"]), Interval(**rows[name]["interval"]))
            for name in ("headline", *cell.loaded.experiment.streams)
        }
        difference = None
        if cell.start != SCRATCH:
            own, other = _answers(evaluation), scratch[cell.share]
            draws = Bootstrap(own.speakers, seed)
            difference = draws.difference(additive("single"), own.probabilities, other.probabilities, own.targets)
        found.append(Compared(cell.start, cell.share, figures, difference))
    return found


def _answers(evaluation: Evaluation) -> _Answers:
    with (evaluation.folder / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = list(evaluation.results["names"])
    targets = np.array([[float(row["target"] == name) for name in names] for row in rows])
    return _Answers(
        tuple(row["speaker"] or None for row in rows),
        np.array([[float(row[name]) for name in names] for row in rows]),
        targets,
    )


def write_comparison(
    folder: Path, found: Sequence[Compared], cells: Sequence[tuple[Cell, Evaluation]], command: str
) -> None:
    """Write ``table.md``, ``results.json`` and ``curve.svg``.

    Args:
        folder: Where.
        found: The figures.
        cells: What they are of.
        command: That made them.
    """
    results = cells[0][1].results
    write_atomic(folder / "table.md", table(found, results, command, recipes(cells)).encode())
    write_atomic(folder / "results.json", (json.dumps([asdict(one) for one in found], indent=1) + "\n").encode())
    write_atomic(folder / "curve.svg", curve(found, chance=1 / len(results["names"])).encode())


def recipes(cells: Sequence[tuple[Cell, Evaluation]]) -> dict[str, str]:
    """By pretrained start, what its pretraining was, in words."""
    found = {}
    for cell, _ in cells:
        if cell.pretrained is not None:
            section = cell.loaded.data["pretrain"]
            options = [f"{key} {value}" for key, value in section["objective"].items() if key != "name" and value]
            pairs = [f"{kind} {count}" for kind, count in section["pairs"].items() if count]
            parts = [" ".join([section["objective"]["name"], *options]), f"pairs {' '.join(pairs)}"]
            if section["segments"] is not None:
                parts.append(f"{section['segments']} segments")
            parts.append(f"{section['epochs']} epochs of batches of {section['batch']}")
            if cell.after is not None:
                parts.append(f"begun from `{cell.after.parent.name}/{cell.after.name}`")
            found[cell.start] = ", ".join(parts)
    return found


def table(found: Sequence[Compared], results: Mapping[str, Any], command: str, pretrained: Mapping[str, str]) -> str:
    """The grid as a Markdown table under what it was measured by."""
    run = results["run"]
    streams = [name for name in found[0].rows if name != "headline"]
    head = ["start", "labels", "headline", "95 % interval", "minus scratch", *streams]
    lines = [
        f"- command: `{command}`",
        f"- protocol: {run['split']['guarantee']}; split hash {run['split']['hash']}; seed {run['seed']}",
        f"- {results['clips']} test clips, each scored once by each cell; unweighted average recall; intervals: 95 %, "
        f"bootstrap over {found[0].rows['headline'][1].over}; chance {1 / len(results['names']):.3f}",
        "- labels: the share of each class's training takes whose labels pretraining and fine-tuning know; validation "
        "and test keep all",
        *(f"- {start.replace('_', ' ')}: {words}" for start, words in pretrained.items()),
        "",
        f"| {' | '.join(head)} |",
        f"|{' --- |' * len(head)}",
    ]
    for one in found:
        score, interval = one.rows["headline"]
        paired = ""
        if one.difference is not None:
            scratch = next(other for other in found if other.difference is None and other.share == one.share)
            above = score - scratch.rows["headline"][0]
            paired = f"{above:+.3f} ({one.difference.low:+.3f} .. {one.difference.high:+.3f})"
        cells = [
            one.start.replace("_", " "),
            _percent(one.share),
            f"{score:.3f}",
            f"{interval.low:.3f} .. {interval.high:.3f}",
            paired,
            *(f"{one.rows[name][0]:.3f}" for name in streams),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", verdict(found), ""])


def verdict(found: Sequence[Compared]) -> str:
    """Whether any start is above or below scratch, in a sentence."""
    pretrained = [one for one in found if one.difference is not None]
    if not pretrained:
        return "Nothing was pretrained."
    parts = []
    for word, chosen in (
        ("above", [one for one in pretrained if one.difference is not None and one.difference.low > 0]),
        ("below", [one for one in pretrained if one.difference is not None and one.difference.high < 0]),
    ):
        names = ", ".join(f"{one.start.replace('_', ' ')} ({_percent(one.share)})" for one in chosen)
        parts.append(f"{word} it by the paired interval: {names or 'none'}")
    by_chance = f"{len(pretrained) * 0.025:.2g}"
    return (
        f"Of {len(pretrained)} pretrained start{'s' * (len(pretrained) != 1)} beside those from scratch, "
        f"{'; '.join(parts)}. Each is looked at alone: if none made a difference, {by_chance} would still lie above "
        "and as many below."
    )


def _percent(share: float) -> str:
    return f"{share * 100:g} %"


def curve(found: Sequence[Compared], *, chance: float) -> str:
    """The headline's recall by share of labels, a line for each start; bars are 95 % intervals."""
    shares = sorted({one.share for one in found})
    starts = list(dict.fromkeys(one.start for one in found))
    ends = [value for one in found for value in (one.rows["headline"][1].low, one.rows["headline"][1].high)]
    low, high = min(chance, *ends) - 0.02, max(ends) + 0.02
    inner, bottom = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _BELOW

    def x(share: float, place: int) -> float:
        # starts stand a little apart, so that their bars do not hide each other
        part = 0.5 if len(shares) == 1 else 0.08 + 0.84 * shares.index(share) / (len(shares) - 1)
        return _LEFT + inner * part + (place - (len(starts) - 1) / 2) * 7

    def y(score: float) -> float:
        return bottom - (score - low) / (high - low) * (bottom - _ABOVE)

    parts = []
    first = int(low * 10) + 1
    for tick in (number / 10 for number in range(first, int(high * 10) + 1)):
        parts.append(svg.line(_LEFT, y(tick), _LEFT + inner, y(tick), "#d7dce0"))
        parts.append(svg.text(_LEFT - 8, y(tick) + 4, f"{tick:.1f}", "end"))
    parts.append(svg.line(_LEFT, y(chance), _LEFT + inner, y(chance), "#68727c", dashed=True))
    parts.append(svg.text(_LEFT + inner + 8, y(chance) + 4, "chance"))
    middle = (len(starts) - 1) / 2
    parts += [
        svg.text(x(share, 0) + middle * 7, bottom + 20, f"{_percent(share)} of labels", "middle") for share in shares
    ]
    parts.append(svg.text(_LEFT - 36, 18, "unweighted average recall of the headline, with 95 % intervals"))
    for place, (start, colour) in enumerate(zip(starts, _COLOURS, strict=False)):
        own = [one for one in found if one.start == start]
        points = [(x(one.share, place), y(one.rows["headline"][0])) for one in own]
        for one, (across, down) in zip(own, points, strict=True):
            interval = one.rows["headline"][1]
            parts.append(svg.line(across, y(interval.low), across, y(interval.high), colour))
            parts.append(f'<circle cx="{across:.1f}" cy="{down:.1f}" r="4" fill="{colour}"/>')
        path = " ".join(f"{across:.1f},{down:.1f}" for across, down in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        row = _ABOVE + 8 + place * 20
        parts.append(f'<circle cx="{_LEFT + inner + 22}" cy="{row}" r="4" fill="{colour}"/>')
        parts.append(svg.text(_LEFT + inner + 34, row + 4, start.replace("_", " ")))
    return svg.page(_WIDTH, _HEIGHT, verdict(found), parts)
