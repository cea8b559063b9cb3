"""``fusion finetune CONFIG``: train streams, heads and the model to use."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer


def add(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="finetune")(finetune)


def finetune(
    context: typer.Context,
    config: Annotated[Path, typer.Argument(help="The experiment (YAML).", show_default=False)],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Settings on top: a.b.c=value.", show_default=False)
    ] = None,
    *,
    start: Annotated[Path | None, typer.Option("--from", help="A run whose streams are the start.")] = None,
    fold: Annotated[
        str | None,
        typer.Option("--fold", help="Train this fold only; others may run beside it.", show_default=False),
    ] = None,
    final: Annotated[bool, typer.Option("--final", help="Train on all speakers, as long as the folds say.")] = False,
    processes: Annotated[int, typer.Option("--processes", min=1, help="Train in so many processes.")] = 1,
) -> None:
    """Train streams one by one, heads on their stored outputs, and save a model for every fold."""
    from fusion.cli.launching import launch, taking_part

    if final and fold is not None:
        raise typer.BadParameter("a final model is of all folds; leave --fold out")
    if processes > 1:
        launch(processes, context.find_root().obj)
    with taking_part():
        _finetune(config, overrides or [], start=start, fold=fold, final=final)


def _finetune(config: Path, overrides: list[str], *, start: Path | None, fold: str | None, final: bool) -> None:
    from fusion.cli.console import out
    from fusion.cli.reporting import TerminalReporter
    from fusion.config.experiment import job_folder, read_experiment
    from fusion.training.finetune import finetune as run_job

    loaded = read_experiment(config, overrides)
    folder = job_folder(loaded, "finetune")
    if start is not None:
        # Another start is another run, as another setting is.
        folder = folder.with_name(f"{folder.name}-from-{sha256(str(start.resolve()).encode()).hexdigest()[:8]}")
    reporter = TerminalReporter()
    experiment = loaded.experiment
    reporter.say(
        f"finetune {config}: streams {', '.join(experiment.streams)}; heads "
        f"{', '.join(head.row for head in experiment.fusion)}; up to {experiment.finetune.epochs} epochs; run {folder}"
    )
    run_job(loaded, folder, start=start, final=final, fold=fold, reporter=reporter)
    out.print(f"run: {folder}")
    if fold is not None:
        out.print("next: the same for the other folds, then once without --fold", highlight=False)
    elif final:
        out.print(f"next: fusion predict {folder} CLIP", highlight=False)
    else:
        out.print(f"next: fusion evaluate {folder}", highlight=False)
