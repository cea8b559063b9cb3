"""What pretraining is worth: the same fine-tuning from several starts, at several shares of the labels.

Every cell of the grid is an ordinary run: pretrained, fine-tuned and evaluated as its commands would do it, and found
again when the job is repeated.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from contrastive.pretrain import pretrain, read_settings
from fusion.catalog import Catalog
from fusion.catalog import catalog as installed_catalog
from fusion.config.experiment import LoadedExperiment, job_folder, read_experiment
from fusion.contract import ConfigError, Problem
from fusion.evaluation.evaluate import Evaluation, evaluate
from fusion.inference.files import read_json
from fusion.training.finetune import finetune, gather
from fusion.training.report import Reporter, Silent

#: By name of a start, what it sets; settings of the config's own that it does not name stay.
STARTS: Mapping[str, tuple[str, ...]] = {
    "margin": (
        "pretrain.objective={name: margin, normalise: true}",
        "pretrain.pairs={positive: 1, other_emotion: 1, same_emotion: 1}",
    ),
    "margin_without_same_emotion": (
        "pretrain.objective={name: margin, normalise: true}",
        "pretrain.pairs={positive: 1, other_emotion: 1, same_emotion: 0}",
    ),
    "infonce": (
        "pretrain.objective={name: infonce}",
        "pretrain.pairs={positive: 1, other_emotion: 1, same_emotion: 1}",
    ),
    "infonce_without_same_emotion": (
        "pretrain.objective={name: infonce, leave_out: [same_emotion]}",
        "pretrain.pairs={positive: 1, other_emotion: 1, same_emotion: 0}",
    ),
    "supervised_contrastive": (
        "pretrain.objective={name: supervised_contrastive}",
        "pretrain.pairs={positive: 1, other_emotion: 1, same_emotion: 1}",
    ),
}
#: The start that all others are held against, and the one that begins with another run.
SCRATCH, AFTER = "scratch", "after"


@dataclass(frozen=True)
class Cell:
    """One start at one share of the labels.

    Args:
        start: Its name.
        share: Of the training takes with known labels.
        loaded: The experiment.
        pretrained: Where its pretraining lies; None from scratch.
        after: The run that pretraining begins with.
        run: Where its fine-tuning lies.
    """

    start: str
    share: float
    loaded: LoadedExperiment
    pretrained: Path | None
    after: Path | None
    run: Path


@dataclass(frozen=True)
class Grid:
    """All cells of an experiment, those of one share side by side, from scratch first.

    Args:
        source: The config.
        overrides: On top of it, for all cells.
        starts: Names of starts besides scratch.
        shares: Of the labels, the smallest first.
        after: A run that the config's own pretraining begins with in one more start; None for no such start.
    """

    source: Path
    overrides: tuple[str, ...]
    starts: tuple[str, ...]
    shares: tuple[float, ...]
    after: Path | None = None

    def cells(self, catalog: Catalog) -> list[Cell]:
        """Every cell, with where its runs lie.

        Raises:
            ConfigError: The config does not fit, or its target is not one class of several.
        """
        names = (SCRATCH, *self.starts, *((AFTER,) if self.after is not None else ()))
        return [self._cell(name, share, catalog) for share in sorted(self.shares) for name in names]

    def _cell(self, name: str, share: float, catalog: Catalog) -> Cell:
        own = () if share == 1.0 else (f"label_share={share:g}",)
        loaded = read_experiment(self.source, (*self.overrides, *STARTS.get(name, ()), *own), catalog=catalog)
        target = catalog.build("target", loaded.experiment.target)
        if target.kind != "single" or not target.names:
            why = "starts are compared by how often one class of several is found; name such a target"
            raise ConfigError(str(self.source), [Problem("target", why)])
        if name == SCRATCH:
            return Cell(name, share, loaded, None, None, job_folder(loaded, "finetune"))
        after = self.after if name == AFTER else None
        pretrained = job_folder(loaded, "pretrain", start=after)
        return Cell(name, share, loaded, pretrained, after, job_folder(loaded, "finetune", start=pretrained))


def compare_starts(
    grid: Grid, *, catalog: Catalog | None = None, reporter: Reporter | None = None
) -> list[tuple[Cell, Evaluation]]:
    """Run what is missing of a grid, after saying how long that will take; the same call goes on after a kill.

    Args:
        grid: The cells.
        catalog: Components; the installed ones unless given.
        reporter: Hears what happens.

    Raises:
        FusionError: As ``pretrain``, ``finetune`` and ``evaluate`` raise.
    """
    catalog, reporter = catalog or installed_catalog(), reporter or Silent()
    cells = grid.cells(catalog)
    missing = [cell for cell in cells if not _scored(cell).is_file()]
    reporter.say(f"{len(cells)} cells, {len(missing)} of them to do")
    if missing:
        reporter.say(_budget(missing, measure(missing, catalog)))
    return [(cell, _run(cell, number, len(cells), catalog, reporter)) for number, cell in enumerate(cells, 1)]


def _scored(cell: Cell) -> Path:
    return cell.run / "evaluation" / "results.json"


def _run(cell: Cell, number: int, count: int, catalog: Catalog, reporter: Reporter) -> Evaluation:
    """One cell's score, from its runs as far as they are there."""
    if _scored(cell).is_file():
        return Evaluation(_scored(cell).parent, read_json(_scored(cell)))
    reporter.say(f"cell {number} of {count}: {cell.start}, {cell.share:.0%} of the labels; run {cell.run}")
    if cell.pretrained is not None:
        pretrain(cell.loaded, cell.pretrained, start=cell.after, catalog=catalog, reporter=reporter)
    finetune(cell.loaded, cell.run, start=cell.pretrained, catalog=catalog, reporter=reporter)
    return evaluate(cell.run, catalog=catalog, reporter=reporter)


