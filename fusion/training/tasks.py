"""What the loop trains: one stream alone, a head on stored outputs, or everything together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fusion.config.models import TrainingSettings, WindowSettings
from fusion.contract import Aggregator, Batch, Fitted, Target
from fusion.data.batches import ClipTable, WindowBatch, evaluation_batches, training_batches
from fusion.data.plan import TrainingPlan, Window, evaluation_windows
from fusion.data.randomness import generator
from fusion.evaluation.answers import clip_probabilities
from fusion.evaluation.scores import main_score, negative_log_likelihood
from fusion.heads.model import FusionModel, StreamModel, encode_stream
from fusion.training.loop import Score
from fusion.training.outputs import PartOutputs, head_logits, select
from fusion.training.processes import ALONE, World

#: Batches of validation are kept in memory up to this many bytes; larger parts are cut from the store each epoch.
VALIDATION_CACHE = 512 * 2**20

#: Consecutive places of the global batch whose rows mixup mixes among themselves. Partners are never further apart, so
#: that they lie in one process's slice, and are the same for any number of processes.
MIX_BLOCK = 4


@dataclass
class Setting:
    """What all tasks of one split share."""

    target: Target
    aggregator: Aggregator
    prior: NDArray[np.float64]
    device: torch.device
    seed: int
    window: WindowSettings
    workers: int = 0
    autocast: torch.dtype | None = None
    class_weights: Tensor | None = None
    fitted: dict[str, Fitted] = field(default_factory=dict)
    world: World = ALONE

    def precision(self) -> torch.autocast:
        """The context of a forward pass."""
        return torch.autocast(
            self.device.type, dtype=self.autocast or torch.bfloat16, enabled=self.autocast is not None
        )


def score_windows(logits: Tensor, part: PartOutputs, setting: Setting) -> Score:
    """Score logits ``[W, C]`` of a part's windows, by clip."""
    return _score(logits, part.present.any(dim=1).numpy(), part.windows, part.targets, setting)


def _score(
    logits: Tensor,
    answered: NDArray[np.bool_],
    windows: Sequence[Window],
    targets: NDArray[np.float32],
    /,
    setting: Setting,
) -> Score:
    probabilities = setting.target.probabilities(logits.float().cpu()).numpy().astype(np.float64)
    clips, _ = clip_probabilities(probabilities, answered, windows, len(targets), setting.aggregator, {}, setting.prior)
    kind = setting.target.kind
    return Score(main_score(kind, clips, targets), negative_log_likelihood(kind, clips, targets))


class _Validation:
    """The validation part of a table, in batches that are made once where they fit into memory."""

    def __init__(self, table: ClipTable, setting: Setting, batch: int) -> None:
        self._table = table
        self._windows = evaluation_windows(table.durations, setting.window)
        self._setting = setting
        self._batch = batch
        self._kept: list[WindowBatch] | None = None
        self._fits = True

    def score(self, logits: Callable[[WindowBatch], Tensor]) -> Score:
        """Score a model by its logits ``[B, C]`` of batches."""
        answers, answered = [], []
        for batch in self._batches():
            with self._setting.precision():
                answers.append(logits(batch.to(self._setting.device)))
            answered.append(batch.present.any(dim=1).numpy())
        return _score(torch.cat(answers), np.concatenate(answered), self._windows, self._table.targets, self._setting)

    def _batches(self) -> Iterator[WindowBatch]:
        if self._kept is not None:
            yield from self._kept
            return
        made: list[WindowBatch] = []
        size = 0
        for batch in evaluation_batches(self._table, self._windows, self._setting.fitted, self._batch):
            yield batch
            size += sum(t.nbytes for s in batch.streams.values() if s is not None for t in s.tensors.values())
            self._fits = self._fits and size <= VALIDATION_CACHE
            if self._fits:
                made.append(batch)
            else:
                made.clear()
        self._kept = made if self._fits else None


