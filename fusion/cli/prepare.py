"""``fusion prepare CONFIG``: decode, transform and store the clips of an experiment."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fusion.store.absences import Absence
    from fusion.store.prepare import PrepareReport, Survey

#: Exit status after an interrupt, as shells have it.
INTERRUPTED = 130


def add(app: typer.Typer) -> None:
    """Add the command to the program."""

    @app.command("prepare")
    def prepare_command(
        config: Annotated[Path, typer.Argument(help="An experiment.")],
        overrides: Annotated[list[str] | None, typer.Argument(help="Changes to it, such as prepare.workers=4.")] = None,
    ) -> None:
        """Decode, transform and store what an experiment needs; what is stored already is left alone."""
        prepare_config(config, overrides or ())


def prepare_config(config: Path, overrides: list[str] | tuple[str, ...] = ()) -> None:
    """Prepare the clips of a config, of the corpora for training too, and say so on the terminal.

    Raises:
        ConfigError: The config is wrong.
        RunError: The disk is full, or a worker process was killed; the same call goes on from there.
        DataError: No clip has one of the streams.
    """
    from fusion.catalog import catalog
    from fusion.cli.console import err, making, out, progress
    from fusion.config.experiment import read_experiment
    from fusion.corpora.loading import load_corpus
    from fusion.data.streams import plan_streams
    from fusion.store.absences import absences, require_some
    from fusion.store.prepare import prepare
    from fusion.store.store import Store, store_folder

    loaded = read_experiment(config, overrides)
    experiment = loaded.experiment
    corpora = (experiment.corpus, *experiment.training_corpora)
    base, seed = loaded.source.parent, experiment.seed
    loaded_corpora = (load_corpus(one, catalog=catalog(), base=base, seed=seed, making=making) for one in corpora)
    clips = [clip for corpus in loaded_corpora for clip in corpus]
    store = Store(store_folder(experiment.prepare))
    err.print(
        f"prepare {config}: {_number(len(clips), 'clip')}, streams {', '.join(experiment.streams)}; {store.folder}"
    )

    with ExitStack() as stack:
        bar = None

        def announce(found: Survey) -> None:
            nonlocal bar
            err.print(f"  {describe(found, experiment.prepare.workers)}")
            if found.tasks:
                bar = stack.enter_context(progress("prepare", len(clips), "clips"))

        def advance(count: int = 1, *, note: str | None = None) -> None:
            if bar is not None:
                bar(count, note=note)

        try:
            report = prepare(experiment, clips, catalog=catalog(), store=store, progress=advance, announce=announce)
        except KeyboardInterrupt:
            stack.close()
            err.print("stopped; the same command goes on from here")
            raise typer.Exit(INTERRUPTED) from None
    found = absences(clips, plan_streams(experiment, catalog()), store)
    for line in summary(report, found, store.folder):
        out.print(line, markup=False)
    require_some(found, experiment.corpus.name)
    out.print(f"next: {shlex.join(['fusion', 'finetune', str(config), *overrides])}", markup=False)


def describe(found: Survey, workers: int) -> str:
    """What is going to be done, in one line."""
    if not found.tasks:
        return "everything is stored already" if not found.unreadable else "nothing can be done: files are missing"
    stored = (
        f"{found.stored} of {found.clips * len(found.streams)} entries are stored already; " if found.stored else ""
    )
    processes = _number(workers, "process", "processes") if workers and len(found.tasks) > 1 else "this process"
    return (
        f"{stored}{_number(len(found.tasks), 'clip')} to do: {_number(found.files, 'file')}, "
        f"{found.size / 1e6:,.1f} MB, by {processes}"
    )


def summary(report: PrepareReport, found: Sequence[Absence], folder: Path) -> list[str]:
    """What was done, what is absent and what failed, in lines."""
    lines = [f"{_number(report.made, 'entry', 'entries')} made in {report.seconds:.0f} s, {report.stored} were there"]
    for absence in found:
        lines += [f"  {line}" for line in absence.lines]
    if report.failures:
        lines.append(
            f"{report.failed_clips} of {_number(report.clips, 'clip')} failed in part or whole; the job went on; "
            f"all of them: {folder / 'failures.jsonl'}"
        )
    return lines


def _number(count: int, one: str, several: str | None = None) -> str:
    return f"{count} {one if count == 1 else several or one + 's'}"
