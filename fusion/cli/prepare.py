"""``fusion prepare CONFIG``: decode, transform and store the clips of an experiment."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fusion.store.failures import Failure
    from fusion.store.prepare import PrepareReport, Survey

#: Most failed clips that are listed one by one.
LISTED = 30
#: Exit status where not a single entry could be made.
NOTHING_MADE = 65
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
        report = prepare_config(config, overrides or ())
        if report.failures and not report.made and not report.stored:
            raise typer.Exit(NOTHING_MADE)


def prepare_config(config: Path, overrides: list[str] | tuple[str, ...] = ()) -> PrepareReport:
    """Prepare the clips of a config, of the corpora for training too, and say so on the terminal.

    Raises:
        ConfigError: The config is wrong.
        RunError: The disk is full, or a worker process was killed; the same call goes on from there.
    """
    from fusion.catalog import catalog
    from fusion.cli.console import err, out, progress
    from fusion.config.experiment import read_experiment
    from fusion.corpora.loading import load_corpus
    from fusion.store.prepare import prepare
    from fusion.store.store import Store, store_folder

    loaded = read_experiment(config, overrides)
    experiment = loaded.experiment
    corpora = (experiment.corpus, *experiment.training_corpora)
    base, seed = loaded.source.parent, experiment.seed
    clips = [clip for one in corpora for clip in load_corpus(one, catalog=catalog(), base=base, seed=seed)]
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
    for line in summary(report, store.folder):
        out.print(line, markup=False)
    out.print(f"next: fusion finetune {' '.join([str(config), *overrides])}", markup=False)
    return report


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


def summary(report: PrepareReport, folder: Path) -> list[str]:
    """What was done, what is absent and what failed, in lines."""
    lines = [f"{_number(report.made, 'entry', 'entries')} made in {report.seconds:.0f} s, {report.stored} were there"]
    lines += [f"  {stream}: nothing for it in {_number(count, 'clip')}" for stream, count in report.absent.items()]
    if report.failures:
        lines.append(f"{report.failed_clips} of {_number(report.clips, 'clip')} failed; the job went on")
        by_clip: dict[str, list[Failure]] = {}
        for failure in report.failures:
            by_clip.setdefault(failure.clip, []).append(failure)
        width = max(len(clip) for clip in list(by_clip)[:LISTED])
        for clip, failures in list(by_clip.items())[:LISTED]:
            reasons: dict[str, list[str]] = {}
            for failure in failures:
                reasons.setdefault(failure.reason, []).append(failure.stream)
            for reason, streams in reasons.items():
                lines.append(f"    {clip:<{width}}   {', '.join(streams)}: {reason}")
        if len(by_clip) > LISTED:
            lines.append(f"    and {len(by_clip) - LISTED} more, in {folder / 'failures.jsonl'}")
    return lines


def _number(count: int, one: str, several: str | None = None) -> str:
    return f"{count} {one if count == 1 else several or one + 's'}"
