"""The job ``finetune``: streams one by one, heads on their stored outputs, the chosen model tuned and saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from fusion.catalog import Catalog
from fusion.catalog import catalog as installed_catalog
from fusion.catalog.single_files import described
from fusion.config.models import CorpusSettings, Experiment
from fusion.contract import Aggregator, Clip, ConfigError, DataError, Problem, RunError, Split, Target
from fusion.corpora import load_corpus
from fusion.data.copies import split_rows
from fusion.data.streams import StreamPlan, cautions, plan_streams
from fusion.evaluation.splits import SplitPlan, plan_splits
from fusion.heads.suitability import check_suitability
from fusion.inference.checkpoint import change_temperature
from fusion.store.absences import absences, require_some
from fusion.store.prepare import prepare
from fusion.store.store import Store, store_folder
from fusion.training.fold import FoldResult, train_fold
from fusion.training.job import SplitJob
from fusion.training.label_share import known_takes, only_labelled
from fusion.training.processes import current, joined
from fusion.training.report import Reporter, Silent
from fusion.training.run import Record, known_clips, locked
from fusion.training.split_data import SplitTables, check_label_maps, content_of, split_tables
from fusion.training.stages import check_batches
from fusion.training.start import Held
from fusion.training.tasks import Setting, class_weights

if TYPE_CHECKING:
    from fusion.config.experiment import LoadedExperiment


@dataclass(frozen=True)
class Materials:
    """All that a training job starts from.

    Args:
        known: The takes whose labels are known in training; None where all are.
    """

    loaded: LoadedExperiment
    catalog: Catalog
    plans: Mapping[str, StreamPlan]
    store: Store
    clips: Mapping[str, Clip]
    further: tuple[Clip, ...]
    target: Target
    splits: SplitPlan
    known: frozenset[str] | None

    def tables(self, split: Split) -> SplitTables:
        """A split's parts as tables, further clips in training where they share nothing with what is held back."""
        return split_tables(
            split,
            self.clips,
            self.further,
            plans=self.plans,
            store=self.store,
            target=self.target,
            apart=self.splits.separates,
        )


def finetune(
    loaded: LoadedExperiment,
    folder: Path,
    *,
    start: Path | None = None,
    final: bool = False,
    fold: str | None = None,
    catalog: Catalog | None = None,
    reporter: Reporter | None = None,
) -> Path:
    """Train an experiment, fold by fold; the same call goes on where a killed one stopped.

    Where torchrun or ``fusion finetune --processes`` started several processes, each makes this call, and they train
    together; the first one writes and reports.

    Args:
        loaded: The experiment.
        folder: The run's folder.
        start: A run of the same split (or of strangers) whose streams of the same names are the start.
        final: Train on all speakers instead, for the folds' median best epochs.
        fold: Train this fold only; jobs of other folds may work on the run at the same time, here or on another
            machine that shares the folder. A call without it afterwards finds what is done and finishes the run.
        catalog: Components; the installed ones unless given.
        reporter: Hears what happens.

    Returns:
        The run's folder.

    Raises:
        RunError: The folder is busy or holds another run.
        LeakError: The split or the start would leak.
        DataError: There is nothing to train on.
        ConfigError: There is no such fold, or a batch cannot be dealt out to the processes.
        ProcessLostError: Another process of this job has ended.
    """
    with joined() as world:
        check_batches(loaded.experiment, world, str(loaded.source))
        reporter = reporter if reporter is not None and world.first else Silent()
        with locked(folder, shared=fold is not None):
            materials = gather(loaded, catalog or installed_catalog(), reporter)
            if world.first:
                Record(folder).begin(
                    describe_job(materials, "finetune", start),
                    known_clips([*materials.clips.values(), *materials.further], materials.store.hashes),
                )
            world.wait()
            if final:
                _final(materials, folder, reporter, start)
            elif fold is not None:
                _train_one(materials, folder, fold, reporter, start)
            else:
                _train_all(materials, folder, reporter, start)
    return folder


def _train_all(materials: Materials, folder: Path, reporter: Reporter, start: Path | None) -> None:
    """Train the folds that are not trained yet, and finish the run."""
    first, record = current().first, Record(folder)
    results: dict[str, Any] = {}
    for split in materials.splits.splits:
        results[split.name] = _train(materials, split, folder, reporter, start).to_json()
        if first:
            record.update(finished=list(results))
    if first:
        record.update(status="finished", results=results)


def _train(materials: Materials, split: Split, folder: Path, reporter: Reporter, start: Path | None) -> FoldResult:
    """Train one fold below the run's folder."""
    names = [other.name for other in materials.splits.splits]
    what = "clips" if materials.loaded.experiment.copies is None else "rows"
    reporter.say(
        f"{split.name} ({names.index(split.name) + 1} of {len(names)}): {len(split.train)} {what} to train, "
        f"{len(split.validation)} to validate, {len(split.test)} to test"
    )
    return train_fold(_job(materials, split, folder / split.name, reporter, start))