@dataclass(frozen=True)
class Pace:
    """How long the parts of a cell take, in seconds: an epoch by stream, one of pretraining, all else of a fold."""

    folds: int
    streams: Mapping[str, float]
    pretraining: float
    rest: float


def measure(cells: Sequence[Cell], catalog: Catalog) -> Pace:
    """Train one epoch of everything in one fold, in a folder that is thrown away.

    Clips are prepared before, so that what is measured is training.
    """
    first = max(cells, key=lambda cell: (cell.share, cell.pretrained is not None))
    folds = [split.name for split in gather(first.loaded, catalog, Silent()).splits.splits]
    streams = list(first.loaded.experiment.streams)
    short = (
        *first.loaded.overrides,
        "finetune.epochs=1",
        *(f"streams.{name}.training.epochs=1" for name in streams),
        "finetune.joint.epochs=0",
        "pretrain.epochs=1",
    )
    loaded = read_experiment(first.loaded.source, short, catalog=catalog)
    with tempfile.TemporaryDirectory() as folder:
        run, pretrained = Path(folder) / "finetune", Path(folder) / "pretrain"
        begun = perf_counter()
        finetune(loaded, run, fold=folds[0], catalog=catalog)
        rest = perf_counter() - begun
        epochs = {name: _epoch_seconds(run / folds[0] / "streams" / name) for name in streams}
        pretraining = 0.0
        if first.pretrained is not None:
            pretrain(loaded, pretrained, fold=folds[0], catalog=catalog)
            pretraining = _epoch_seconds(pretrained / folds[0])
    return Pace(len(folds), epochs, pretraining, rest - sum(epochs.values()))


def _budget(cells: Sequence[Cell], pace: Pace) -> str:
    """How long cells take at most, as a sentence."""
    total = sum(_seconds(cell, pace) for cell in cells)
    return (
        f"at most {total / 60:.0f} minutes, by one epoch of each part on this machine as it is now: {len(cells)} cells "
        f"of {pace.folds} folds; less where training stops early or shares of labels are small"
    )


def _seconds(cell: Cell, pace: Pace) -> float:
    experiment = cell.loaded.experiment
    epochs: dict[str, int] = {
        name: stream.training.get("epochs", experiment.finetune.epochs) for name, stream in experiment.streams.items()
    }
    fold = pace.rest + sum(epochs[name] * seconds for name, seconds in pace.streams.items())
    if cell.pretrained is not None:
        fold += pace.pretraining * read_settings(cell.loaded, installed_catalog()).epochs
    return pace.folds * fold


def _epoch_seconds(folder: Path) -> float:
    """The length of the one epoch that was trained in a folder, if any was."""
    log = folder / "log.csv"
    if not log.is_file():
        return 0.0
    with log.open(encoding="utf-8", newline="") as file:
        return sum(float(row["seconds"]) for row in csv.DictReader(file))
