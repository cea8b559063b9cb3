"""One table of runs of one split that differ in where they began: does pretraining help?

    python benchmarks/starts.py OUTPUT.md TITLE SCRATCH NAME=RUN [NAME=RUN ...]

SCRATCH and each RUN are evaluated runs of the same split; NAME says how RUN was pretrained. It is the table of
`fusion compare` for starts that stand in several configs. Differences from SCRATCH are of the headline, paired over
speakers on the same bootstrap draws.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusion.evaluation.intervals import Bootstrap
from fusion.evaluation.scores import additive

Rows = list[dict[str, Any]]


def main(output: Path, title: str, scratch: Path, others: dict[str, Path]) -> None:
    """Write the table."""
    runs = {"scratch": scratch, **others}
    results = {
        name: json.loads((run / "evaluation" / "results.json").read_text(encoding="utf-8"))
        for name, run in runs.items()
    }
    first = results["scratch"]
    if len({one["run"]["split"]["hash"] for one in results.values()}) > 1:
        raise SystemExit("the runs are of several splits")
    streams, names = first["streams"], first["names"]
    answers = {name: read(run) for name, run in runs.items()}
    if len({tuple(row["clip"] for row in rows) for rows in answers.values()}) > 1:
        raise SystemExit("the runs were scored on different clips")
    targets = np.array([[float(row["target"] == name) for name in names] for row in answers["scratch"]])
    draws = Bootstrap([row["speaker"] or None for row in answers["scratch"]])
    lines = [
        f"# {title}",
        "",
        f"- protocol: {first['run']['split']['guarantee']}; split hash {first['run']['split']['hash']}; seed "
        f"{first['run']['seed']}; {first['clips']} test clips, each scored once by each run",
        f"- unweighted average recall; intervals: 95 %, bootstrap over {draws.over}; chance {1 / len(names):.3f}",
        *(f"- {name}: {recipe(run)}" for name, run in runs.items()),
        "",
        f"| start | headline | 95 % interval | minus scratch | {' | '.join(streams)} |",
        f"|{' --- |' * (4 + len(streams))}",
    ]
    for name, one in results.items():
        row = one["rows"]["headline"]
        paired = ""
        if name != "scratch":
            less = draws.difference(
                additive("single"),
                probabilities(answers[name], names),
                probabilities(answers["scratch"], names),
                targets,
            )
            paired = f"{less.low:+.3f} .. {less.high:+.3f}"
        alone = " | ".join(f"{one['rows'][stream]['unweighted_average_recall']:.3f}" for stream in streams)
        low, high = row["interval"]["low"], row["interval"]["high"]
        lines.append(
            f"| {name} | {row['unweighted_average_recall']:.3f} | {low:.3f} .. {high:.3f} | {paired} | {alone} |"
        )
    output.write_text("\n".join([*lines, ""]), encoding="utf-8")
    print(output.read_text(encoding="utf-8"))


def recipe(run: Path) -> str:
    """What was typed, and what its start was pretrained by."""
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    if record["start"] is None:
        return f"`fusion finetune {record['source']}`"
    begun = json.loads((Path(record["start"]) / "run.json").read_text(encoding="utf-8"))
    section = begun["config"]["pretrain"]
    pairs = " ".join(f"{kind} {count}" for kind, count in section["pairs"].items() if count)
    segments = f", {section['segments']} segments" if section["segments"] else ""
    after = ""
    if begun["start"] is not None:
        earlier = json.loads((Path(begun["start"]) / "run.json").read_text(encoding="utf-8"))
        after = f", itself begun from `fusion pretrain {earlier['source']}`"
    words = " ".join(["fusion pretrain", begun["source"], *(f'"{one}"' for one in begun["overrides"])])
    return (
        f"`{words}`, then `fusion finetune --from` it; {section['objective']['name']}, pairs {pairs}{segments}, "
        f"{section['epochs']} epochs{after}"
    )


def read(run: Path) -> Rows:
    """The headline's answers, clip by clip."""
    with (run / "evaluation" / "predictions.csv").open(encoding="utf-8", newline="") as file:
        return sorted(csv.DictReader(file), key=lambda row: row["clip"])


def probabilities(rows: Rows, names: list[str]) -> NDArray[np.float64]:
    """``[N, C]``."""
    return np.array([[float(row[name]) for name in names] for row in rows])


if __name__ == "__main__":
    given = dict(pair.split("=", 1) for pair in sys.argv[4:])
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), {name: Path(run) for name, run in given.items()})
