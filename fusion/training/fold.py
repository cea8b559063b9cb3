"""Training one split: streams alone, heads on their outputs, the chosen one tuned and saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from fusion.config.models import LabelledComponent
from fusion.contract import Fitted
from fusion.evaluation.answers import clip_probabilities
from fusion.evaluation.calibration import fit_temperature
from fusion.evaluation.scores import main_score
from fusion.heads.model import SingleStream, StreamModel, stream_specs
from fusion.inference.checkpoint import CheckpointContent, write_checkpoint
from fusion.inference.described import StreamDescription
from fusion.inference.files import read_json, write_json, write_state
from fusion.training.heads import FittedHead, build_head, fit_heads
from fusion.training.job import AGGREGATIONS, TUNED, SplitJob
from fusion.training.outputs import PartOutputs, head_logits
from fusion.training.stages import part_outputs, train_stream, trainable, tune
from fusion.training.tasks import Setting


@dataclass
class FoldResult:
    """What a split's training came to, on validation.

    Args:
        headline: The row that was named or chosen.
        scores: Validation score of every row; empty for a final model.
        epochs: Epochs after which each stage was best.
        temperatures: By row, fitted on validation.
        tuned: The head that was tuned with its encoders; None where none was.
    """

    headline: str
    scores: dict[str, float] = field(default_factory=dict)
    epochs: dict[str, int] = field(default_factory=dict)
    temperatures: dict[str, float] = field(default_factory=dict)
    tuned: str | None = None

    def to_json(self) -> dict[str, Any]:
        """For the run's record."""
        return {
            "headline": self.headline,
            "scores": self.scores,
            "epochs": self.epochs,
            "temperatures": self.temperatures,
            "tuned": self.tuned,
        }

    def summary(self) -> str:
        """One line for a terminal."""
        rows = ", ".join(f"{row} {score:.3f}" for row, score in self.scores.items())
        return f"headline {self.headline}" + (f"; validation {rows}" if rows else "")


@dataclass(frozen=True)
class _Chosen:
    """The row that is saved as the split's model, the outputs that it was scored on, and what its aggregator fitted."""

    row: str
    streams: Mapping[str, StreamModel]
    head: nn.Module
    component: LabelledComponent | None
    validation: PartOutputs
    aggregation: Fitted


def train_fold(job: SplitJob) -> FoldResult:
    """Train everything of one split into its folder; finished stages are not repeated.

    All processes train streams and tune; the first one does the rest, for which the others wait.
    """
    world = job.setting.world
    done = job.folder / "result.json"
    if world.shared(done.exists()):
        return FoldResult(**read_json(done))
    result = FoldResult(job.headline or "")
    streams: dict[str, StreamModel] = {}
    descriptions: dict[str, StreamDescription] = {}
    for name in job.experiment.streams:
        descriptions[name], streams[name], progress = train_stream(job, name)
        if progress is not None:
            result.epochs[f"stream:{name}"] = progress.best_epoch + 1
    if world.first:
        _choose(job, streams, descriptions, result)
        write_json(done, result.to_json())
        job.reporter.say(f"  {result.summary()}")
    elif _tunes(job, streams):
        _help_tuning(job, streams)
    world.wait()
    return FoldResult(**read_json(done))


def _choose(
    job: SplitJob,
    streams: Mapping[str, StreamModel],
    descriptions: Mapping[str, StreamDescription],
    result: FoldResult,
) -> None:
    """Fit heads, tune the best one, and save the row that is named or best."""
    train = part_outputs(streams, job.tables.train, job.folder / "outputs" / "train", job.setting)
    validation = part_outputs(streams, job.tables.validation, job.folder / "outputs" / "validation", job.setting)
    heads = fit_heads(job, stream_specs(streams), train, validation)
    result.epochs |= {f"head:{head.row}": head.epochs for head in heads if head.epochs}
    rows = {row: _stream_row(row, streams) for row in streams} | {head.row: head for head in heads}
    aggregations = {
        row: _aggregation(job.setting, fitted.head, train.only([row]) if row in streams else train)
        for row, fitted in rows.items()
    }
    _score_rows(rows, validation, aggregations, job.setting, result)
    row = job.named if job.named in rows else _best_row(heads, streams)
    used = [row] if row in streams else list(streams)
    chosen = _Chosen(
        row,
        {name: streams[name] for name in used},
        rows[row].head,
        rows[row].component,
        validation.only(used),
        aggregations[row],
    )
    if _tunes(job, streams):
        best = next((head for head in heads if head.row == job.tuned), None) or max(heads, key=_rank)
        tuned = _tuned(job, best, streams, result)
        aggregations[TUNED] = tuned.aggregation
        better = result.scores.get(TUNED, 0.0) > result.scores.get(row, 0.0)
        if job.named == TUNED or (job.named is None and better):
            chosen = tuned
    result.headline = chosen.row
    write_state(job.folder / AGGREGATIONS, {row: dict(fitted) for row, fitted in aggregations.items()})
    _write_model(job, chosen, {name: descriptions[name] for name in chosen.streams}, result)


def _tunes(job: SplitJob, streams: Mapping[str, StreamModel]) -> bool:
    """Whether a head is tuned together with its encoders, of which at least one has something to learn."""
    asked = job.experiment.finetune.joint.epochs > 0 and (job.epochs is None or job.headline == TUNED)
    return asked and any(trainable(stream) for stream in streams.values())


