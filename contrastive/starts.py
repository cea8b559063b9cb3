"""What pretraining is worth: the same fine-tuning from several starts, at several shares of the labels.

Every cell of the grid is an ordinary run: pretrained, fine-tuned and evaluated as its commands would do it, and found
again when the job is repeated.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from contrastive.pretrain import check_settings, pretrain, read_settings
from fusion.catalog import Catalog
from fusion.catalog import catalog as installed_catalog
from fusion.config.experiment import LoadedExperiment, job_folder, read_experiment
from fusion.config.models import Experiment
from fusion.contract import ConfigError, Problem
from fusion.evaluation.evaluate import Evaluation, evaluate, evaluation_of
from fusion.training.finetune import finetune, gather
from fusion.training.loop import logged_seconds
from fusion.training.report import Reporter, Silent, about

#: The margin loss has no projections, and sequences seldom are of one width: it compares embeddings, as in its paper.
_MARGIN = ("pretrain.objective={name: margin, normalise: true}", "pretrain.segments=null")
#: By name of a start, what it sets; settings of the config's own that it does not name stay.
STARTS: Mapping[str, tuple[str, ...]] = {
    "margin": (*_MARGIN, "pretrain.pairs={positive: 1, other_emotion: 1, same_emotion: 1}"),
    "margin_without_same_emotion": (*_MARGIN, "pretrain.pairs={positive: 1, other_emotion: 1, same_emotion: 0}"),
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
#: Of the labels, unless others are given.
SHARES = (0.25, 0.5, 1.0)
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

    @property
    def job(self) -> str:
        """``compare``, and what tells this grid from that of all starts and shares."""
        if set(self.starts) == set(STARTS) and set(self.shares) == set(SHARES):
            return "compare"
        canonical = json.dumps([sorted(self.starts), sorted(self.shares)])
        return f"compare-{hashlib.sha256(canonical.encode()).hexdigest()[:8]}"

    def cells(self, catalog: Catalog) -> list[Cell]:
        """Every cell, with where its runs lie.

        Raises:
            ConfigError: The config does not fit, has a share of its own, or its target is not one class of several.
        """
        names = (SCRATCH, *self.starts, *((AFTER,) if self.after is not None else ()))
        own = read_experiment(self.source, self.overrides, catalog=catalog).experiment
        problems = []
        if own.label_share != 1.0:
            problems.append(Problem("label_share", "the grid sets it for each cell; leave it out"))
        target = catalog.build("target", own.target)
        if target.kind != "single" or not target.names:
            why = "starts are compared by how often one class of several is found; name such a target"
            problems.append(Problem("target", why))
        if problems:
            raise ConfigError(str(self.source), problems)
        return [self._cell(name, share, catalog) for share in sorted(self.shares) for name in names]

    def _cell(self, name: str, share: float, catalog: Catalog) -> Cell:
        own = () if share == 1.0 else (f"label_share={share!r}",)
        loaded = read_experiment(self.source, (*self.overrides, *STARTS.get(name, ()), *own), catalog=catalog)
        if name == SCRATCH:
            return Cell(name, share, loaded, None, None, job_folder(loaded, "finetune"))
        check_settings(loaded, catalog)
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
        FusionError: As ``pretrain``, ``finetune`` and ``evaluate`` raise, the first two also where a cell's folder
            holds a run of another config.
    """
    catalog, reporter = catalog or installed_catalog(), reporter or Silent()
    cells = grid.cells(catalog)
    missing = [cell for cell in cells if evaluation_of(cell.run, cell.loaded) is None]
    reporter.say(f"{len(cells)} cells, {len(missing)} of them to do")
    if missing:
        reporter.say(_budget(missing, measure(missing, catalog), catalog))
    return [(cell, _run(cell, number, len(cells), catalog, reporter)) for number, cell in enumerate(cells, 1)]


