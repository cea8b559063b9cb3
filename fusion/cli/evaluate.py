"""``fusion evaluate RUN``: every row of a run's table, and its result card."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Optional

import typer

from fusion.contract import FusionError


class Overlap(StrEnum):
    """What becomes of clips that the model has seen."""

    refuse = "refuse"
    drop = "drop"
    keep = "keep"


def add(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="evaluate")(evaluate)


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run that finetune reported.", show_default=False)],
    fold: Annotated[Optional[str], typer.Option(help="One fold only.")] = None,  # noqa: UP045
    on: Annotated[Optional[Path], typer.Option(help="A config whose corpus to evaluate on instead.")] = None,  # noqa: UP045
    overlap: Annotated[Overlap, typer.Option(help="With --on: clips that the model has seen.")] = Overlap.refuse,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Score a run on its test parts: every stream alone, every head with every subset of streams, with intervals."""
    from fusion.cli.console import out
    from fusion.cli.reporting import TerminalReporter
    from fusion.cli.results import print_results
    from fusion.evaluation.elsewhere import evaluate_on
    from fusion.evaluation.evaluate import evaluate as run_job

    reporter = TerminalReporter()
    if on is None and overlap is not Overlap.refuse:
        raise FusionError("goes with --on only", where="--overlap", remedy="name a config with --on")
    with redirect_stdout(sys.stderr):  # what a plugin prints is no answer
        if on is not None:
            evaluation = evaluate_on(run, on, fold=fold, overlap=overlap.value, reporter=reporter)
        else:
            evaluation = run_job(run, fold=fold, reporter=reporter)
    if as_json:
        sys.stdout.write((evaluation.folder / "results.json").read_text(encoding="utf-8"))
        return
    print_results(evaluation.results)
    out.print(f"result card: {evaluation.card}", markup=False)
