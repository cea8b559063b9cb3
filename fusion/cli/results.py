"""A run's results as a table for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from fusion.cli.console import out, table
from fusion.evaluation.wording import HEADLINE, MEASURES, row_label, short_rows, shortcut_verdict, verdict

#: Columns below which the table keeps to the score and its interval.
NARROW = 100


def print_results(results: Mapping[str, Any]) -> None:
    """Print what was tested and how, the rows of the headline's head and of streams alone, and the verdict."""
    split, on = results["run"]["split"], results["on"]
    who = (
        f"{results['speakers']} speaker{'s' if results['speakers'] != 1 else ''}"
        if results["speakers"]
        else "unknown speakers"
    )
    clips = f"{results['clips']} test clips of {who}"
    if on is None:
        several = "s" if len(results["splits"]) != 1 else ""
        out.print(f"{clips}; {len(results['splits'])} split{several} {split['hash']}, seed {results['run']['seed']}")
    else:
        out.print(f"{clips} of {on['corpus']}, by {on['model']}", markup=False)
    if results["leaking"]:
        out.print(f"[bold red]{results['guarantee']}[/]: no scores of unseen people")
    else:
        out.print(results["guarantee"], markup=False)
    if results["generated"]:
        out.print("[bold yellow]generated clips[/]: for trying the engine, not for science")
    out.print()
    _print_rows(results)
    out.print()
    for said in (verdict(results)[1], shortcut_verdict(results)):
        if said is not None:
            out.print(textwrap.fill(said, out.width), markup=False)


def _print_rows(results: Mapping[str, Any]) -> None:
    measure = results["measure"]
    further = [key for key in ("accuracy", "calibration_error") if key in results["rows"][HEADLINE]]
    if out.width < NARROW:
        further = further[:1]
    lines = []
    for name in short_rows(results):
        row = results["rows"][name]
        interval = row["interval"]
        lines.append([
            row_label(name, results), f"{row[measure]:.3f}", f"{interval['low']:.3f} .. {interval['high']:.3f}",
            *(f"{row[key]:.3f}" for key in further),
        ])  # fmt: skip
    short = {
        "unweighted_average_recall": "UAR" if out.width < NARROW else MEASURES[measure],
        "concordance": "concordance",
    }
    heading = short.get(measure, MEASURES[measure])
    table(
        ["row", heading, "95 % interval", *(MEASURES[key] for key in further)],
        lines,
        numbers={heading, *(MEASURES[key] for key in further)},
    )
