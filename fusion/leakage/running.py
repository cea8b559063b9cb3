"""Running what is missing of a table of leakage, after saying how long that will take."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

from fusion.catalog import Catalog
from fusion.catalog import catalog as installed_catalog
from fusion.config.experiment import LoadedExperiment, read_experiment
from fusion.evaluation.evaluate import evaluate, evaluation_of
from fusion.leakage.grid import Cell, Condition, Grid
from fusion.training.finetune import finetune, gather
from fusion.training.loop import logged_seconds
from fusion.training.report import Reporter, Silent, about
from fusion.training.stages import training_settings


def run_grid(grid: Grid, *, catalog: Catalog | None = None, reporter: Reporter | None = None) -> list[Cell]:
    """Train and evaluate every run of a table that is not there yet; the same call goes on after a kill.

    Args:
        grid: The runs.
        catalog: Components; the installed ones unless given.
        reporter: Hears what happens.

    Raises:
        FusionError: As ``finetune`` and ``evaluate`` raise, the first also where a run's folder holds one of another
            config.
    """
    catalog, reporter = catalog or installed_catalog(), reporter or Silent()
    cells = grid.cells(catalog)
    missing = [cell for cell in cells if evaluation_of(cell.run, cell.loaded) is None]
    to_do = {cell.run for cell in missing}
    reporter.say(f"{len(cells)} runs, {len(missing)} of them to do")
    if missing:
        reporter.say(_budget(missing, catalog, reporter))
    for number, cell in enumerate(cells, 1):
        if cell.run in to_do:
            reporter.say(f"run {number} of {len(cells)}: {cell.label}; {cell.run}")
            finetune(cell.loaded, cell.run, catalog=catalog, reporter=reporter)
            evaluate(cell.run, catalog=catalog, reporter=reporter)
    return cells


@dataclass(frozen=True)
class Pace:
    """Seconds of this machine as it is now.

    Args:
        epochs: By stream, of one epoch for each training window.
        rest: Of all else of a fold for each training window.
        busy: Seconds of processors in each of these seconds.
    """

    epochs: Mapping[str, float]
    rest: float
    busy: float


def _budget(cells: Sequence[Cell], catalog: Catalog, reporter: Reporter) -> str:
    """How much work runs are and how long they take, as a sentence; their clips are prepared on the way."""
    windows = _training_windows(cells, catalog, reporter)
    pace = _measure(next((cell for cell in cells if cell.trained is None), cells[0]), catalog)
    splits = sum(len(windows[cell.condition]) for cell in cells)
    total = sum(_seconds(cell, sum(windows[cell.condition]), pace) for cell in cells)
    return (
        f"{about(total)} ({total * pace.busy / 60:.0f} of one processor), by one epoch of each stream "
        f"on this machine as it is now: {len(cells)} runs of {splits} splits in all; less where training stops early"
    )


def _training_windows(cells: Sequence[Cell], catalog: Catalog, reporter: Reporter) -> dict[Condition, list[int]]:
    """By condition, training windows in an epoch of each split."""
    counts: dict[Condition, list[int]] = {}
    shown = set()
    for cell in cells:
        condition = cell.condition
        if condition not in counts:
            # Streams differ from switch to switch, so that only the first run of each has clips to prepare.
            hears = Silent() if condition.switch in shown else _ProgressOnly(reporter)
            shown.add(condition.switch)
            splits = gather(cell.loaded, catalog, hears).splits.splits
            counts[condition] = [len(split.train) * cell.loaded.experiment.window.per_clip for split in splits]
    return counts


class _ProgressOnly:
    """Shows how far clips are prepared; what there is to say is said when a run begins."""

    def __init__(self, reporter: Reporter) -> None:
        self.progress = reporter.progress

    def say(self, text: str) -> None:
        """Drop the line."""


def _measure(cell: Cell, catalog: Catalog) -> Pace:
    """Train one epoch of a run's streams in its first split, in a folder that is thrown away."""
    split = gather(cell.loaded, catalog, Silent()).splits.splits[0]
    windows = len(split.train) * cell.loaded.experiment.window.per_clip
    with tempfile.TemporaryDirectory() as folder:
        run, begun, worked = Path(folder), perf_counter(), process_time()
        finetune(_short(cell), run, fold=split.name, catalog=catalog)
        evaluate(run, fold=split.name, catalog=catalog)
        whole, busy = perf_counter() - begun, process_time() - worked
        epochs = {name: logged_seconds(run / split.name / "streams" / name) for name in cell.loaded.experiment.streams}
    rest = max(whole - sum(epochs.values()), 0.0)
    return Pace({name: seconds / windows for name, seconds in epochs.items()}, rest / windows, busy / whole)


def _short(cell: Cell) -> LoadedExperiment:
    """The run's experiment with one epoch of every stream that it trains."""
    epochs = [f"streams.{name}.training.epochs=1" for name, count in _epochs(cell).items() if count]
    return read_experiment(cell.loaded.source, (*cell.loaded.overrides, *epochs))


def _epochs(cell: Cell) -> dict[str, int]:
    experiment = cell.loaded.experiment
    return {name: training_settings(experiment.finetune, own).epochs for name, own in experiment.streams.items()}


def _seconds(cell: Cell, windows: int, pace: Pace) -> float:
    epochs = sum(count * pace.epochs.get(name, 0.0) for name, count in _epochs(cell).items())
    joint = cell.loaded.experiment.finetune.joint.epochs
    epochs += joint * sum(pace.epochs.get(name, 0.0) for name in cell.loaded.experiment.streams)
    return windows * (epochs + pace.rest)