class StreamTask:
    """One stream alone, by its own linear layer; batches leave out windows in which it is absent."""

    def __init__(
        self,
        name: str,
        model: StreamModel,
        train: ClipTable,
        validation: ClipTable | None,
        *,
        settings: TrainingSettings,
        setting: Setting,
        plan: TrainingPlan,
        frozen: bool = False,
    ) -> None:
        self.model = model
        self._frozen = frozen
        self._name = name
        self._train = train
        self._settings = settings
        self._setting = setting
        self._plan = plan
        self._slice = _Slice(self.model, settings, setting)
        self._validation = None if validation is None else _Validation(validation, setting, settings.batch)

    @property
    def steps(self) -> int:
        return self._plan.steps

    def groups(self) -> Sequence[dict[str, Any]]:
        """The encoder and the linear layer."""
        return _groups([self.model], None, self._settings)

    def batches(self, first: tuple[int, int], epochs: int) -> Iterator[tuple[int, int, WindowBatch]]:
        """This process's slices of the batches, by address."""
        return self._slice.batches(self._train, self._plan, first, epochs)

    def loss(self, batch: WindowBatch, epoch: int, step: int) -> Tensor | None:
        """Cross-entropy (or the target's own loss) of the whole batch's present rows, with mixup where it is on."""
        batch = batch.to(self._setting.device)
        part = batch.streams[self._name]
        if self._frozen:
            self.model.encoder.eval()
        if part is None:
            nowhere = torch.zeros(0, dtype=torch.long, device=self._setting.device)
            return self._slice.loss(None, batch.targets[nowhere], nowhere)
        targets, tensors = batch.targets[part.places], part.tensors
        if self._settings.mixup:
            tensors, targets = self._mixed(tensors, targets, part.places, epoch, step)
        with self._setting.precision():
            logits = self.model.answer(tensors, self._name).logits
        return self._slice.loss(logits, targets, part.places)

    def _mixed(self, tensors: Batch, targets: Tensor, places: Tensor, epoch: int, step: int) -> tuple[Batch, Tensor]:
        random = generator(self._setting.seed, "mixup", self._name, epoch, step)
        share = float(random.beta(self._settings.mixup, self._settings.mixup))
        draws = random.random(self._settings.batch)[self._slice.rows]
        partner = partners(places.cpu().numpy(), draws).to(targets.device)
        return mixed(tensors, targets, self._train.plans[self._name].modality.mixable, share, partner)

    @torch.no_grad()
    def validate(self) -> Score:
        """Score on the validation part, by clip."""
        assert self._validation is not None
        return self._validation.score(self._logits)

    def _logits(self, batch: WindowBatch) -> Tensor:
        logits = encode_stream(self.model, batch, self._name).logits
        assert logits is not None
        return logits


