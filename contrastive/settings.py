"""The section ``pretrain`` of an experiment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from contrastive.options import NegativeName, PairName
from fusion.config.models import CorpusSettings, TrainingSettings
from fusion.contract import component


def _mix() -> dict[PairName, int]:
    return {"positive": 1, "other_emotion": 1, "same_emotion": 1}


@dataclass(frozen=True, kw_only=True)
class Pretrain:
    """How streams are pretrained against each other.

    Args:
        objective: What is minimised over pairs.
        between: Pairs of streams by name; all pairs of the experiment's streams unless given.
        pairs: The mix. For ``margin`` how many pairs of each kind a batch holds, in proportion to each other; for the
            other objectives how many clips of that kind join each clip in the batch, where all others are negatives.
        segments: Equal parts of a window in which streams' sequences are compared, by what changes from part to part;
            embeddings are compared unless given.
        curriculum: By kind of negatives, the share of all epochs (0 to 1) after which it joins in; easy first.
        mining: By kind of negatives, how many of the nearest in the batch each window keeps; all unless given.
        shift: Seconds by which windows of ``same_clip_shifted`` pairs begin apart at least.
        corpora: Further corpora for pretraining alone; labels are welcome (with a map) but not needed.
        epochs: Of training; the epoch that is best on validation is kept.
        batch: Windows in a batch, over all processes.
        learning_rate: Highest learning rate (AdamW).
        weight_decay: Decoupled weight decay.
        warmup: Epochs over which the learning rate rises.
        schedule: The learning rate after the warm-up.
        patience: Stop after so many epochs without a better validation.
        average: Decay of the moving average of weights that is evaluated and kept; 0 for none.
        clip_gradient: Largest norm of the gradient.
        precision: auto: bfloat16 on a GPU, float32 on processors.
        workers: Loader processes.
        checkpoint_every: Steps between checkpoints within an epoch.
    """

    objective: Any = component("objective", "infonce")  # noqa: RUF009
    between: tuple[tuple[str, str], ...] = ()
    pairs: dict[PairName, int] = field(default_factory=_mix)
    segments: int | None = None
    curriculum: dict[NegativeName, float] = field(default_factory=dict)
    mining: dict[NegativeName, int] = field(default_factory=dict)
    shift: float = 1.0
    corpora: tuple[CorpusSettings, ...] = ()
    epochs: int = 40
    batch: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup: int = 2
    schedule: Literal["cosine", "constant"] = "cosine"
    patience: int | None = None
    average: float = 0.0
    clip_gradient: float | None = 5.0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    workers: int = 0
    checkpoint_every: int | None = None

    def __post_init__(self) -> None:
        if self.pairs.get("positive", 0) < 1:
            raise ValueError("pairs.positive is at least 1: without positive pairs there is nothing to find")
        if min(self.pairs.values()) < 0 or not any(n for kind, n in self.pairs.items() if kind != "positive"):
            raise ValueError("pairs needs at least one kind of negatives, and no number below 0")
        if self.pairs.get("same_clip_shifted", 0) > self.pairs["positive"]:
            raise ValueError("pairs.same_clip_shifted is at most pairs.positive: each window has one shifted partner")
        for kind, share in self.curriculum.items():
            if not 0 <= share < 1:
                raise ValueError(f"curriculum.{kind} is a share of the epochs, at least 0 and below 1")
        active = [kind for kind, n in self.pairs.items() if n and kind != "positive"]
        if all(self.curriculum.get(kind, 0.0) > 0 for kind in active):
            raise ValueError("curriculum lets every kind of negatives wait; one has to begin at 0")
        if any(count < 1 for count in self.mining.values()):
            raise ValueError("mining keeps at least 1 negative of a kind")
        if "same_clip_shifted" in self.mining and not self.pairs.get("same_clip_shifted", 0):
            raise ValueError("mining.same_clip_shifted needs pairs.same_clip_shifted: there is no second window else")
        if self.segments is not None and self.segments < 2:
            raise ValueError("segments is at least 2: the changes between them are compared")
        if self.shift < 1:
            raise ValueError("shift is at least 1 second: windows that overlap more show the same")
        if min(self.epochs, self.batch - 1) < 1:
            raise ValueError("epochs is at least 1, batch at least 2")
        self.training()

    def training(self) -> TrainingSettings:
        """The settings of the training loop."""
        return TrainingSettings(
            epochs=self.epochs,
            batch=self.batch,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            warmup=self.warmup,
            schedule=self.schedule,
            patience=self.patience,
            average=self.average,
            clip_gradient=self.clip_gradient,
            monitor="score",
        )
