"""The stages of a split that read clips: each stream alone, all of them tuned with a head, and stored outputs."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from pathlib import Path

from torch import nn

from fusion.config.models import Experiment, FinetuneSettings, StreamSettings, TrainingSettings
from fusion.contract import ConfigError, Problem
from fusion.data.batches import ClipTable
from fusion.data.plan import TrainingPlan, evaluation_windows
from fusion.heads.model import FusionModel, StreamModel
from fusion.inference.described import StreamDescription, build_stream
from fusion.inference.files import write_state
from fusion.training.described import check_described, describe_stream
from fusion.training.heads import FittedHead
from fusion.training.job import TUNED, SplitJob
from fusion.training.loop import Progress, Task, fit
from fusion.training.outputs import PartOutputs, read_part, stream_outputs, write_stream, write_windows
from fusion.training.processes import World
from fusion.training.report import Advance
from fusion.training.start import Beginning, check_alike, load_beginning, read_description, start_of, streams_in
from fusion.training.tasks import MIX_BLOCK, JointTask, Setting, StreamTask, balanced_chances


def training_settings(finetune: FinetuneSettings, stream: StreamSettings) -> TrainingSettings:
    """The settings of a stream: those of finetune, with the stream's own on top."""
    common = FinetuneSettings.model_dump(finetune, include=set(TrainingSettings.model_fields))
    return TrainingSettings.model_validate({**common, **stream.training})


def check_batches(experiment: Experiment, world: World, source: str) -> None:
    """Whether every stage's batches can be dealt out to the processes.

    Raises:
        ConfigError: Some cannot.
    """
    finetune = experiment.finetune
    stages: dict[str, TrainingSettings] = {}
    for name, stream in experiment.streams.items():
        own = f"streams.{name}.training.batch" if "batch" in stream.training else "finetune.batch"
        settings = training_settings(finetune, stream)
        # Streams that share the key may differ in mixup, which asks more of a batch.
        if settings.epochs and (own not in stages or settings.mixup):
            stages[own] = settings
    if finetune.joint.epochs:
        stages["finetune.joint.batch"] = finetune.joint.model_copy(update={"mixup": 0.0})
    problems: list[Problem] = []
    for key, settings in stages.items():
        try:
            rows = world.slice_of(settings.batch, key)
        except ConfigError as error:
            problems += error.problems
            continue
        if world.count > 1 and settings.mixup and (rows.stop - rows.start) % MIX_BLOCK:
            problems.append(
                Problem(
                    key,
                    f"mixup mixes blocks of {MIX_BLOCK} windows, which {world.count} processes would cut through with "
                    f"{settings.batch} windows; take a multiple of {MIX_BLOCK * world.count}",
                )
            )
    if problems:
        raise ConfigError(source, problems)


def train_stream(job: SplitJob, name: str) -> tuple[StreamDescription, StreamModel, Progress | None]:
    """Train one stream by its own linear layer, on the clips that have it; goes on where it was stopped.

    Returns:
        What was fitted, the model with its best weights, and how it went (None where it is not trained).
    """
    settings = job.experiment.streams[name]
    folder = job.folder / "streams" / name
    beginning = _beginning(job, name, settings)
    description = _description(job, name, folder, beginning)
    job.setting.fitted[name] = description.fitted
    model = build_stream(
        settings,
        description.input,
        job.setting.target.names,
        job.catalog,
        address=(job.experiment.seed, "weights", name),
    )
    if beginning is not None:
        load_beginning(model, beginning, job.experiment.target)
    if settings.frozen:
        model.encoder.requires_grad_(False)
    training = training_settings(job.experiment.finetune, settings)
    if training.epochs == 0 or not trainable(model):
        if job.setting.world.first:
            write_state(folder / "best.safetensors", model.state_dict())
        return description, model.eval(), None
    table = job.tables.train.subset([name])
    table = table.subset([name], [k for k in range(len(table.clips)) if table.stored(k, name).absence is None])
    task = StreamTask(
        name,
        model,
        table,
        job.tables.validation.subset([name]) if job.validated else None,
        settings=training,
        setting=job.setting,
        plan=_plan(job, table, training),
        frozen=settings.frozen,
    )
    progress = _fit(job, task, training, folder, stage=f"stream:{name}")
    epochs, best = len(progress.history), progress.best if job.validated else None
    if best is None:
        job.reporter.say(f"  {name}: trained for {epochs} epochs, the last one is kept")
    else:
        said = f"best after epoch {progress.best_epoch + 1} of {epochs}, validation {best.score:.3f}"
        job.reporter.say(f"  {name}: {said}")
    return description, model, progress


