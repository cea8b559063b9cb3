"""The job ``pretrain``: streams against each other, fold by fold, saved as streams to start from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from contrastive.fold import FoldJob
from contrastive.pairs import PairKind
from contrastive.segments import at_their_time
from contrastive.settings import Pretrain
from fusion.catalog import Catalog
from fusion.catalog import catalog as installed_catalog
from fusion.contract import ConfigError, Problem, RunError, Split
from fusion.data.streams import plan_streams
from fusion.training.finetune import Materials, describe_job, gather
from fusion.training.processes import joined
from fusion.training.report import Reporter, Silent
from fusion.training.run import Record, known_clips, locked

if TYPE_CHECKING:
    from fusion.config.experiment import LoadedExperiment


def pretrain(
    loaded: LoadedExperiment,
    folder: Path,
    *,
    start: Path | None = None,
    fold: str | None = None,
    final: bool = False,
    catalog: Catalog | None = None,
    reporter: Reporter | None = None,
) -> Path:
    """Pretrain an experiment's streams on pairs, one child for each fold; the same call goes on after a kill.

    Where torchrun or ``fusion pretrain --processes`` started several processes, each makes this call, and they train
    together; the first one writes and reports.

    Args:
        loaded: The experiment; its section ``pretrain`` holds the settings.
        folder: The run's folder.
        start: A run of the same split, or of strangers, whose streams of the same names are the start.
        fold: Pretrain this fold only; jobs of other folds may work on the run at the same time.
        final: Pretrain on all clips instead, for the folds' median best epoch.
        catalog: Components; the installed ones unless given.
        reporter: Hears what happens.

    Returns:
        The run's folder; ``finetune --from`` starts from it fold by fold.

    Raises:
        ConfigError: The settings do not fit the streams, the objective or the processes.
        DataError: No clip has both sides of a pair, or there are too few clips.
        LeakError: The split or the start would leak.
        RunError: The folder is busy or holds another run.
        ProcessLostError: Another process of this job has ended.
    """
    catalog = catalog or installed_catalog()
    settings, pairs = check_settings(loaded, catalog)
    source = str(loaded.source)
    with joined() as world:
        world.slice_of(settings.batch, "pretrain.batch")
        reporter = reporter if reporter is not None and world.first else Silent()
        with locked(folder, shared=fold is not None):
            materials = gather(loaded, catalog, reporter, further=settings.corpora, unlabelled=True)
            materials = _in_step(materials, pairs, reporter)
            record = Record(folder)
            if world.first:
                clips = known_clips([*materials.clips.values(), *materials.further], materials.store.hashes)
                record.begin(describe_job(materials, "pretrain", start), clips)
            world.wait()
            job = FoldJob(materials, settings, pairs, folder, start, world, reporter)
            splits = {split.name: split for split in materials.splits.splits}
            if final:
                _final(job, record)
            elif fold is None:
                results = {name: job.pretrain(split) for name, split in splits.items()}
                if world.first:
                    record.update(status="finished", results=results)
            elif fold in splits:
                with locked(folder / fold):
                    job.pretrain(splits[fold])
            else:
                problem = Problem("--fold", f"there is no fold '{fold}'   (folds: {', '.join(splits)})")
                raise ConfigError(source, [problem])
    return folder


def _in_step(materials: Materials, pairs: Sequence[tuple[str, str]], reporter: Reporter) -> Materials:
    """The materials with streams that no augmentation moves in time; says what is left out."""
    plans = dict(materials.plans)
    for name in dict.fromkeys(name for pair in pairs for name in pair):
        plans[name], moved = at_their_time(plans[name])
        if moved:
            reporter.say(f"{name}: {' and '.join(moved)} would part it from the other streams and are left out")
    return replace(materials, plans=plans)


def _final(job: FoldJob, record: Record) -> None:
    """All clips train; how long, the folds have said."""
    known = record.read()
    if known["status"] != "finished":
        raise RunError(
            "has unfinished folds, which say how long the final streams train",
            where=str(job.folder),
            remedy="run pretrain without --final first",
        )
    epochs = max(1, round(median(figures["epoch"] for figures in known["results"].values())))
    job.pretrain(Split("final", tuple(sorted(job.materials.clips)), (), ()), stop=epochs)


def read_settings(loaded: LoadedExperiment, catalog: Catalog) -> Pretrain:
    """The section ``pretrain`` of an experiment, every option with its value."""
    settings: Pretrain = catalog.options("command", "pretrain", loaded.experiment.pretrain)
    return settings


def check_settings(loaded: LoadedExperiment, catalog: Catalog) -> tuple[Pretrain, tuple[tuple[str, str], ...]]:
    """The section ``pretrain`` and the pairs of streams, after all checks that need no clips.

    Raises:
        ConfigError: They do not fit the streams or the objective.
    """
    settings = read_settings(loaded, catalog)
    source = str(loaded.source)
    pairs = stream_pairs(settings, list(loaded.experiment.streams), source)
    check_mining(settings, catalog, source)
    check_segments(settings, loaded, pairs, catalog)
    return settings, pairs


def check_mining(settings: Pretrain, catalog: Catalog, source: str) -> None:
    """Whether all that is mined are negatives of the objective.

    Raises:
        ConfigError: They belong together, or the objective compares drawn pairs and the mix draws none of them.
    """
    name = settings.objective["name"]
    objective: Any = catalog.load("objective", name)
    problems = []
    for kind in settings.mining:
        if PairKind[kind.upper()] in getattr(objective, "partners", ()):
            why = f"'{name}' draws these pairs together, so that they are no negatives to mine; leave it out"
        elif objective.pairs == "drawn" and not settings.pairs.get(kind, 0):
            why = f"'{name}' compares what the mix holds, and it holds none of these; add pairs.{kind} or leave it out"
        else:
            continue
        problems.append(Problem(f"pretrain.mining.{kind}", why))
    if problems:
        raise ConfigError(source, problems)


def check_segments(
    settings: Pretrain, loaded: LoadedExperiment, pairs: Sequence[tuple[str, str]], catalog: Catalog
) -> None:
    """Whether there are segments to compare.

    Raises:
        ConfigError: Windows have no length of their own, or a stream shows the whole clip in each.
    """
    if settings.segments is None:
        return
    problems = []
    if loaded.experiment.window.seconds == "clip":
        why = "windows of whole clips have no length in common to be divided; set window.seconds"
        problems.append(Problem("pretrain.segments", why))
    plans = plan_streams(loaded.experiment, catalog)
    for name in dict.fromkeys(name for pair in pairs for name in pair):
        if plans[name].modality.extent == "clip":
            why = f"'{name}' shows its whole clip in each window, without segments; leave it out of pretrain.between"
            problems.append(Problem("pretrain.segments", why))
    if problems:
        raise ConfigError(str(loaded.source), problems)


def stream_pairs(settings: Pretrain, streams: Sequence[str], source: str) -> tuple[tuple[str, str], ...]:
    """The pairs of streams that are compared.

    Raises:
        ConfigError: There is one stream only, or a pair names no stream or one twice.
    """
    problems = []
    if len(streams) < 2:
        problems.append(Problem("streams", f"pretraining compares streams, and there is only '{streams[0]}'"))
    for place, pair in enumerate(settings.between):
        unknown = [name for name in pair if name not in streams]
        if unknown:
            problems.append(
                Problem(f"pretrain.between.{place}", f"'{unknown[0]}' is no stream   (streams: {', '.join(streams)})")
            )
        elif pair[0] == pair[1]:
            problems.append(Problem(f"pretrain.between.{place}", f"'{pair[0]}' cannot be compared with itself"))
    if problems:
        raise ConfigError(source, problems)
    return settings.between or tuple(combinations(streams, 2))