def _run(cell: Cell, number: int, count: int, catalog: Catalog, reporter: Reporter) -> Evaluation:
    """One cell's score, from its runs as far as they are there."""
    before = evaluation_of(cell.run, cell.loaded)
    if before is not None:
        return before
    reporter.say(f"cell {number} of {count}: {cell.start}, {cell.share * 100:g} % of the labels; run {cell.run}")
    if cell.pretrained is not None:
        pretrain(cell.loaded, cell.pretrained, start=cell.after, catalog=catalog, reporter=reporter)
    finetune(cell.loaded, cell.run, start=cell.pretrained, catalog=catalog, reporter=reporter)
    return evaluate(cell.run, catalog=catalog, reporter=reporter)


@dataclass(frozen=True)
class Pace:
    """How long the parts of a cell take, in seconds.

    Args:
        folds: How many.
        epochs: By stream (``joint`` for tuning them together), one epoch of fine-tuning.
        rest: All else of a fold's fine-tuning and evaluation.
        pretraining: By start, one epoch and all else of a fold.
    """

    folds: int
    epochs: Mapping[str, float]
    rest: float
    pretraining: Mapping[str, tuple[float, float]]


def measure(cells: Sequence[Cell], catalog: Catalog) -> Pace:
    """Train one epoch of everything in one fold, in a folder that is thrown away; what cannot work fails here.

    Clips are prepared before, so that what is measured is training. Starts are measured with the most labels.
    """
    largest = max(cell.share for cell in cells)
    starts = {cell.start: cell for cell in cells if cell.share == largest}
    first = next(iter(starts.values()))
    folds = [split.name for split in gather(first.loaded, catalog, Silent()).splits.splits]
    pretraining = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, cell in starts.items():
            if cell.pretrained is not None:
                run, begun = Path(folder) / name, perf_counter()
                pretrain(_short(cell), run, start=cell.after, fold=folds[0], catalog=catalog)
                epoch = logged_seconds(run / folds[0])
                pretraining[name] = (epoch, perf_counter() - begun - epoch)
        run, begun = Path(folder) / "finetune", perf_counter()
        finetune(_short(first), run, fold=folds[0], catalog=catalog)
        evaluate(run, fold=folds[0], catalog=catalog)
        whole = perf_counter() - begun
        epochs = {name: logged_seconds(run / folds[0] / "streams" / name) for name in first.loaded.experiment.streams}
        epochs["joint"] = logged_seconds(run / folds[0] / "tuned")
    return Pace(len(folds), epochs, whole - sum(epochs.values()), pretraining)


def _short(cell: Cell) -> LoadedExperiment:
    """The cell's experiment with one epoch of everything that it trains."""
    own = cell.loaded.experiment
    streams = [f"streams.{name}.training.epochs=1" for name in own.streams if _epochs(own, name) > 0]
    joint = ["finetune.joint.epochs=1"] if own.finetune.joint.epochs else []
    pretraining = ["pretrain.epochs=1"] if cell.pretrained is not None else []
    return read_experiment(cell.loaded.source, (*cell.loaded.overrides, *streams, *joint, *pretraining))


def _epochs(experiment: Experiment, stream: str) -> int:
    epochs: int = experiment.streams[stream].training.get("epochs", experiment.finetune.epochs)
    return epochs


def _budget(cells: Sequence[Cell], pace: Pace, catalog: Catalog) -> str:
    """How long cells take, as a sentence."""
    total = sum(_seconds(cell, pace, catalog) for cell in cells)
    return (
        f"{about(total)}, by one epoch of each part on this machine as it is now: {len(cells)} cells "
        f"of {pace.folds} folds; less where training stops early or shares of labels are small"
    )


def _seconds(cell: Cell, pace: Pace, catalog: Catalog) -> float:
    experiment = cell.loaded.experiment
    fold = pace.rest + experiment.finetune.joint.epochs * pace.epochs["joint"]
    fold += sum(_epochs(experiment, name) * pace.epochs[name] for name in experiment.streams)
    if cell.pretrained is not None:
        epoch, rest = pace.pretraining[cell.start]
        fold += rest + epoch * read_settings(cell.loaded, catalog).epochs
    return pace.folds * fold