def _beginning(job: SplitJob, name: str, settings: StreamSettings) -> Beginning | None:
    """Where a stream starts from; None for new weights.

    A run that is the start of all streams may lack some of them, as a pretraining of only two does: these begin anew.
    """
    origin = settings.weights or job.start
    if origin is None:
        return None
    if settings.weights is None:
        held = streams_in(Path(origin), job.split, job.split_hash)
        if name not in held and held & set(job.experiment.streams):
            job.reporter.say(f"  {name}: {origin} has no such stream; it begins with new weights")
            return None
    beginning = start_of(Path(origin), name, job.split, job.split_hash, job.held)
    check_alike(beginning, name, job.experiment)
    return beginning


def _description(job: SplitJob, name: str, folder: Path, beginning: Beginning | None) -> StreamDescription:
    """What was fitted before, or is fitted now; kept beside the stream's weights."""
    file = folder / "description.safetensors"
    world = job.setting.world
    if world.shared(beginning is None and file.exists()):
        return read_description(folder)
    if not world.first:
        world.wait()
        return read_description(folder)
    if beginning is not None:
        description = read_description(beginning.folder)
        check_described(job.tables.train.subset([name]), name, job.experiment.window, description)
    else:
        description = describe_stream(job.tables.train.subset([name]), name, job.experiment.window)
    write_state(file, description.state())
    world.wait()
    return description


def trainable(model: nn.Module) -> bool:
    """Whether a model has anything to learn: a stream that brings its own logits may have nothing."""
    return any(parameter.requires_grad for parameter in model.parameters())


def tune(
    job: SplitJob, best: FittedHead, streams: Mapping[str, StreamModel]
) -> tuple[dict[str, StreamModel], FusionModel, Progress]:
    """Tune copies of the encoders together with a copy of the best head.

    Returns:
        The tuned streams by name, the model that they and the tuned head make up, and how it went.
    """
    tuned = {name: copy.deepcopy(stream) for name, stream in streams.items()}
    frozen = [name for name, settings in job.experiment.streams.items() if settings.frozen]
    for name in frozen:
        tuned[name].requires_grad_(False)
    model = FusionModel(tuned, copy.deepcopy(best.head))
    training = job.experiment.finetune.joint
    task = JointTask(
        model,
        job.tables.train,
        job.tables.validation if job.validated else None,
        settings=training,
        setting=job.setting,
        plan=_plan(job, job.tables.train, training),
        dropout=job.experiment.finetune.modality_dropout,
        frozen=frozen,
    )
    progress = _fit(job, task, training, job.folder / TUNED, stage=TUNED)
    return tuned, model, progress


def _plan(job: SplitJob, table: ClipTable, training: TrainingSettings) -> TrainingPlan:
    chances = balanced_chances(table.targets) if job.experiment.finetune.balance == "sampling" else None
    return TrainingPlan(job.experiment.seed, table.durations, job.experiment.window, training.batch, chances)


def _fit(job: SplitJob, task: Task, training: TrainingSettings, folder: Path, *, stage: str) -> Progress:
    stop = job.stop(stage)
    with job.reporter.progress(stage.partition(":")[2] or stage, task.steps * (stop or training.epochs)) as advance:
        return fit(
            task,
            training,
            folder,
            seed=job.experiment.seed,
            device=job.setting.device,
            checkpoint_every=job.experiment.finetune.checkpoint_every,
            report=_reported(advance, task.steps),
            validated=job.validated,
            stop=stop,
            world=job.setting.world,
        )


def _reported(advance: Advance, steps: int) -> Callable[[Progress], None]:
    told = 0

    def report(progress: Progress) -> None:
        nonlocal told
        now = progress.epoch * steps + progress.step
        validated = progress.best is not None and not math.isnan(progress.best.score)
        best = f"best {progress.best.score:.3f}" if validated and progress.best is not None else ""
        advance(now - told, note=best)
        told = now

    return report


def part_outputs(streams: Mapping[str, StreamModel], table: ClipTable, folder: Path, setting: Setting) -> PartOutputs:
    """Compute and store what streams answer on a part, unless that was done before."""
    windows = evaluation_windows(table.durations, setting.window)
    for name, model in streams.items():
        if not (folder / f"{name}.safetensors").exists():
            output, present, absent = stream_outputs(
                model, table, windows, name, setting.fitted[name], device=setting.device
            )
            write_stream(folder, name, output, present, absent)
    write_windows(folder, table, windows)
    return read_part(folder, list(streams))
