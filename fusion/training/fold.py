"""Training one split: streams alone, heads on their outputs, the chosen one tuned and saved."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from fusion.catalog import Catalog
from fusion.config.models import Experiment, FinetuneSettings, LabelledComponent, StreamSettings, TrainingSettings
from fusion.contract import Split
from fusion.data.batches import ClipTable
from fusion.data.plan import TrainingPlan, evaluation_windows
from fusion.evaluation.answers import clip_probabilities
from fusion.evaluation.calibration import fit_temperature
from fusion.evaluation.scores import main_score
from fusion.heads.model import FusionModel, SingleStream, StreamModel, stream_specs
from fusion.inference.checkpoint import CheckpointContent, change_temperature, write_checkpoint
from fusion.training.described import StreamDescription, build_stream, describe_stream
from fusion.training.files import read_json, write_json, write_state
from fusion.training.heads import FittedHead, fit_heads
from fusion.training.loop import Progress, Score, fit
from fusion.training.outputs import PartOutputs, head_logits, read_part, stream_outputs, write_stream, write_windows
from fusion.training.report import Advance, Reporter
from fusion.training.split_data import SplitTables
from fusion.training.start import load_encoder, read_description, start_folder
from fusion.training.tasks import JointTask, Setting, StreamTask, balanced_chances

#: Row of the model whose encoders and head were tuned together.
TUNED = "tuned"


@dataclass
class FoldResult:
    """What a split's training came to, on validation.

    Args:
        headline: The row that was named or chosen.
        scores: Validation score of every row; empty for a final model.
        epochs: Epochs after which each stage was best.
        temperatures: By row, fitted on validation.
    """

    headline: str
    scores: dict[str, float] = field(default_factory=dict)
    epochs: dict[str, int] = field(default_factory=dict)
    temperatures: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """For the run's record."""
        return {"headline": self.headline, "scores": self.scores, "epochs": self.epochs, "temperatures": self.temperatures}

    def summary(self) -> str:
        """One line for a terminal."""
        rows = ", ".join(f"{row} {score:.3f}" for row, score in self.scores.items())
        return f"headline {self.headline}" + (f"; validation {rows}" if rows else "")

    def retemper(self, folder: Path, temperature: float) -> None:
        """Give a final model the temperature that its folds had."""
        change_temperature(folder / "model", temperature)


def train_fold(
    experiment: Experiment,
    catalog: Catalog,
    tables: SplitTables,
    split: Split,
    folder: Path,
    setting: Setting,
    *,
    split_hash: str,
    guarantee: str,
    start: Path | None,
    reporter: Reporter,
    epochs: Mapping[str, int] | None = None,
    headline: str | None = None,
) -> FoldResult:
    """Train everything of one split into a folder; finished stages are not repeated.

    Args:
        experiment: The settings.
        catalog: Components.
        tables: The split's clips.
        split: Its name and parts.
        folder: Of this split.
        setting: What all stages share.
        split_hash: Of the whole protocol.
        guarantee: What the split guarantees, for the model's card.
        start: A run to start streams from.
        reporter: Hears what happens.
        epochs: Epochs by stage, for a final model without validation.
        headline: The row to save, for a final model.
    """
    done = folder / "result.json"
    if done.exists():
        return FoldResult(**read_json(done))
    held = {clip.speaker for table in (tables.validation, tables.test) for clip in table.clips if clip.speaker}
    streams: dict[str, StreamModel] = {}
    descriptions: dict[str, StreamDescription] = {}
    result = FoldResult(headline or "")
    for name, settings in experiment.streams.items():
        origin = settings.weights or start
        beginning = None if origin is None else start_folder(Path(origin), name, split.name, split_hash, held)
        descriptions[name], streams[name], progress = _train_stream(
            experiment, settings, name, tables, folder / "streams" / name, setting, catalog, beginning, reporter,
            None if epochs is None else epochs.get(f"stream:{name}"),
        )
        if progress is not None:
            result.epochs[f"stream:{name}"] = progress.best_epoch + 1
    parts = {
        part: _outputs(streams, table, folder / "outputs" / part, setting)
        for part, table in (("train", tables.train), ("validation", tables.validation))
    }
    specs = stream_specs(streams)
    heads = fit_heads(
        experiment, catalog, specs, parts["train"], parts["validation"], folder / "heads", setting, epochs=epochs
    )
    rows = {row: stream_row(row, streams) for row in streams} | {head.row: head for head in heads}
    tuned_wanted = experiment.finetune.joint.epochs > 0 and (epochs is None or headline == TUNED)
    result.epochs |= {f"head:{head.row}": head.epochs for head in heads if head.epochs}
    _score_rows(rows, parts["validation"], setting, result)
    chosen = headline if headline in rows else _choose(experiment, heads, streams, result)
    final_streams, final_head, component = streams, rows[chosen].head, rows[chosen].component
    used = [chosen] if chosen in streams else list(streams)
    if tuned_wanted:
        best = max(heads, key=lambda head: (head.score.score, -head.score.loss) if head.score else (0.0, 0.0))
        model, progress = _tune(experiment, best, streams, tables, folder / TUNED, setting, reporter,
                                None if epochs is None else epochs.get(TUNED))
        result.epochs[TUNED] = progress.best_epoch + 1
        _store_tuned(model, tables, folder / TUNED, setting, result)
        write_json(folder / TUNED / "head.json", {"row": best.row})
        if headline == TUNED or experiment.headline == TUNED or (
            headline is None and experiment.headline is None
            and result.scores.get(TUNED, 0.0) > result.scores.get(chosen, 0.0)
        ):
            chosen, used = TUNED, list(streams)
            final_streams = {name: model.streams[name] for name in streams}  # type: ignore[misc]
            final_head, component = model.head, best.component
    result.headline = chosen
    validation = parts["validation"] if chosen != TUNED else read_part(folder / TUNED / "outputs" / "validation", list(streams))
    _write_model(
        experiment, catalog, tables, split, folder, setting, {name: final_streams[name] for name in used},
        {name: descriptions[name] for name in used}, final_head, component, chosen, result,
        {"hash": split_hash, "guarantee": guarantee}, parts["train"], validation,
    )
    write_json(done, result.to_json())
    reporter.say(f"  {result.summary()}")
    return result


