"""One table of several seeds of a run: what the headline's score owes to the draw.

    python benchmarks/seeds.py OUTPUT.md TITLE RUN RUN RUN

Each RUN is evaluated, of the same config and split, with a seed of its own. Scores are unweighted average recall. The
interval is a bootstrap over speakers of the mean over seeds: speakers are drawn with all of their clips in all runs.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from fusion.evaluation.intervals import Bootstrap
from fusion.evaluation.scores import additive


def main(output: Path, title: str, runs: list[Path]) -> None:
    """Write the table."""
    results = [json.loads((run / "evaluation" / "results.json").read_text(encoding="utf-8")) for run in runs]
    splits = {one["run"]["split"]["hash"] for one in results}
    seeds = [one["run"]["seed"] for one in results]
    if len(splits) > 1 or len(set(seeds)) < len(seeds):
        raise SystemExit(f"the runs are of splits {sorted(splits)} and seeds {seeds}; give one split and other seeds")
    rows = [name for name in results[0]["rows"] if all(name in one["rows"] for one in results)]
    lines = [
        f"# {title}",
        "",
        f"- config: `{results[0]['run']['source']}`; protocol: {results[0]['run']['split']['guarantee']}",
        f"- split hash: {splits.pop()}; {results[0]['clips']} test clips of {results[0]['speakers']} speakers, scored "
        "once by each run",
        f"- seeds: {', '.join(map(str, seeds))}; unweighted average recall; headline rows as each seed's validation "
        "chose them",
        "",
        f"| row | {' | '.join(f'seed {seed}' for seed in seeds)} | mean | spread |",
        f"|{' --- |' * (len(seeds) + 3)}",
    ]
    for name in rows:
        scores = [one["rows"][name]["unweighted_average_recall"] for one in results]
        shown = " | ".join(f"{score:.3f}" for score in scores)
        lines.append(f"| {name} | {shown} | {mean(scores):.3f} | {stdev(scores):.3f} |")
    low, high, over = interval(runs, results[0]["names"])
    lines += [
        "",
        f"The headline's mean over seeds lies in {low:.3f} .. {high:.3f} (95 %, bootstrap over {over}). Spread is the "
        "standard deviation over seeds.",
        "",
    ]
    output.write_text("\n".join(lines), encoding="utf-8")
    print(output.read_text(encoding="utf-8"))


def interval(runs: list[Path], names: list[str]) -> tuple[float, float, str]:
    """Of the headline's mean over runs. Each run has the same clips of a class, so that recalls may be pooled."""
    rows: list[dict[str, Any]] = []
    for run in runs:
        with (run / "evaluation" / "predictions.csv").open(encoding="utf-8", newline="") as file:
            rows += csv.DictReader(file)
    probabilities = np.array([[float(row[name]) for name in names] for row in rows])
    targets = np.array([[float(row["target"] == name) for name in names] for row in rows])
    found = Bootstrap([row["speaker"] or None for row in rows]).interval(additive("single"), probabilities, targets)
    return found.low, found.high, found.over


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], [Path(run) for run in sys.argv[3:]])
