"""``fusion compare CONFIG``: whether pretraining helps, by objective and share of labels."""

from __future__ import annotations

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Optional

import typer

from fusion.cli.training import Config, Overrides


class StartName(StrEnum):
    """A way to pretrain."""

    margin = "margin"
    margin_without_same_emotion = "margin_without_same_emotion"
    infonce = "infonce"
    infonce_without_same_emotion = "infonce_without_same_emotion"
    supervised_contrastive = "supervised_contrastive"


def add(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="compare")(compare)


def compare(
    config: Config,
    overrides: Overrides = None,
    *,
    labels: Annotated[
        Optional[list[float]],  # noqa: UP045
        typer.Option(help="A share of the training labels, once for each; 0.25, 0.5 and 1 unless given."),
    ] = None,
    start: Annotated[
        Optional[list[StartName]],  # noqa: UP045
        typer.Option(help="A start beside that from scratch, once for each; all of them unless given."),
    ] = None,
    after: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="A run that one more start begins with, pretrained as the config says."),
    ] = None,
) -> None:
    """Fine-tune from several starts at several shares of the labels, and say whether pretraining helps."""
    from contrastive.starts import SHARES, STARTS, Grid
    from contrastive.starts import compare_starts as run_job
    from contrastive.starts_report import compared, write_comparison
    from fusion.cli.console import out
    from fusion.cli.freed_memory import keep_freed_memory
    from fusion.cli.reporting import TerminalReporter
    from fusion.config.experiment import job_folder, read_experiment

    keep_freed_memory()
    chosen = tuple(one.value for one in start) if start else tuple(STARTS)
    shares = tuple(dict.fromkeys(labels or SHARES))
    given = tuple(overrides or ())
    loaded = read_experiment(config, given)
    grid = Grid(config, given, chosen, shares, after)
    folder = job_folder(loaded, grid.job, start=after)
    cells = run_job(grid, reporter=TerminalReporter())
    found = compared(cells, loaded.experiment.seed)
    command = shlex.join(["fusion", *sys.argv[1:]])
    write_comparison(folder, found, cells, command)
    out.print((folder / "table.md").read_text(encoding="utf-8"), markup=False, highlight=False, soft_wrap=True)
    out.print(f"curve: {folder / 'curve.svg'}", markup=False)
