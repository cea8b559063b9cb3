"""The settings of an experiment, as typed models. The configuration reference is generated from this file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

HeadsPart = Literal["train", "validation", "train_and_validation"]
Precision = Literal["auto", "float32", "bfloat16"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


def _seconds(value: Any) -> Any:
    """Exact seconds: 3, 1.9, "20/3" or "3/20"."""
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("seconds are a number or a fraction such as '3/20'")
    try:
        return Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{value!r} is neither a number nor a fraction such as '3/20'") from None


Seconds = Annotated[Fraction, BeforeValidator(_seconds)]


class Settings(BaseModel):
    """Base of all settings: unknown keys are errors, values do not change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Component(Settings):
    """A component by name, with its own options beside it: ``{name: cnn_rnn, width: 32}`` or just ``cnn_rnn``."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str = Field(description="Name under which a plugin registered the component.")

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @property
    def options(self) -> dict[str, Any]:
        """The options as written."""
        return dict(self.__pydantic_extra__ or {})


class LabelledComponent(Component):
    """A component that may be listed twice with other options, under a label of its own."""

    label: Name | None = Field(default=None, description="Row name in tables; the component's name unless given.")

    fitted_on: HeadsPart | None = Field(
        default=None,
        description="For a fusion head: the part it is fitted on; as finetune.heads_fitted_on unless given.",
    )

    @property
    def row(self) -> str:
        return self.label or self.name


class CorpusSettings(Component):
    """A corpus by name, with the reader's own options beside it."""

    root: Path | None = Field(
        default=None, description="Folder of the corpus; relative to the config. Default: its place below FUSION_DATA."
    )
    select: dict[str, list[str] | str] = Field(
        default_factory=dict,
        description="Keep clips whose label, detail, speaker, sex or group has one of these values.",
    )
    labels: dict[str, dict[str, str | None]] = Field(
        default_factory=dict,
        description="By label name, a total map from the corpus's values to the target's (null drops the clip).",
    )
    attach: dict[str, str] = Field(
        default_factory=dict,
        description="Further tracks by media kind (features, or features:face of several): a path pattern below root "
        "or an absolute one, with {id}, {speaker}, {take}, {group}; without any, one file for all clips.",
    )
    thin: dict[str, dict[str, Annotated[float, Field(gt=0)]]] = Field(
        default_factory=dict,
        description="By label name, proportions in which as many clips as possible of its values are kept, drawn from "
        "the experiment's seed and spread over speakers; clips of other values are dropped.",
    )
    limit: int | None = Field(default=None, ge=1, description="Only the first so many clips, for trying things.")


class CopySettings(Settings):
    """Rows that are made of clips before they are split, as some papers do: a clip may then stand in several parts."""

    pieces: Seconds | None = Field(
        default=None, gt=0, description="Cut each clip into pieces of so many seconds, each a row of its own."
    )
    repeat: bool = Field(default=False, description="Repeat the rows of smaller classes up to the largest one.")
    augmentations: tuple[str, ...] = Field(
        default=(),
        description="Add a copy of every row for each of these augmentations of the streams, which it always goes "
        "through, where it has it; with such copies none is drawn in training.",
    )


class WindowSettings(Settings):
    """How windows are cut from clips."""

    seconds: Seconds | Literal["clip"] = Field(
        default=Fraction(3), description="Length of a window, or 'clip' for whole clips."
    )
    hop: Seconds | None = Field(default=None, description="Distance of evaluation windows; the length unless given.")
    per_clip: int = Field(default=1, ge=1, description="Windows drawn from each clip in an epoch of training.")

    @model_validator(mode="after")
    def _positive(self) -> WindowSettings:
        if self.seconds != "clip" and self.seconds <= 0:
            raise ValueError("a window lasts longer than 0 seconds")
        if self.hop is not None and self.hop <= 0:
            raise ValueError("hop is longer than 0 seconds")
        return self


class TrainingSettings(Settings):
    """How one model is fitted."""

    epochs: int = Field(default=60, ge=0, description="Most epochs; 0 skips this stage.")
    batch: int = Field(default=32, ge=1, description="Windows in a batch, over all processes.")
    learning_rate: float = Field(default=3e-3, gt=0, description="Highest learning rate (AdamW).")
    encoder_learning_rate: float | None = Field(default=None, gt=0, description="For encoders, where it differs.")
    weight_decay: float = Field(default=0.01, ge=0, description="Decoupled weight decay.")
    warmup: int = Field(default=2, ge=0, description="Epochs over which the learning rate rises.")
    schedule: Literal["cosine", "constant"] = Field(
        default="cosine", description="The learning rate after the warm-up."
    )
    patience: int | None = Field(
        default=None, ge=1, description="Stop after so many epochs without a better validation."
    )
    monitor: Literal["score", "loss"] = Field(
        default="score", description="What chooses the best epoch on validation: the target's main score, or the loss."
    )
    smoothing: float = Field(default=0.0, ge=0, lt=1, description="Label smoothing.")
    mixup: float = Field(
        default=0.0, ge=0, description="Alpha of the beta distribution that mixup draws from; 0 for none."
    )
    average: float = Field(
        default=0.0, ge=0, lt=1, description="Decay of the moving average of weights that is evaluated; 0 for none."
    )
    clip_gradient: float | None = Field(default=5.0, gt=0, description="Largest norm of the gradient.")