def _train_one(materials: Materials, folder: Path, fold: str, reporter: Reporter, start: Path | None) -> None:
    """Train a fold by name, while other processes may train others."""
    splits = {split.name: split for split in materials.splits.splits}
    if fold not in splits:
        problem = Problem("--fold", f"there is no fold '{fold}'   (folds: {', '.join(splits)})")
        raise ConfigError(str(materials.loaded.source), [problem])
    with locked(folder / fold):
        _train(materials, splits[fold], folder, reporter, start)


def gather(
    loaded: LoadedExperiment,
    catalog: Catalog,
    reporter: Reporter,
    *,
    further: Sequence[CorpusSettings] = (),
    unlabelled: bool = False,
) -> Materials:
    """Read corpora, build streams, prepare what is missing, and split.

    Args:
        loaded: The experiment.
        catalog: Components.
        reporter: Hears what happens.
        further: Corpora for training besides those of the experiment.
        unlabelled: Whether the job can do without labels: the target may be ``none``, and clips of further corpora
            take part whatever their labels are.

    Raises:
        ConfigError: There is nothing to predict, or a further corpus has no label map.
        DataError: No clip has a label of the target.
    """
    experiment = loaded.experiment
    target: Target = catalog.build("target", experiment.target)
    if not unlabelled:
        check_label_maps(experiment.training_corpora)
        if not target.names:
            raise ConfigError(
                str(loaded.source), [Problem("target.name", "there is nothing to predict; name a target")]
            )
    check_suitability(experiment, target, catalog, str(loaded.source))
    plans = plan_streams(experiment, catalog)
    base = loaded.source.parent
    making = partial(reporter.progress, "generate")
    corpora = [
        load_corpus(one, catalog=catalog, base=base, seed=experiment.seed, making=making)
        for one in (experiment.corpus, *experiment.training_corpora, *further)
    ]
    clips, *corpora = corpora
    others = [clip for corpus in corpora for clip in corpus]
    store = Store(store_folder(experiment.prepare))
    if current().first:
        _prepare(experiment, [*clips, *others], plans, catalog=catalog, store=store, reporter=reporter)
    current().wait()
    labelled = {clip.id: clip for clip in clips if target.encode(clip.labels) is not None}
    if not labelled:
        raise DataError(
            "no clip has a label of the target",
            where=f"corpus {experiment.corpus.name}",
            remedy="see target.label, or map labels under corpus.labels",
        )
    if len(labelled) < len(clips):
        reporter.say(f"{len(clips) - len(labelled)} of {len(clips)} clips have no label and are not used")
    labelled = {clip.id: clip for clip in split_rows(experiment, list(labelled.values()), target)}
    splits = plan_splits(experiment, list(labelled.values()), catalog, further=bool(further))
    for note in (*splits.notes, *cautions(plans)):
        reporter.say(note)
    if unlabelled:
        corpora = [[_without_foreign_labels(clip, target) for clip in corpus] for corpus in corpora]
        others = [clip for corpus in corpora for clip in corpus]
    known = known_takes([labelled.values(), *corpora], target, experiment.label_share, experiment.seed)
    usable = tuple(clip for clip in others if unlabelled or target.encode(clip.labels) is not None)
    return Materials(loaded, catalog, plans, store, labelled, usable, target, splits, known)


def _without_foreign_labels(clip: Clip, target: Target) -> Clip:
    """The clip; without labels where they are not the target's, which a job that needs none can do without."""
    try:
        target.encode(clip.labels)
    except DataError:
        return replace(clip, labels={})
    return clip


def _prepare(
    experiment: Experiment,
    clips: Sequence[Clip],
    plans: Mapping[str, StreamPlan],
    *,
    catalog: Catalog,
    store: Store,
    reporter: Reporter,
) -> None:
    with reporter.progress("prepare", len(clips)) as advance:
        prepare(experiment, clips, catalog=catalog, store=store, progress=advance)
    found = absences(clips, plans, store)
    require_some(found, experiment.corpus.name)
    for absence in found:
        for line in absence.lines:
            reporter.say(f"  {line}")