class HeadTask:
    """A head on the stored outputs of trained streams, with modality dropout."""

    def __init__(
        self,
        head: nn.Module,
        train: PartOutputs,
        validation: PartOutputs | None,
        *,
        settings: TrainingSettings,
        setting: Setting,
        dropout: float,
    ) -> None:
        self.model = head
        self._train = train
        self._validation = validation
        self._settings = settings
        self._setting = setting
        self._dropout = dropout
        usable = train.present.any(dim=1).numpy()
        self._rows = np.flatnonzero(usable)
        self._targets = torch.from_numpy(train.targets[[window.clip for window in train.windows]])

    @property
    def steps(self) -> int:
        return -(-len(self._rows) // self._settings.batch)

    def groups(self) -> Sequence[dict[str, Any]]:
        """All of the head."""
        return [{"params": list(self.model.parameters()), "lr": self._settings.learning_rate}]

    def batches(self, first: tuple[int, int], epochs: int) -> Iterator[tuple[int, int, Tensor]]:
        """Rows of windows, each epoch in another order."""
        for epoch in range(first[0], epochs):
            order = generator(self._setting.seed, "head order", epoch).permutation(self._rows)
            for step in range(first[1] if epoch == first[0] else 0, self.steps):
                start = step * self._settings.batch
                yield epoch, step, torch.from_numpy(order[start : start + self._settings.batch])

    def loss(self, batch: Tensor, epoch: int, step: int) -> Tensor:
        """The target's loss with some streams hidden."""
        random = generator(self._setting.seed, "hidden streams", epoch, step)
        present = hide(self._train.present[batch], self._dropout, random)
        logits = self.model(select(self._train.streams, batch), present).logits
        targets = self._targets[batch]
        return self._setting.target.loss(logits, targets, self._setting.class_weights, self._settings.smoothing)

    @torch.no_grad()
    def validate(self) -> Score:
        """Score on the validation part, by clip."""
        assert self._validation is not None
        return score_windows(head_logits(self.model, self._validation), self._validation, self._setting)


class JointTask:
    """Encoders and a head together, with modality dropout."""

    def __init__(
        self,
        model: FusionModel,
        train: ClipTable,
        validation: ClipTable | None,
        *,
        settings: TrainingSettings,
        setting: Setting,
        plan: TrainingPlan,
        dropout: float,
        frozen: Sequence[str] = (),
    ) -> None:
        self.model = model
        self._train = train
        self._settings = settings
        self._setting = setting
        self._plan = plan
        self._dropout = dropout
        self._frozen = frozenset(frozen)
        self._slice = _Slice(self.model, settings, setting)
        self._validation = None if validation is None else _Validation(validation, setting, settings.batch)

    @property
    def steps(self) -> int:
        return self._plan.steps

    def groups(self) -> Sequence[dict[str, Any]]:
        """Encoders at their own rate, the head at the main one."""
        free = [model for name, model in self.model.streams.items() if name not in self._frozen]
        return _groups(free, self.model.head, self._settings)

    def batches(self, first: tuple[int, int], epochs: int) -> Iterator[tuple[int, int, WindowBatch]]:
        """This process's slices of the batches, by address."""
        return self._slice.batches(self._train, self._plan, first, epochs)

    def loss(self, batch: WindowBatch, epoch: int, step: int) -> Tensor | None:
        """The target's loss of the whole batch's windows that have any stream, with some streams hidden."""
        for name in self._frozen:
            self.model.streams[name].eval()
        places = batch.present.any(dim=1).nonzero()[:, 0].to(self._setting.device)
        random = generator(self._setting.seed, "hidden streams", epoch, step)
        present = hide(batch.present, self._dropout, random, first=self._slice.rows.start)
        batch = batch.to(self._setting.device)
        if not len(places):
            return self._slice.loss(None, batch.targets[places], places)
        with self._setting.precision():
            logits = self.model(batch, present.to(self._setting.device)).logits
        return self._slice.loss(logits[places], batch.targets[places], places)

    @torch.no_grad()
    def validate(self) -> Score:
        """Score on the validation part, by clip."""
        assert self._validation is not None
        return self._validation.score(lambda batch: self.model(batch).logits)


class _Slice:
    """This process's slice of every global batch, and the loss of the whole."""

    def __init__(self, model: nn.Module, settings: TrainingSettings, setting: Setting) -> None:
        self._model = model
        self._settings = settings
        self._setting = setting
        #: Its places in a full batch.
        self.rows = setting.world.slice_of(settings.batch)

    def batches(
        self, table: ClipTable, plan: TrainingPlan, first: tuple[int, int], epochs: int
    ) -> Iterator[tuple[int, int, WindowBatch]]:
        setting = self._setting
        return training_batches(
            table, plan, setting.fitted, first=first, epochs=epochs, workers=setting.workers, rows=self.rows
        )

    def loss(self, logits: Tensor | None, targets: Tensor, places: Tensor) -> Tensor | None:
        """The target's loss of the rows of all processes; None where none of them has any.

        Logits are few, so every process gathers them all and computes the one loss that a single process would:
        whatever a target's loss makes of a batch (class weights, a correlation) means the same.

        Args:
            logits: ``[P, C]``; None where this process has no row.
            targets: ``[P, C]``.
            places: ``[P]``, where the rows stand in this process's slice.
        """
        weight = next(self._model.parameters())
        dtype = torch.promote_types(weight.dtype, torch.float32)
        targets = targets.to(dtype)
        logits = torch.zeros_like(targets) if logits is None else logits.to(dtype)
        world, classes = self._setting.world, targets.shape[1]
        if world.count > 1:
            # The last batch of an epoch may leave some processes fewer rows or none: a mark tells rows from gaps.
            marked = torch.cat([logits, targets, torch.ones_like(targets[:, :1])], dim=1)
            gaps = marked.new_zeros((self.rows.stop - self.rows.start, marked.shape[1]))
            whole = world.gathered(gaps.index_copy(0, places, marked), replicated=True)
            whole = whole[whole[:, -1] > 0]
            logits, targets = whole[:, :classes], whole[:, classes:-1]
        if not len(logits):
            return None
        return self._setting.target.loss(logits, targets, self._setting.class_weights, self._settings.smoothing)


def _groups(encoders: Sequence[nn.Module], head: nn.Module | None, settings: TrainingSettings) -> list[dict[str, Any]]:
    encoder: list[nn.Parameter] = []
    rest = [] if head is None else list(head.parameters())
    for model in encoders:
        for name, parameter in model.named_parameters():
            (encoder if name.startswith("encoder.") else rest).append(parameter)
    rates = (settings.encoder_learning_rate or settings.learning_rate, settings.learning_rate)
    return [
        {"params": [parameter for parameter in parameters if parameter.requires_grad], "lr": rate}
        for parameters, rate in zip((encoder, rest), rates, strict=True)
        if parameters
    ]


def hide(present: Tensor, chance: float, random: np.random.Generator, *, first: int = 0) -> Tensor:
    """Hide each present stream of ``[B, S]`` with a chance, but never all streams of a row.

    Args:
        present: Rows of a batch.
        chance: For each stream.
        random: Draws for the whole batch.
        first: The place of the first row in it.
    """
    if chance <= 0 or present.shape[1] < 2:
        return present
    draws = torch.from_numpy(random.random((first + len(present), present.shape[1]))[first:])
    shown = present & (draws >= chance)
    # Where everything would be hidden, the present stream with the highest draw stays.
    best = torch.where(present, draws, torch.full_like(draws, -1.0)).argmax(dim=1)
    rescued = torch.zeros_like(present)
    rescued[torch.arange(len(present)), best] = True
    lost = ~shown.any(dim=1, keepdim=True)
    return shown | (lost & rescued & present)


def partners(places: NDArray[np.int64], draws: NDArray[np.float64]) -> Tensor:
    """For each row the position ``[P]`` of the row that it is mixed with; its own where its block has no other.

    Args:
        places: ``[P]``, where the rows stand in the batch.
        draws: ``[B]``, a random number for each place.
    """
    partner = np.arange(len(places))
    for block in np.unique(places // MIX_BLOCK):
        rows = np.flatnonzero(places // MIX_BLOCK == block)
        order = rows[np.argsort(draws[places[rows]])]
        partner[order] = np.roll(order, 1)
    return torch.from_numpy(partner)


def mixed(tensors: Batch, targets: Tensor, keys: Sequence[str], share: float, partner: Tensor) -> tuple[Batch, Tensor]:
    """Mixup (Zhang et al. 2018, arXiv 1710.09412) of the named inputs; masks are united.

    Args:
        tensors: By key, ``[P, ...]``.
        targets: ``[P, C]``.
        keys: What is blended, of what there is; without any of it, targets stay as well.
        share: Of a row itself; the rest is its partner's.
        partner: ``[P]``, the position of each row's partner.
    """
    there = [key for key in keys if key in tensors]
    if not there:
        return tensors, targets
    blended = dict(tensors)
    for key in there:
        blended[key] = share * tensors[key] + (1 - share) * tensors[key][partner]
    if "mask" in tensors:
        blended["mask"] = tensors["mask"] | tensors["mask"][partner]
    return blended, share * targets + (1 - share) * targets[partner]


def class_weights(targets: NDArray[np.float32]) -> Tensor:
    """Weights ``[C]`` inverse to how often each class occurs in training, with mean 1 over rows."""
    counts = np.nansum(targets, axis=0)
    weights = np.where(counts > 0, counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1e-9)), 0.0)
    return torch.from_numpy(weights.astype(np.float32))


def balanced_chances(targets: NDArray[np.float32]) -> NDArray[np.float64]:
    """A chance for each training clip such that all classes are drawn equally often."""
    weights = class_weights(targets).numpy().astype(np.float64)
    return np.asarray((targets * weights).sum(axis=1))
