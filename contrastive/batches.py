"""A process's part of the planned batches, as tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from contrastive.pairs import RowFacts
from contrastive.plan import ClipFacts, DrawnPairs, PairPlan, PlannedBatch
from fusion.contract import Fitted, FusionError, Span, Target
from fusion.corpora.duplicates import share_takes
from fusion.data.batches import ClipTable, WindowBatch, addressed_batches, make_batch
from fusion.data.plan import Window
from fusion.data.windows import GRAIN


@dataclass(frozen=True)
class PairBatch:
    """One step as a process sees it.

    Args:
        windows: Tensors of the process's own windows.
        places: ``[n]`` their places in the process's slice.
        rows: Places of the slice: the windows that belong to this process.
        facts: Of the whole batch.
        pairs: Of the whole batch; None where every two windows are one.
    """

    windows: WindowBatch
    places: Tensor
    rows: slice
    facts: RowFacts
    pairs: DrawnPairs | None

    def pin_memory(self) -> PairBatch:
        """Nothing is pinned: batches are small next to what encoders do."""
        return self


def clip_facts(table: ClipTable, target: Target) -> ClipFacts:
    """What the plan needs to know of a table's clips.

    Clips of one take share a number: corpora give one take to all that shows the same event, and what has the same
    bytes counts as one, also across corpora. A clip has an emotion where its target is one class.
    """
    names: dict[str | int, int] = {}
    shared = share_takes(table.clips)
    content = [names.setdefault(clip.take or place, len(names)) for place, clip in enumerate(shared)]
    targets = table.targets
    label = np.full(len(table.clips), -1, np.int64)
    if target.kind == "single" and target.names:
        known = np.isfinite(targets).all(axis=1)
        label[known] = targets[known].argmax(axis=1)
    length = np.array([int(duration / GRAIN) for duration in table.durations], np.int64)
    return ClipFacts(label, np.array(content, np.int64), length)


def facts_of(planned: PlannedBatch, clips: ClipFacts) -> RowFacts:
    """What decides the kinds of a planned batch's pairs."""
    return RowFacts(
        torch.arange(len(planned.clip)),
        torch.from_numpy(planned.clip),
        torch.from_numpy(clips.content[planned.clip]),
        torch.from_numpy(clips.label[planned.clip]),
        torch.from_numpy(planned.start),
    )


class _PairBatches(Dataset["PairBatch | FusionError"]):
    """Batches by (epoch, step): what loader workers compute, each batch whole; errors for people are handed over."""

    def __init__(self, table: ClipTable, plan: PairPlan, fitted: Mapping[str, Fitted], rows: slice) -> None:
        self._table, self._plan, self._fitted, self._rows = table, plan, fitted, rows

    def __getitem__(self, address: tuple[int, int]) -> PairBatch | FusionError:
        try:
            return self._batch(address)
        except FusionError as error:
            return error

    def _batch(self, address: tuple[int, int]) -> PairBatch:
        epoch, step = address
        plan = self._plan
        planned = plan.planned(epoch, step)
        own = range(*self._rows.indices(plan.batch))
        chosen = [place for place in own if place < len(planned.clip) and planned.valid[place]]
        windows = [self._window(planned, place) for place in chosen]
        batch = make_batch(
            self._table, windows, self._fitted, training=True, address=(plan.seed, "augment", epoch, step)
        )
        places = torch.tensor([place - own.start for place in chosen], dtype=torch.long)
        return PairBatch(batch, places, self._rows, facts_of(planned, plan.facts), planned.pairs)

    def _window(self, planned: PlannedBatch, place: int) -> Window:
        clip = int(planned.clip[place])
        duration = self._table.durations[clip]
        if self._plan.window is None:
            return Window(clip, Span(Fraction(0), duration), place)
        start = int(planned.start[place]) * GRAIN
        return Window(clip, Span(start, min(start + self._plan.window * GRAIN, duration)), place)


def pair_batches(
    table: ClipTable,
    plan: PairPlan,
    fitted: Mapping[str, Fitted],
    *,
    rows: slice,
    first: tuple[int, int],
    epochs: int,
    workers: int,
) -> Iterator[tuple[int, int, PairBatch]]:
    """Batches from (epoch, step) ``first`` to the end of the last epoch, as (epoch, step, batch).

    Args:
        table: The clips.
        plan: What they are cut into.
        fitted: By stream.
        rows: The places of the global batch that belong to this process.
        first: Where to begin.
        epochs: Where to end.
        workers: Loader processes; batches do not depend on them.
    """
    return addressed_batches(
        _PairBatches(table, plan, fitted, rows), steps=plan.steps, first=first, epochs=epochs, workers=workers
    )
