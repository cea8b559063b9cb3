"""``fusion evaluate RUN``: every row of a run's table, and its result card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer


def add(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="evaluate")(evaluate)


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run that finetune reported.", show_default=False)],
    fold: Annotated[Optional[str], typer.Option(help="One fold only.")] = None,  # noqa: UP045
) -> None:
    """Score a run on its test parts: every stream alone, every head with every subset of streams, with intervals."""
    from fusion.cli.console import out
    from fusion.cli.reporting import TerminalReporter
    from fusion.evaluation.evaluate import evaluate as run_job
    from fusion.cli.results import print_results

    evaluation = run_job(run, fold=fold, reporter=TerminalReporter())
    print_results(evaluation.results)
    out.print(f"result card: {evaluation.folder / 'card.html'}", highlight=False)
