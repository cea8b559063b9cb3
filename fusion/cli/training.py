"""What the commands of training jobs share: their arguments, their processes, and what they say at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[Path, typer.Argument(help="The experiment (YAML).", show_default=False)]
Overrides = Annotated[list[str] | None, typer.Argument(help="Settings on top: a.b.c=value.", show_default=False)]
Start = Annotated[Path | None, typer.Option("--from", help="A run whose streams are the start.")]
Fold = Annotated[
    str | None, typer.Option("--fold", help="Train this fold only; others may run beside it.", show_default=False)
]
Final = Annotated[bool, typer.Option("--final", help="Train on all speakers, as long as the folds say.")]
Processes = Annotated[int, typer.Option("--processes", min=1, help="Train in so many processes.")]


@contextmanager
def training_job(context: typer.Context, *, fold: str | None, final: bool, processes: int) -> Iterator[None]:
    """A job's work, in this process or as one of several; where others are to do it, this one leaves as they do.

    Args:
        context: Of the command, whose root holds its arguments.
        fold: As given.
        final: As given.
        processes: As given.

    Raises:
        BadParameter: One fold and all of them are asked for.
        ProcessEndedError: A process was killed, or ended without a sentence of its own.
    """
    from fusion.cli.freed_memory import keep_freed_memory
    from fusion.cli.launching import launch, taking_part

    if final and fold is not None:
        raise typer.BadParameter("--final is of all folds; leave --fold out")
    if processes > 1:
        launch(processes, context.find_root().obj)
    keep_freed_memory()
    with taking_part():
        yield


def counted(number: int, unit: str) -> str:
    """A number with its unit, of which there may be one."""
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def say_where(run: Path, following: str, *, fold: str | None) -> None:
    """End with the run's folder and what to type next, which after one fold is the same for the others."""
    from fusion.cli.console import out

    out.print(f"run: {run}", markup=False)
    again = "the same for the other folds, then once without --fold"
    out.print(f"next: {following if fold is None else again}", highlight=False, markup=False)
