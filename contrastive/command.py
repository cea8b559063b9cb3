"""``fusion pretrain CONFIG``: streams against each other, by pairs of windows."""

from __future__ import annotations

import shlex
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer


def add(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="pretrain")(pretrain)


def pretrain(
    context: typer.Context,
    config: Annotated[Path, typer.Argument(help="The experiment (YAML).", show_default=False)],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Settings on top: a.b.c=value.", show_default=False)
    ] = None,
    *,
    start: Annotated[Path | None, typer.Option("--from", help="A run whose streams are the start.")] = None,
    fold: Annotated[
        str | None,
        typer.Option("--fold", help="Pretrain this fold only; others may run beside it.", show_default=False),
    ] = None,
    final: Annotated[bool, typer.Option("--final", help="Pretrain on all speakers, as long as the folds say.")] = False,
    processes: Annotated[int, typer.Option("--processes", min=1, help="Train in so many processes.")] = 1,
) -> None:
    """Pretrain an experiment's streams on pairs with negatives by kind, fold by fold."""
    from fusion.cli.launching import launch, taking_part

    if final and fold is not None:
        raise typer.BadParameter("final streams are of all folds; leave --fold out")
    if processes > 1:
        launch(processes, context.find_root().obj)
    with taking_part():
        _pretrain(config, overrides or [], start=start, fold=fold, final=final)


def _pretrain(config: Path, overrides: list[str], *, start: Path | None, fold: str | None, final: bool) -> None:
    from contrastive.pretrain import pretrain as run_job
    from contrastive.pretrain import read_settings, stream_pairs
    from fusion.catalog import catalog
    from fusion.cli.console import out
    from fusion.cli.reporting import TerminalReporter
    from fusion.config.experiment import job_folder, read_experiment

    loaded = read_experiment(config, overrides)
    folder = job_folder(loaded, "pretrain")
    if start is not None:
        # Another start is another run, as another setting is.
        folder = folder.with_name(f"{folder.name}-from-{sha256(str(start.resolve()).encode()).hexdigest()[:8]}")
    settings = read_settings(loaded, catalog())
    pairs = stream_pairs(settings, list(loaded.experiment.streams), str(config))
    reporter = TerminalReporter()
    mix = ", ".join(f"{kind} {count}" for kind, count in settings.pairs.items() if count)
    reporter.say(
        f"pretrain {config}: {', '.join(' and '.join(pair) for pair in pairs)}; objective "
        f"{settings.objective['name']}; pairs {mix}; up to {settings.epochs} epochs; run {folder}"
    )
    run_job(loaded, folder, start=start, fold=fold, final=final, reporter=reporter)
    out.print(f"run: {folder}")
    if fold is not None:
        out.print("next: the same for the other folds, then once without --fold", highlight=False)
    else:
        words = ["fusion finetune", str(config), *(shlex.quote(one) for one in overrides), "--from", str(folder)]
        out.print(f"next: {' '.join([*words, '--final'] if final else words)}", highlight=False)