def training_settings(experiment: Experiment, stream: StreamSettings) -> TrainingSettings:
    """The settings of a stream: those of finetune, with the stream's own on top."""
    common = FinetuneSettings.model_dump(experiment.finetune, include=set(TrainingSettings.model_fields))
    return TrainingSettings.model_validate({**common, **stream.training})


def _train_stream(
    experiment: Experiment, settings: StreamSettings, name: str, tables: SplitTables, folder: Path, setting: Setting,
    catalog: Catalog, beginning: Path | None, reporter: Reporter, stop: int | None,
) -> tuple[StreamDescription, StreamModel, Progress | None]:
    table = tables.train.subset([name])
    description_file = folder / "description.safetensors"
    if beginning is not None:
        description = read_description(beginning)
    elif description_file.exists():
        description = read_description(folder)
    else:
        description = describe_stream(table, name, experiment.window)
    write_state(description_file, description.state())
    setting.fitted[name] = description.fitted
    model = build_stream(settings, description, setting.target.names, catalog, seed=experiment.seed, name=name)
    if beginning is not None:
        load_encoder(model, beginning)
    if settings.frozen:
        model.encoder.requires_grad_(False)
    training = training_settings(experiment, settings)
    if training.epochs == 0:
        write_state(folder / "best.safetensors", model.state_dict())
        return description, model, None
    stored = [k for k in range(len(table.clips)) if table.stored(k, name).absence is None]
    table = table.subset([name], stored)
    chances = balanced_chances(table.targets) if experiment.finetune.balance == "sampling" else None
    plan = TrainingPlan(experiment.seed, table.durations, experiment.window, training.batch, chances)
    validated = len(tables.validation.clips) > 0
    validation = tables.validation.subset([name]) if validated else None
    task = StreamTask(name, model, table, validation, training, setting, plan)
    with reporter.progress(name, task.steps * (stop or training.epochs)) as advance:
        progress = fit(
            task, training, folder, seed=experiment.seed, device=setting.device,
            checkpoint_every=experiment.finetune.checkpoint_every, report=_reported(advance, task.steps),
            validated=validated, stop=stop,
        )
    best = "" if progress.best is None or not validated else f", validation {progress.best.score:.3f}"
    reporter.say(f"  {name}: best after epoch {progress.best_epoch + 1} of {len(progress.history)}{best}")
    return description, model, progress


def _reported(advance: Advance, steps: int) -> Callable[[Progress], None]:
    told = 0

    def report(progress: Progress) -> None:
        nonlocal told
        now = progress.epoch * steps + progress.step
        best = "" if progress.best is None else f"best {progress.best.score:.3f}"
        advance(now - told, note=best)
        told = now

    return report


def _outputs(streams: Mapping[str, StreamModel], table: ClipTable, folder: Path, setting: Setting) -> PartOutputs:
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


def stream_row(row: str, streams: Mapping[str, StreamModel]) -> FittedHead:
    """The row of one stream alone."""
    return FittedHead(row, None, SingleStream(stream_specs({row: streams[row]})).eval(), None, 0)


def _score_rows(rows: Mapping[str, FittedHead], part: PartOutputs, setting: Setting, result: FoldResult) -> None:
    """Validation score and temperature of every row."""
    if not part.clips:
        return
    for row, fitted in rows.items():
        own = part.only([row]) if row in part.streams else part
        _score_row(row, head_logits(fitted.head, own), own, setting, result)
        if fitted.score is not None:
            result.scores[row] = fitted.score.score


