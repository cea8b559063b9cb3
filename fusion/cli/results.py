"""A run's results as a table for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusion.cli.console import out, table


def print_results(results: Mapping[str, Any]) -> None:
    """Print the headline, streams alone, heads with all streams, subsets of the headline's head, and the baseline."""
    measure = results["measure"].replace("_", " ")
    split = results["run"]["split"]
    out.print(
        f"{results['clips']} test clips of {results['speakers'] or 'unknown'} speakers in {len(results['splits'])} "
        f"split{'s' if len(results['splits']) != 1 else ''} {split['hash']}, seed {results['run']['seed']}",
    )
    out.print(split["guarantee"])
    if results["run"]["data"]["generated"]:
        out.print("generated clips: for trying the engine, not for science")
    columns = ["row", measure, "95 % interval"]
    single = results["kind"] in ("single", "soft")
    if single:
        columns += ["accuracy", "calibration error"]
    lines = []
    for name in shown_rows(results):
        row = results["rows"][name]
        interval = row["interval"]
        line = [_label(name, results), f"{row[results['measure']]:.3f}", f"{interval['low']:.3f} .. {interval['high']:.3f}"]
        if single:
            line += [f"{row['accuracy']:.3f}", f"{row['calibration_error']:.3f}"]
        lines.append(line)
    table(columns, lines, numbers={measure, "accuracy", "calibration error"})
    difference = results["headline_minus_best_stream"]
    verdict = "above" if difference["low"] > 0 else "below" if difference["high"] < 0 else "not told apart from"
    if len(results["streams"]) > 1:
        out.print(
            f"headline {verdict} the better stream alone ({results['best_stream_alone']}): paired 95 % interval of the "
            f"difference {difference['low']:+.3f} .. {difference['high']:+.3f} over {difference['over']}"
        )


def shown_rows(results: Mapping[str, Any]) -> list[str]:
    """The rows of the short table, in order; ``results.json`` and the card have all."""
    rows = results["rows"]
    several = len(results["streams"]) > 1
    heads = [row for row in (*results["heads"], "tuned") if row in rows] if several else []
    chosen = max(sorted(set(results["chosen"].values())), key=list(results["chosen"].values()).count)
    masked = [row for row in rows if row.startswith(f"{chosen}[")]
    return [*(["headline"] if several else []), *results["streams"], *heads, *masked, "majority class"]


def _label(name: str, results: Mapping[str, Any]) -> str:
    if name in results["streams"]:
        return f"{name} (alone)" if len(results["streams"]) > 1 else name
    if name == "headline":
        rows = sorted(set(results["chosen"].values()))
        return f"headline ({rows[0] if len(rows) == 1 else 'chosen on validation, by split'})"
    return name
