"""``fusion finetune CONFIG``: train streams, heads and the model to use."""

from __future__ import annotations

import shlex
from pathlib import Path

import typer

from fusion.cli.training import Config, Final, Fold, Overrides, Processes, Start, counted, say_where, training_job


def add(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="finetune")(finetune)


def finetune(
    context: typer.Context,
    config: Config,
    overrides: Overrides = None,
    *,
    start: Start = None,
    fold: Fold = None,
    final: Final = False,
    processes: Processes = 1,
) -> None:
    """Train streams one by one, heads on their stored outputs, and save a model for every fold."""
    with training_job(context, fold=fold, final=final, processes=processes):
        _finetune(config, overrides or [], start=start, fold=fold, final=final)


def _finetune(config: Path, overrides: list[str], *, start: Path | None, fold: str | None, final: bool) -> None:
    from fusion.cli.console import out
    from fusion.cli.reporting import TerminalReporter
    from fusion.config.experiment import job_folder, read_experiment
    from fusion.training.finetune import finetune as run_job

    loaded = read_experiment(config, overrides)
    folder = job_folder(loaded, "finetune", start=start)
    reporter = TerminalReporter()
    experiment = loaded.experiment
    epochs = counted(experiment.finetune.epochs, "epoch")
    reporter.say(
        f"finetune {config}: streams {', '.join(experiment.streams)}; heads "
        f"{', '.join(head.row for head in experiment.fusion)}; up to {epochs}; run {folder}"
    )
    run_job(loaded, folder, start=start, final=final, fold=fold, reporter=reporter)
    say_where(folder, f"fusion predict {folder} CLIP" if final else f"fusion evaluate {folder}", fold=fold)
    if not final and fold is None:
        words = ["fusion finetune", str(config), *(shlex.quote(one) for one in overrides)]
        words += ["--from", str(start)] if start is not None else []
        text = f"model: {' '.join(words)} --final trains the one to use, on everybody"
        out.print(text, highlight=False, markup=False)