def _score_row(row: str, logits: torch.Tensor, part: PartOutputs, setting: Setting, result: FoldResult) -> None:
    probabilities = setting.target.probabilities(logits).numpy().astype("float64")
    clips, answered = clip_probabilities(
        probabilities, part.present.any(dim=1).numpy(), part.windows, len(part.clips), setting.aggregator, {}, setting.prior
    )
    result.scores[row] = main_score(setting.target.kind, clips, part.targets)
    if setting.target.kind in ("single", "soft"):
        result.temperatures[row] = fit_temperature(clips[answered], part.targets[answered].astype("float64"))


def _choose(
    experiment: Experiment, heads: list[FittedHead], streams: Mapping[str, StreamModel], result: FoldResult
) -> str:
    """The named headline; else the head that does best on validation."""
    if experiment.headline is not None and experiment.headline != TUNED:
        return experiment.headline
    if len(streams) == 1:
        return next(iter(streams))

    def key(head: FittedHead) -> tuple[float, float]:
        score = head.score or Score(result.scores.get(head.row, 0.0), 0.0)
        return score.score, -score.loss

    return max(heads, key=key).row


def _tune(
    experiment: Experiment, best: FittedHead, streams: Mapping[str, StreamModel], tables: SplitTables, folder: Path,
    setting: Setting, reporter: Reporter, stop: int | None,
) -> tuple[FusionModel, Progress]:
    """Tune copies of the encoders together with the best head."""
    model = FusionModel({name: copy.deepcopy(stream) for name, stream in streams.items()}, copy.deepcopy(best.head))
    frozen = [name for name, settings in experiment.streams.items() if settings.frozen]
    training = experiment.finetune.joint
    chances = balanced_chances(tables.train.targets) if experiment.finetune.balance == "sampling" else None
    plan = TrainingPlan(experiment.seed, tables.train.durations, experiment.window, training.batch, chances)
    validated = len(tables.validation.clips) > 0
    task = JointTask(model, tables.train, tables.validation if validated else None, training, setting, plan,
                     experiment.finetune.modality_dropout, frozen)
    with reporter.progress(TUNED, task.steps * (stop or training.epochs)) as advance:
        progress = fit(
            task, training, folder, seed=experiment.seed, device=setting.device,
            checkpoint_every=experiment.finetune.checkpoint_every, report=_reported(advance, task.steps),
            validated=validated, stop=stop,
        )
    return model, progress


def _store_tuned(
    model: FusionModel, tables: SplitTables, folder: Path, setting: Setting, result: FoldResult
) -> None:
    streams: dict[str, StreamModel] = dict(model.streams.items())  # type: ignore[arg-type]
    validation = _outputs(streams, tables.validation, folder / "outputs" / "validation", setting)
    if validation.clips:
        _score_row(TUNED, head_logits(model.head.cpu(), validation), validation, setting, result)


def _write_model(
    experiment: Experiment, catalog: Catalog, tables: SplitTables, split: Split, folder: Path, setting: Setting,
    streams: Mapping[str, StreamModel], descriptions: Mapping[str, StreamDescription], head: torch.nn.Module,
    component: LabelledComponent | None, row: str, result: FoldResult, split_record: Mapping[str, str], train: PartOutputs,
    validation: PartOutputs,
) -> None:
    """Fit what answers need besides the head, and save the headline row as a model that loads on its own."""
    part = train.only(list(streams)) if len(streams) < len(train.streams) else train
    probabilities = setting.target.probabilities(head_logits(head.cpu(), part)).numpy().astype("float64")
    owners: dict[int, list[int]] = {}
    for place, window in enumerate(part.windows):
        if part.present[place].any():
            owners.setdefault(window.clip, []).append(place)
    aggregation = setting.aggregator.fit(
        [(probabilities[places], part.targets[clip].astype("float64")) for clip, places in owners.items()]
    )
    clips = tables.train.clips
    write_checkpoint(
        folder / "model",
        CheckpointContent(
            experiment=experiment,
            streams=streams,
            descriptions=descriptions,
            head=head,
            head_component=component,
            row=row,
            names=setting.target.names,
            prior=[float(value) for value in setting.prior],
            temperature=result.temperatures.get(row, 1.0),
            aggregation=aggregation,
            training={
                "split": split.name, **split_record, "clips": len(clips),
                "speakers": sorted({clip.speaker for clip in clips if clip.speaker}),
                "takes": sorted({clip.take for clip in clips if clip.take}),
                "rights": sorted({clip.rights for clip in clips if clip.rights}),
                "generated": any(clip.generated for clip in clips),
                "validation": {"score": result.scores.get(row), "clips": len(validation.clips)},
            },
            notes=experiment.notes,
        ),
        catalog,
    )
