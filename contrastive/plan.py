"""Which windows make up a pretraining batch, and which of them are pairs: one global plan for any number of processes.

A batch is addressed by (seed, epoch, step), vectorised, and costs the same however many clips and epochs there are;
one permutation of the clips is kept for the epoch under way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from contrastive.pairs import PairKind
from fusion.data.randomness import below, generator, hashed

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: How often a pair that turned out to show one content twice, or to be there already, is drawn anew.
REDRAWS = 8


@dataclass(frozen=True)
class ClipFacts:
    """What the plan knows of the clips.

    Args:
        label: ``[n]`` emotion; -1 where it is not known.
        content: ``[n]`` clips that show the same event or bytes share a number.
        length: ``[n]`` duration, in grains of time.
    """

    label: Numbers
    content: Numbers
    length: Numbers


@dataclass(frozen=True)
class DrawnPairs:
    """Pairs of a batch: places of the windows ``row`` and ``column`` ``[P]`` and their ``kind`` ``[P]``."""

    row: Numbers
    column: Numbers
    kind: NDArray[np.int8]


@dataclass(frozen=True)
class PlannedBatch:
    """One global batch of N windows.

    Args:
        clip: ``[N]`` places in the table of clips.
        start: ``[N]`` where windows begin, in grains.
        valid: ``[N]`` False where a clip is too short for its second window; such places stay empty.
        pairs: The drawn pairs; None where every two windows are one.
    """

    clip: Numbers
    start: Numbers
    valid: Flags
    pairs: DrawnPairs | None


@dataclass(frozen=True)
class PairPlan:
    """All batches of a pretraining.

    Args:
        seed: Of the run.
        facts: Of the training clips.
        window: Length of a window in grains; None for whole clips.
        batch: Windows in a global batch.
        mix: By kind, pairs in proportion to each other (``drawn``), or how many clips of that kind join each clip
            in the batch (otherwise).
        begins: By kind, the share of all epochs after which it joins in.
        epochs: Of the whole pretraining.
        shift: Grains between the beginnings of two windows of a clip.
        drawn: Whether pairs are drawn by kind.
    """

    seed: int
    facts: ClipFacts
    window: int | None
    batch: int
    mix: Mapping[str, int]
    begins: Mapping[str, float]
    epochs: int
    shift: int
    drawn: bool
    _orders: dict[int, Numbers] = field(default_factory=dict, repr=False, compare=False)

    @property
    def views(self) -> int:
        """Windows of each clip in a batch."""
        return 2 if self.mix.get("same_clip_shifted", 0) else 1

    @property
    def slots(self) -> int:
        """Clips in a batch."""
        return self.batch // self.views

    @property
    def steps(self) -> int:
        """Whole batches in an epoch; clips that are left over wait for another epoch's order."""
        return max(1, len(self.facts.label) // self.slots)

    def active(self, epoch: int) -> frozenset[str]:
        """The kinds that take part in an epoch."""
        return frozenset(kind for kind, count in self.mix.items() if count > 0) - self.waiting(epoch)

    def waiting(self, epoch: int) -> frozenset[str]:
        """The kinds that the curriculum still holds back."""
        return frozenset(kind for kind, share in self.begins.items() if epoch / max(self.epochs, 1) < share)

    def planned(self, epoch: int, step: int) -> PlannedBatch:
        """The batch of one step."""
        clips = self._clips(epoch, step)
        start, valid = self._starts(clips, epoch, step)
        clip = np.repeat(clips, self.views)
        pairs = self._pairs(clip, valid, epoch, step) if self.drawn else None
        return PlannedBatch(clip, start, valid, pairs)

    def _order(self, epoch: int) -> Numbers:
        """The clips in the order of an epoch."""
        if epoch not in self._orders:
            self._orders.clear()
            order = generator(self.seed, "pretrain order", epoch).permutation(len(self.facts.label))
            self._orders[epoch] = order.astype(np.int64)
        return self._orders[epoch]

    def _clips(self, epoch: int, step: int) -> Numbers:
        """Clips of a batch: in the epoch's order, or each with partners of the wanted kinds."""
        order, slots = self._order(epoch), self.slots
        wanted = [] if self.drawn else [k for k in ("other_emotion", "same_emotion") if k in self.active(epoch)]
        counts = [self.mix[kind] for kind in wanted]
        groups = slots // (1 + sum(counts))
        if not counts or groups == 0:
            return order[step * slots : (step + 1) * slots]
        anchors = order[step * groups : (step + 1) * groups]
        members = [anchors]
        for kind, count in zip(wanted, counts, strict=True):
            for number in range(count):
                bits = hashed(np.arange(groups), self.seed, "pretrain partner", epoch, step, kind, number)
                members.append(self._index.partners(anchors, bits, same=kind == "same_emotion"))
        # Slots that do not make up a group hold clips of the order's rest.
        rest = slots - groups * len(members)
        first = groups * self.steps + rest * step
        return np.concatenate([np.stack(members, axis=1).reshape(-1), order[first : first + rest]])

    @cached_property
    def _index(self) -> _LabelIndex:
        return _LabelIndex(self.facts.label)

    def _starts(self, clips: Numbers, epoch: int, step: int) -> tuple[Numbers, Flags]:
        """Where windows begin, two apart from each other where the mix has shifted pairs; and which there are."""
        count = len(clips)
        if self.window is None:
            return np.zeros(count, np.int64), np.ones(count, np.bool_)
        places = np.maximum(self.facts.length[clips] - self.window, 0) + 1
        address = (self.seed, "pretrain window", epoch, step)
        slots = np.arange(count)
        single = below(hashed(slots, *address, 0), places)
        if self.views == 1:
            return single, np.ones(count, np.bool_)
        room = places - self.shift
        feasible = room > 0
        gap = self.shift + below(hashed(slots, *address, 1), np.maximum(room, 1))
        low = below(hashed(slots, *address, 2), np.maximum(places - gap, 1))
        swapped = (hashed(slots, *address, 3) >> np.uint64(63)).astype(np.bool_)
        first = np.where(feasible, np.where(swapped, low + gap, low), single)
        second = np.where(feasible, np.where(swapped, low, low + gap), 0)
        valid = np.stack([np.ones(count, np.bool_), feasible], axis=1).reshape(-1)
        return np.stack([first, second], axis=1).reshape(-1), valid

    def _pairs(self, clip: Numbers, valid: Flags, epoch: int, step: int) -> DrawnPairs:
        """As many pairs of each kind as the mix says, in proportion to the positive ones."""
        places = np.arange(self.batch)
        index = _LabelIndex(self.facts.label[clip])
        rows, columns, kinds = [places], [places], [np.full(self.batch, PairKind.POSITIVE, np.int8)]
        for name in ("other_emotion", "same_emotion", "same_clip_shifted"):
            if name not in self.active(epoch):
                continue
            count = self.batch * self.mix[name] // self.mix["positive"]
            # Spread over the rows evenly where there are fewer pairs than rows, round after round where there are more.
            row = np.arange(count) * self.batch // count if count < self.batch else np.arange(count) % self.batch
            if name == "same_clip_shifted":
                column = row ^ 1
                kind = np.full(count, PairKind.SAME_CLIP_SHIFTED, np.int8)
            else:
                column, kind = self._drawn(clip, index, row, (epoch, step, name))
            rows.append(row)
            columns.append(column)
            kinds.append(kind)
        row, column, kind = np.concatenate(rows), np.concatenate(columns), np.concatenate(kinds)
        keep = valid[row] & valid[column] & (kind != PairKind.NONE) & ~_repeated(row, column, self.batch)
        return DrawnPairs(row[keep], column[keep], kind[keep])

    def _drawn(
        self, clip: Numbers, index: _LabelIndex, row: Numbers, address: tuple[int, int, str]
    ) -> tuple[Numbers, NDArray[np.int8]]:
        """A partner inside the batch for each row, and the kind that the pair has; NONE where none was found."""
        content, label = self.facts.content[clip], self.facts.label[clip]
        column = row.copy()
        for attempt in range(REDRAWS):
            again = (content[row] == content[column]) | _repeated(row, column, len(clip))
            if not again.any():
                break
            bits = hashed(np.flatnonzero(again), self.seed, "pretrain pair", *address, attempt)
            column[again] = index.partners(row[again], bits, same=address[2] == "same_emotion")
        known = (label[row] >= 0) & (label[column] >= 0)
        equal = label[row] == label[column]
        kind = np.where(known, np.where(equal, PairKind.SAME_EMOTION, PairKind.OTHER_EMOTION), PairKind.OTHER_CLIP)
        wanted = PairKind.SAME_EMOTION if address[2] == "same_emotion" else PairKind.OTHER_EMOTION
        wrong = (known & (kind != wanted)) | (content[row] == content[column]) | _repeated(row, column, len(clip))
        return column, np.where(wrong, PairKind.NONE, kind).astype(np.int8)


def _repeated(row: Numbers, column: Numbers, count: int) -> Flags:
    """Which pairs have stood before them already."""
    repeated = np.ones(len(row), np.bool_)
    repeated[np.unique(row * count + column, return_index=True)[1]] = False
    return repeated


class _LabelIndex:
    """Items sorted by label, to draw one of the same or of another label at once."""

    def __init__(self, label: Numbers) -> None:
        self._label = label + 1  # unknown ones first
        self._sorted = np.argsort(self._label, kind="stable")
        self._rank = np.empty_like(self._sorted)
        self._rank[self._sorted] = np.arange(len(label))
        self._count = np.bincount(self._label, minlength=1)
        self._first = np.concatenate([[0], np.cumsum(self._count)[:-1]])

    def partners(self, items: Numbers, bits: NDArray[np.uint64], *, same: bool) -> Numbers:
        """For each item another one with the same label, or with another known one.

        Where its own label is not known, or no item qualifies, any other item.
        """
        total, label = len(self._label), self._label[items]
        first, count, rank = self._first[label], self._count[label], self._rank[items]
        if same:
            draw = first + below(bits, np.maximum(count - 1, 0))
            draw = draw + (draw >= rank)
            possible = (label > 0) & (count > 1)
        else:
            draw = self._count[0] + below(bits, np.maximum(total - self._count[0] - count, 0))
            draw = draw + np.where(draw >= first, count, 0)
            possible = (label > 0) & (total - self._count[0] - count > 0)
        anyone = below(bits, max(total - 1, 0))
        anyone = anyone + (anyone >= rank)
        place = np.where(possible, draw, np.minimum(anyone, total - 1))
        return np.asarray(self._sorted[place], dtype=np.int64)
