"""Tables of finished runs, from the results that `fusion evaluate` wrote.

    python benchmarks/tables.py RUN OUTPUT [TITLE] [--together STREAM,STREAM...]      (RUN may be one fold of a run)
    python benchmarks/tables.py --folds RUN OUTPUT [TITLE]
    python benchmarks/tables.py --job FOLDER OUTPUT [TITLE]

Streams that stand together are several views of one thing, such as three networks on one voice: the table leaves out
the rows in which only some of them are there. The second form is for a run of which not all folds are done: the folds
that `fusion evaluate RUN --fold FOLD` has scored stand side by side. The third takes what `fusion leakage` or `fusion
compare` wrote into FOLDER: its table under the title, its numbers and its pictures.

Writes OUTPUT.md (the table) and, beside it, OUTPUT.json (every row without curves) and OUTPUT.csv (the headline's
prediction for each test clip), so that each figure can be traced and each interval computed again.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any


def main(run: Path, output: Path, title: str, together: Sequence[str] = ()) -> None:
    """Write the three files."""
    results = json.loads(_elsewhere((run / "evaluation" / "results.json").read_text(encoding="utf-8")))
    output.parent.mkdir(parents=True, exist_ok=True)
    output.with_suffix(".md").write_text(
        table(results, title, training_minutes(run), validation_scores(run), together), encoding="utf-8"
    )
    for row in results["rows"].values():
        row.pop("curves", None)
    # Where the run lay on somebody's machine is nobody's business.
    results["run"].pop("folder", None)
    results["run"]["environment"].pop("command", None)
    output.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    output.with_suffix(".csv").write_bytes((run / "evaluation" / "predictions.csv").read_bytes())


def _elsewhere(text: str) -> str:
    """Paths of other runs as they would be in the project's folder: where they lay is nobody's business."""
    folder = os.environ.get("FUSION_RUNS")
    return text if folder is None else text.replace(f"{Path(folder).resolve()}/", "runs/")


def job_table(folder: Path, output: Path, title: str) -> None:
    """Write OUTPUT.md and, beside it, each other file of the job as OUTPUT.json, OUTPUT_NAME.csv or OUTPUT_NAME.svg."""
    table = (folder / "table.md").read_text(encoding="utf-8")
    output.with_suffix(".md").write_text(f"# {title}\n\n{_elsewhere(table)}", encoding="utf-8")
    for file in sorted(folder.iterdir()):
        if file.suffix in (".csv", ".json", ".svg"):
            name = output.stem if file.suffix == ".json" else f"{output.stem}_{file.stem}"
            text = _elsewhere(file.read_text(encoding="utf-8"))
            (output.parent / f"{name}{file.suffix}").write_text(text, encoding="utf-8")


def validation_scores(run: Path) -> str:
    """The headline's score on each split's validation part, which chose its epochs and maybe its head."""
    scores = {}
    for file in sorted(run.glob("*/result.json")):
        result = json.loads(file.read_text(encoding="utf-8"))
        scores[file.parent.name] = result["scores"][result["headline"]]
    return ", ".join(f"{name} {score:.3f}" for name, score in scores.items())


def training_minutes(run: Path) -> float:
    """Minutes of training over all folds and streams, from their logs."""
    total = 0.0
    for log in run.glob("**/streams/*/log.csv"):
        with log.open(encoding="utf-8") as file:
            total += sum(float(line["seconds"]) for line in csv.DictReader(file))
    return total / 60


def shown(name: str, row: Mapping[str, Any], together: Sequence[str]) -> bool:
    """Whether all or none of the streams that stand together are in the row; a stream alone is always shown."""
    there = set(together) & set(row["streams"])
    return name in together or not there or there == set(together)


def table(results: Mapping[str, Any], title: str, minutes: float, validation: str, together: Sequence[str]) -> str:
    """The table as Markdown."""
    record = results["run"]
    split = record["split"]
    measure = results["measure"]
    words = ["fusion finetune", Path(record["source"]).as_posix(), *record["overrides"]]
    command = " ".join(words if record.get("start") is None else [*words, "--from", record["start"]])
    rows = results["rows"]
    lines = [
        f"# {title}",
        "",
        f"- command: `{command}`, then `fusion evaluate RUN` and `python benchmarks/tables.py RUN OUTPUT`",
        f"- protocol: {split['guarantee']}",
        f"- split hash: {split['hash']}; {results['clips']} test clips of {results['speakers']} speakers in "
        f"{len(results['splits'])} splits; each test part scored once",
        f"- seed: {record['seed']}; intervals: 95 %, bootstrap over {rows['headline']['interval']['over']}",
        f"- headline: {', '.join(sorted(set(results['chosen'].values())))}",
        f"- the headline on validation: {validation}",
        f"- training: {minutes:.0f} minutes in all, one thread of two cores that other jobs shared; "
        f"git {(record['environment'].get('git') or {}).get('commit', 'unknown')[:10]}",
        "",
        "| row | unweighted average recall | 95 % interval | mean of splits (spread) | accuracy | 95 % interval |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in rows.items():
        if not shown(name, row, together):
            continue
        by_split = list(row["by_split"].values())
        spread = stdev(by_split) if len(by_split) > 1 else 0.0
        lines.append(
            f"| {name} | {row[measure]:.3f} | {row['interval']['low']:.3f} .. {row['interval']['high']:.3f} "
            f"| {mean(by_split):.3f} ({spread:.3f}) | {row['accuracy']:.3f} "
            f"| {row['accuracy_interval']['low']:.3f} .. {row['accuracy_interval']['high']:.3f} |"
        )
    difference = results["headline_minus_best_stream"]
    if len(results["streams"]) > 1:
        lines += [
            "",
            f"Headline minus the best single stream ({results['best_single_stream']}): paired 95 % interval "
            f"{difference['low']:+.3f} .. {difference['high']:+.3f} over {difference['over']}.",
        ]
    shortcut = results.get("headline_minus_loudness_and_length")
    if shortcut is not None:
        lines += [
            "",
            f"Headline minus loudness and length alone: paired 95 % interval {shortcut['low']:+.3f} .. "
            f"{shortcut['high']:+.3f} over {shortcut['over']}.",
        ]
    return "\n".join([*lines, ""])


def folds_table(run: Path, output: Path, title: str) -> None:
    """Write the folds that are done side by side, and each fold's own files beside the table."""
    done = sorted(path.parent.parent.name for path in run.glob("*/evaluation/results.json"))
    results = {
        name: json.loads((run / name / "evaluation" / "results.json").read_text(encoding="utf-8")) for name in done
    }
    first = next(iter(results.values()))
    split, measure = first["run"]["split"], first["measure"]
    missing = [name for name in json.loads((run / "run.json").read_text(encoding="utf-8"))["folds"] if name not in done]
    command = " ".join(["fusion finetune", first["run"]["source"], *first["run"]["overrides"]])
    lines = [
        f"# {title}",
        "",
        f"- command: `{command}`, then `fusion evaluate RUN --fold FOLD` for each fold",
        f"- protocol: {split['guarantee']}",
        f"- split hash: {split['hash']}; seed: {first['run']['seed']}; each test part scored once",
        f"- folds that are done: {', '.join(done)}" + (f"; not yet: {', '.join(missing)}" if missing else ""),
        f"- training so far: {training_minutes(run):.0f} minutes, one thread of two cores that other jobs shared",
        "",
        f"Unweighted average recall, with its 95 % interval over the fold's speakers ({', '.join(done)}):",
        "",
        f"| row | {' | '.join(done)} | mean of folds |",
        f"| --- | {' | '.join('---' for _ in done)} | --- |",
    ]
    for row in first["rows"]:
        values = [results[name]["rows"][row] for name in done]
        cells = [
            f"{value[measure]:.3f} ({value['interval']['low']:.3f} .. {value['interval']['high']:.3f})"
            for value in values
        ]
        lines.append(f"| {row} | {' | '.join(cells)} | {mean(value[measure] for value in values):.3f} |")
    output.with_suffix(".md").write_text("\n".join([*lines, ""]), encoding="utf-8")
    for name in done:
        main(run / name, output.with_suffix("") / name, f"{title}, {name}")


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("run", type=Path)
    asked.add_argument("output", type=Path)
    asked.add_argument("title", nargs="?")
    asked.add_argument("--together", type=lambda text: text.split(","), default=())
    asked.add_argument("--folds", action="store_true")
    asked.add_argument("--job", action="store_true")
    given = asked.parse_args()
    heading = given.title or given.output.stem
    if given.job:
        job_table(given.run, given.output, heading)
    elif given.folds:
        folds_table(given.run, given.output, heading)
    else:
        main(given.run, given.output, heading, given.together)