def describe_job(materials: Materials, job: str, start: Path | None) -> dict[str, Any]:
    """The part of a run's record that identifies it."""
    clips = [*materials.clips.values(), *materials.further]
    splits = materials.splits
    return {
        "job": job,
        "config": materials.loaded.data,
        "source": str(materials.loaded.source),
        "folder": str(Path.cwd()),
        "overrides": list(materials.loaded.overrides),
        "start": None if start is None else str(start.resolve()),
        "seed": materials.loaded.experiment.seed,
        "folds": [split.name for split in splits.splits],
        "split": {
            "hash": splits.hash,
            "protocol": dict(splits.protocol),
            "leaking": splits.leaking,
            "guarantee": splits.guarantee,
            "notes": list(splits.notes),
        },
        "data": {
            "clips": len(materials.clips),
            "further": len(materials.further),
            "speakers": sorted({clip.speaker for clip in clips if clip.speaker}),
            "rights": sorted({clip.rights for clip in clips if clip.rights}),
            "generated": any(clip.generated for clip in clips),
            "streams": {name: plan.key for name, plan in materials.plans.items()},
            "cautions": cautions(materials.plans),
        },
        "plugins": described(materials.catalog.files),
    }


def _job(materials: Materials, split: Split, folder: Path, reporter: Reporter, start: Path | None) -> SplitJob:
    """What training one split needs."""
    tables = materials.tables(split)
    if tables.note:
        reporter.say(tables.note)
    train = only_labelled(tables.train, materials.known)
    if len(train.clips) < len(tables.train.clips):
        reporter.say(f"{len(train.clips)} of {len(tables.train.clips)} training clips keep their labels and are used")
    tables = replace(tables, train=train)
    return SplitJob(
        materials.loaded.experiment,
        materials.catalog,
        tables,
        split,
        folder,
        setting=make_setting(materials, tables.train.targets),
        cautions=cautions(materials.plans),
        reporter=reporter,
        split_hash=materials.splits.hash,
        guarantee=materials.splits.guarantee,
        held=[
            Held(clip.id, clip.speaker, content_of(clip, materials.store.hashes))
            for table in (tables.validation, tables.test)
            for clip in table.clips
        ],
        start=start,
    )


def make_setting(materials: Materials, targets: np.ndarray[Any, np.dtype[np.float32]]) -> Setting:
    """What all tasks of a split share; the prior and class weights are those of its training part."""
    experiment = materials.loaded.experiment
    settings = experiment.finetune
    if settings.balance != "none" and materials.target.kind == "dimensions":
        problem = Problem("finetune.balance", "dimensions have no classes to balance; use none")
        raise ConfigError(str(materials.loaded.source), [problem])
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    aggregator: Aggregator = materials.catalog.build("aggregator", experiment.aggregator)
    low = settings.precision == "bfloat16" or (settings.precision == "auto" and device.type == "cuda")
    weights = class_weights(targets) if settings.balance == "weights" else None
    return Setting(
        target=materials.target,
        aggregator=aggregator,
        prior=targets.mean(axis=0).astype(np.float64),
        device=device,
        seed=experiment.seed,
        window=experiment.window,
        workers=settings.workers,
        autocast=torch.bfloat16 if low else None,
        class_weights=None if weights is None else weights.to(device),
        world=current(),
    )


def _final(materials: Materials, folder: Path, reporter: Reporter, start: Path | None) -> None:
    """All clips train; how long, and which row, the folds have said."""
    record = Record(folder).read()
    if record["status"] != "finished":
        raise RunError(
            "has unfinished folds, which say how long the final model trains",
            where=str(folder),
            remedy="run finetune without --final first",
        )
    folds = [FoldResult(**result) for result in record["results"].values()]
    stages = sorted({stage for fold in folds for stage in fold.epochs})
    epochs = {stage: max(1, round(median(f.epochs[stage] for f in folds if stage in f.epochs))) for stage in stages}
    headline = _commonest([fold.headline for fold in folds])
    tuned = [fold.tuned for fold in folds if fold.tuned is not None]
    temperatures = [fold.temperatures[headline] for fold in folds if headline in fold.temperatures]
    split = Split("final", tuple(sorted(materials.clips)), (), ())
    lengths = ", ".join(f"{stage.removeprefix('stream:')} {count}" for stage, count in epochs.items())
    reporter.say(f"final: {len(split.train)} clips of all speakers; row {headline}; epochs: {lengths}")
    job = replace(
        _job(materials, split, folder / "final", reporter, start),
        epochs=epochs,
        headline=headline,
        tuned=_commonest(tuned) if tuned else None,
    )
    result = train_fold(job)
    if job.setting.world.first:
        # Nothing is left to fit a temperature on: it is the one that the folds had.
        change_temperature(folder / "final" / "model", float(median(temperatures)) if temperatures else 1.0)
        Record(folder).update(final=result.to_json())
    reporter.say(f"final model: {folder / 'final' / 'model'} ({result.summary()})")


def _commonest(names: Sequence[str]) -> str:
    """The name that occurs most often; the first in the alphabet of several."""
    return max(sorted(set(names)), key=names.count)
