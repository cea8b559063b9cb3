"""Pretraining as the training loop sees it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from contrastive.batches import PairBatch, pair_batches
from contrastive.comparison import Compared, compare
from contrastive.model import PretrainModel
from contrastive.plan import ClipFacts, PairPlan
from contrastive.step import PairRules, encode, step_loss
from fusion.contract import Fitted
from fusion.data.batches import ClipTable
from fusion.data.plan import Window
from fusion.training.loop import Score
from fusion.training.processes import World

#: Names of counts; those of pairs end with their kind.
PAIRS, EMPTY_PLACES, LOST_BATCHES = "pairs", "places without a window", "batches without a valid negative"


@dataclass(frozen=True)
class Validation:
    """Validation clips and the windows of theirs that are compared."""

    table: ClipTable
    facts: ClipFacts
    windows: Sequence[Window]


class ContrastiveTask:
    """Pairs of a training part, scored on a validation part by retrieval.

    Args:
        model: Encoders and objectives.
        train: Training clips.
        validation: Validation clips; None where there are none.
        plan: Of batches.
        rules: By epoch, what counts as a pair.
        fitted: By stream.
        world: The processes.
        frozen: Streams whose encoders stay as they are.
        hear: Told what validation found after which epoch, and the epoch's counts.

    Attributes:
        counts: Of the epoch under way, over all processes: pairs by kind, empty places and lost batches.
    """

    def __init__(
        self,
        model: PretrainModel,
        train: ClipTable,
        validation: Validation | None,
        *,
        plan: PairPlan,
        rules: Callable[[int], PairRules],
        fitted: Mapping[str, Fitted],
        world: World,
        frozen: Sequence[str],
        learning_rate: float,
        workers: int,
        precision: Callable[[], torch.autocast],
        hear: Callable[[int, Sequence[Compared], Mapping[str, int]], None],
    ) -> None:
        self.model: PretrainModel = model
        self._train = train
        self._validation = validation
        self._plan = plan
        self._rules = rules
        self._fitted = fitted
        self._world = world
        self._frozen = tuple(frozen)
        self._learning_rate = learning_rate
        self._workers = workers
        self._precision = precision
        self._hear = hear
        self._epoch = 0
        self.counts: Counter[str] = Counter()

    @property
    def steps(self) -> int:
        return self._plan.steps

    @property
    def validated(self) -> bool:
        """Whether there are validation clips to choose the epoch by."""
        return self._validation is not None

    def groups(self) -> Sequence[dict[str, Any]]:
        """Everything that may learn. Scalars (a temperature) are not decayed."""
        free = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        return [
            {"params": [p for p in free if p.dim() > 0], "lr": self._learning_rate},
            *(
                [{"params": scalars, "lr": self._learning_rate, "weight_decay": 0.0}]
                if (scalars := [p for p in free if p.dim() == 0])
                else []
            ),
        ]

    def batches(self, first: tuple[int, int], epochs: int) -> Iterator[tuple[int, int, PairBatch]]:
        """This process's parts of the batches, by address."""
        return pair_batches(
            self._train,
            self._plan,
            self._fitted,
            rows=self._world.slice_of(self._plan.batch),
            first=first,
            epochs=epochs,
            workers=self._workers,
        )

    def loss(self, batch: PairBatch, epoch: int, step: int) -> Tensor | None:
        """The loss of a batch; None where it has no valid negative, which is counted."""
        del step
        self._epoch = epoch
        for name in self._frozen:
            self.model.encoders[name].eval()
        windows = batch.windows.to(next(self.model.parameters()).device)
        batch = PairBatch(windows, batch.places, batch.rows, batch.facts, batch.pairs)
        encoded = encode(self.model, batch, self._train, self._world, self._precision())
        result = step_loss(self.model, encoded, batch, self._rules(epoch), self._world)
        held = torch.stack(list(encoded.present.values())).any(dim=0)
        self.counts.update({f"{PAIRS} {kind.name.lower()}": count for kind, count in result.counts.items()})
        self.counts.update({EMPTY_PLACES: int((~held).sum()), LOST_BATCHES: int(result.loss is None)})
        if result.loss is None:
            return None
        # Each process computes its rows' part; what is logged is the whole.
        whole = result.loss.detach().clone()
        self._world.sum_([whole])
        return result.loss + (whole - result.loss.detach())

    def compared(self) -> list[Compared]:
        """The validation clips held against each other, with the weights as they are."""
        if self._validation is None:
            return []
        held = self._validation
        return compare(self.model, held.table, held.facts, held.windows, self._fitted, precision=self._precision)

    @torch.no_grad()
    def validate(self) -> Score:
        """Mean recall at 1 over pairs of streams and directions; the loss is minus the mean reciprocal rank."""
        compared = self.compared()
        self._hear(self._epoch, compared, self.counts)
        found = [one for pair in compared for one in pair.found.values()]
        recall = sum(one.recall[1] for one in found) / max(len(found), 1)
        reciprocal = sum(float((1 / (one.ranks.double() + 1)).mean()) for one in found) / max(len(found), 1)
        figures = {key: value for pair in compared for key, value in pair.figures().items()}
        return Score(recall, -reciprocal, figures)