def _help_tuning(job: SplitJob, streams: Mapping[str, StreamModel]) -> None:
    """Take part in tuning the head that the first process has chosen."""
    nothing: tuple[str, Mapping[str, torch.Tensor]] = "", {}
    row, weights = job.setting.world.shared(nothing)
    component = next(component for component in job.experiment.fusion if component.row == row)
    head = build_head(component, stream_specs(streams), len(job.setting.target.names), job.catalog, job.experiment.seed)
    head.load_state_dict(weights)
    tune(job, FittedHead(row, component, head.eval(), None, 0), streams)


def _stream_row(row: str, streams: Mapping[str, StreamModel]) -> FittedHead:
    """The row of one stream alone."""
    return FittedHead(row, None, SingleStream(stream_specs({row: streams[row]})).eval(), None, 0)


def _rank(head: FittedHead) -> tuple[float, float]:
    return (head.score.score, -head.score.loss) if head.score else (0.0, 0.0)


def _best_row(heads: list[FittedHead], streams: Mapping[str, StreamModel]) -> str:
    """The head that does best on validation; the stream itself where it is the only one."""
    if len(streams) == 1:
        return next(iter(streams))
    return max(heads, key=_rank).row


def _tuned(job: SplitJob, best: FittedHead, streams: Mapping[str, StreamModel], result: FoldResult) -> _Chosen:
    """Tune the best head with its encoders, store what they answer, and score them."""
    folder = job.folder / TUNED
    job.setting.world.shared((best.row, best.head.state_dict()))
    tuned, model, progress = tune(job, best, streams)
    result.epochs[TUNED], result.tuned = progress.best_epoch + 1, best.row
    head = model.head.cpu().eval()
    train = part_outputs(tuned, job.tables.train, folder / "outputs" / "train", job.setting)
    validation = part_outputs(tuned, job.tables.validation, folder / "outputs" / "validation", job.setting)
    aggregation = _aggregation(job.setting, head, train)
    if validation.clips:
        logits = head_logits(head, validation)
        _score_row(TUNED, logits, validation, aggregation=aggregation, setting=job.setting, result=result)
    write_json(folder / "head.json", {"row": best.row})
    return _Chosen(TUNED, tuned, head, best.component, validation, aggregation)


def _aggregation(setting: Setting, head: nn.Module, part: PartOutputs) -> Fitted:
    """What the aggregator fits on the training clips, as a row's head answers them."""
    probabilities = setting.target.probabilities(head_logits(head, part)).numpy().astype("float64")
    owners: dict[int, list[int]] = {}
    for place, window in enumerate(part.windows):
        if part.present[place].any():
            owners.setdefault(window.clip, []).append(place)
    return setting.aggregator.fit(
        [(probabilities[places], part.targets[clip].astype("float64")) for clip, places in owners.items()]
    )


def _score_rows(
    rows: Mapping[str, FittedHead],
    part: PartOutputs,
    aggregations: Mapping[str, Fitted],
    setting: Setting,
    result: FoldResult,
) -> None:
    """Validation score and temperature of every row.

    A head that was fitted on these clips is judged by its answers to clips that it was not fitted on.
    """
    if not part.clips:
        return
    for row, fitted in rows.items():
        own = part.only([row]) if row in part.streams else part
        logits = head_logits(fitted.head, own) if fitted.held_out is None else fitted.held_out
        _score_row(row, logits, own, aggregation=aggregations[row], setting=setting, result=result)


def _score_row(
    row: str, logits: torch.Tensor, part: PartOutputs, *, aggregation: Fitted, setting: Setting, result: FoldResult
) -> None:
    probabilities = setting.target.probabilities(logits).numpy().astype("float64")
    clips, answered = clip_probabilities(
        probabilities,
        part.present.any(dim=1).numpy(),
        part.windows,
        len(part.clips),
        setting.aggregator,
        aggregation,
        setting.prior,
    )
    result.scores[row] = main_score(setting.target.kind, clips, part.targets)
    if setting.target.kind in ("single", "soft"):
        result.temperatures[row] = fit_temperature(clips[answered], part.targets[answered].astype("float64"))


def _write_model(
    job: SplitJob, chosen: _Chosen, descriptions: Mapping[str, StreamDescription], result: FoldResult
) -> None:
    """Save the row as a model that loads on its own."""
    setting, clips = job.setting, job.tables.train.clips
    write_checkpoint(
        job.folder / "model",
        CheckpointContent(
            experiment=job.experiment,
            streams=chosen.streams,
            descriptions=descriptions,
            head=chosen.head,
            head_component=chosen.component,
            row=chosen.row,
            names=setting.target.names,
            prior=[float(value) for value in setting.prior],
            temperature=result.temperatures.get(chosen.row, 1.0),
            aggregation=chosen.aggregation,
            training={
                "split": job.split.name,
                "hash": job.split_hash,
                "guarantee": job.guarantee,
                "clips": len(clips),
                "speakers": sorted({clip.speaker for clip in clips if clip.speaker}),
                "takes": sorted({clip.take for clip in clips if clip.take}),
                "rights": sorted({clip.rights for clip in clips if clip.rights}),
                "generated": any(clip.generated for clip in clips),
                "validation": {"score": result.scores.get(chosen.row), "clips": len(chosen.validation.clips)},
            },
            notes="\n\n".join(text for text in (*job.cautions, job.experiment.notes) if text),
        ),
        job.catalog,
    )