class FinetuneSettings(TrainingSettings):
    """How streams, heads and the whole are trained: streams one by one, heads on their stored outputs."""

    balance: Literal["none", "weights", "sampling"] = Field(
        default="none", description="Class weights in the loss, or balanced sampling; of the training part only."
    )
    modality_dropout: float = Field(
        default=0.2, ge=0, lt=1, description="Chance that a present stream is hidden from a head in training."
    )
    heads_fitted_on: HeadsPart = Field(
        default="train",
        description="The part whose stored outputs heads are fitted on. Streams are too sure of their own training "
        "clips, which misleads heads that weigh them: validation, by cross-fitting, is the remedy. Both together are "
        "for streams that are no surer of training clips, such as scores by cross-fitting.",
    )
    head: TrainingSettings = Field(
        default_factory=lambda: TrainingSettings(epochs=40, learning_rate=3e-3, patience=10),
        description="For heads on stored outputs.",
    )
    joint: TrainingSettings = Field(
        default_factory=lambda: TrainingSettings(epochs=0, learning_rate=3e-4),
        description="For tuning encoders and the chosen head together; epochs 0 leaves it out.",
    )
    precision: Precision = Field(
        default="auto",
        description="auto: bfloat16 on a GPU, float32 on processors, most of which compute bfloat16 many times slower.",
    )
    workers: int = Field(default=0, ge=0, description="Loader processes.")
    checkpoint_every: int | None = Field(default=None, ge=1, description="Steps between checkpoints within an epoch.")


class StreamSettings(Settings):
    """One stream: a modality, its chain of transforms and an encoder."""

    modality: Component = Field(description="Kind of input.")
    transforms: tuple[Component, ...] = Field(
        default=(), description="Deterministic steps, in order; cached up to the first random one."
    )
    augmentations: tuple[Component, ...] = Field(
        default=(), description="Random steps in training, after the transforms."
    )
    encoder: Component = Field(description="Network from a batch to the stream's output; one for this modality.")
    frozen: bool = Field(default=False, description="Leave the encoder as it was loaded.")
    weights: Path | None = Field(
        default=None,
        description="A finished run, of the same split or of strangers, whose stream of this name is the start; "
        "relative to the working folder.",
    )
    training: dict[str, Any] = Field(
        default_factory=dict, description="Settings of finetune that differ for this stream."
    )


class PrepareSettings(Settings):
    """How clips are decoded, transformed and stored."""

    workers: int = Field(default=2, ge=0, description="Processes; 0 works in this one.")
    shard: int = Field(default=32, ge=1, description="Clips in a shard.")
    store: Path | None = Field(
        default=None, description="Folder of the store; default: FUSION_STORE, else .fusion/store."
    )
    minutes: int = Field(default=240, ge=1, description="Longest clip that is accepted.")


class Experiment(Settings):
    """A whole experiment: what every job reads."""

    corpus: CorpusSettings = Field(description="The clips that are split into parts.")
    training_corpora: tuple[CorpusSettings, ...] = Field(
        default=(), description="Further corpora that feed training only."
    )
    target: Component = Field(description="What is predicted.")
    window: WindowSettings = Field(default_factory=WindowSettings, description="How clips are cut.")
    streams: dict[Name, StreamSettings] = Field(min_length=1, description="Streams by a name of your choice.")
    fusion: tuple[LabelledComponent, ...] = Field(
        default=(LabelledComponent(name="late_average"),),
        description="One fusion head, or several to choose from on validation.",
    )
    headline: str | None = Field(
        default=None,
        description="The row that targets apply to (a head's or a stream's); chosen on validation unless named.",
    )
    aggregator: Component = Field(default=Component(name="mean"), description="From windows to the clip's answer.")
    protocol: Component = Field(description="How clips are split into parts.")
    leaking: bool = Field(default=False, description="Must be true for protocols in which speakers cross parts.")
    copies: CopySettings | None = Field(
        default=None, description="Rows made of clips before they are split; needs leaking: true."
    )
    label_share: float = Field(
        default=1.0,
        gt=0.0,
        le=1.0,
        description="The share of each class's takes whose labels are known in training. Pretraining sees the others "
        "without theirs, fine-tuning not at all; as validation and test they keep them.",
    )
    seed: int = Field(default=0, ge=0, description="What every random choice starts from.")
    prepare: PrepareSettings = Field(default_factory=PrepareSettings, description="The job prepare.")
    finetune: FinetuneSettings = Field(default_factory=FinetuneSettings, description="The job finetune.")
    pretrain: dict[str, Any] = Field(default_factory=dict, description="Settings of contrastive pretraining.")
    leakage: dict[str, Any] = Field(default_factory=dict, description="Settings of the job leakage.")
    notes: str = Field(default="", description="Shown in the result card.")

    @model_validator(mode="before")
    @classmethod
    def _one_head(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("fusion"), dict | str):
            value = {**value, "fusion": [value["fusion"]]}
        return value
