"""``fusion pretrain CONFIG``: streams against each other, by pairs of windows."""

from __future__ import annotations

import shlex
from pathlib import Path

import typer

from fusion.cli.training import Config, Final, Fold, Overrides, Processes, Start, counted, say_where, training_job


def add(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="pretrain")(pretrain)


def pretrain(
    context: typer.Context,
    config: Config,
    overrides: Overrides = None,
    *,
    start: Start = None,
    fold: Fold = None,
    final: Final = False,
    processes: Processes = 1,
) -> None:
    """Pretrain an experiment's streams on pairs with negatives by kind, fold by fold."""
    with training_job(context, fold=fold, final=final, processes=processes):
        _pretrain(config, overrides or [], start=start, fold=fold, final=final)


def _pretrain(config: Path, overrides: list[str], *, start: Path | None, fold: str | None, final: bool) -> None:
    from contrastive.pretrain import pretrain as run_job
    from contrastive.pretrain import read_settings, stream_pairs
    from fusion.catalog import catalog
    from fusion.cli.reporting import TerminalReporter
    from fusion.config.experiment import job_folder, read_experiment

    loaded = read_experiment(config, overrides)
    folder = job_folder(loaded, "pretrain", start=start)
    settings = read_settings(loaded, catalog())
    pairs = stream_pairs(settings, list(loaded.experiment.streams), str(config))
    reporter = TerminalReporter()
    mix = ", ".join(f"{kind} {count}" for kind, count in settings.pairs.items() if count)
    reporter.say(
        f"pretrain {config}: {', '.join(' and '.join(pair) for pair in pairs)}; objective "
        f"{settings.objective['name']}; pairs {mix}; up to {counted(settings.epochs, 'epoch')}; run {folder}"
    )
    run_job(loaded, folder, start=start, fold=fold, final=final, reporter=reporter)
    words = ["fusion finetune", str(config), *(shlex.quote(one) for one in overrides), "--from", str(folder)]
    say_where(folder, " ".join([*words, "--final"] if final else words), fold=fold)
