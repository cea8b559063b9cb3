"""Kinds of pairs of two streams' windows, and what makes a negative a false one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from enum import IntEnum

import torch
from torch import Tensor


class PairKind(IntEnum):
    """What two windows have to do with each other.

    The names say what the LbHER paper (Nukathati et al. 2024) calls a hard negative (``OTHER_EMOTION``) and a
    super-hard one (``SAME_EMOTION``), and what Korbar et al. 2018 (arXiv 1807.00230) call a hard one
    (``SAME_CLIP_SHIFTED``). ``OTHER_CLIP`` stands for the first two where an emotion is not known.
    """

    NONE = 0
    POSITIVE = 1
    OTHER_EMOTION = 2
    SAME_EMOTION = 3
    SAME_CLIP_SHIFTED = 4
    OTHER_CLIP = 5


#: All kinds that are negatives.
NEGATIVES = tuple(kind for kind in PairKind if kind > PairKind.POSITIVE)


@dataclass(frozen=True, slots=True)
class RowFacts:
    """What decides the kinds of a batch's pairs, one entry for each window.

    Args:
        place: ``[N]`` the window's place in the global batch.
        clip: ``[N]`` its clip.
        content: ``[N]`` clips that show the same event or bytes (twins, copies) share a number.
        label: ``[N]`` its clip's emotion; -1 where it is not known.
        start: ``[N]`` where it begins on the clip's clock, in any unit.
    """

    place: Tensor
    clip: Tensor
    content: Tensor
    label: Tensor
    start: Tensor

    def __getitem__(self, rows: slice) -> RowFacts:
        return RowFacts(*(getattr(self, field.name)[rows] for field in fields(self)))

    def to(self, device: torch.device) -> RowFacts:
        """The same on a device."""
        return RowFacts(*(getattr(self, field.name).to(device) for field in fields(self)))


def pair_kinds(rows: RowFacts, columns: RowFacts, *, shift: int | None) -> Tensor:
    """The kind of each pair of windows, ``[N, M]`` int8.

    A window pairs positively with itself only. Windows of one content are false negatives, hence no pair, unless they
    are of one clip and begin at least ``shift`` apart. The same emotion is a kind of pair and nothing false.

    Args:
        rows: Of one stream.
        columns: Of the other.
        shift: In the unit of ``start``; None where windows of one clip are never a pair.
    """
    known = (rows.label[:, None] >= 0) & (columns.label[None, :] >= 0)
    equal = rows.label[:, None] == columns.label[None, :]
    kinds = torch.full(known.shape, int(PairKind.OTHER_CLIP), dtype=torch.int8, device=known.device)
    kinds[known & ~equal] = PairKind.OTHER_EMOTION
    kinds[known & equal] = PairKind.SAME_EMOTION
    kinds[rows.content[:, None] == columns.content[None, :]] = PairKind.NONE
    if shift is not None:
        apart = (rows.start[:, None] - columns.start[None, :]).abs() >= shift
        kinds[(rows.clip[:, None] == columns.clip[None, :]) & apart] = PairKind.SAME_CLIP_SHIFTED
    kinds[rows.place[:, None] == columns.place[None, :]] = PairKind.POSITIVE
    return kinds


def without(kinds: Tensor, unwanted: Collection[PairKind]) -> Tensor:
    """The kinds ``[N, M]`` with some of them turned into no pair."""
    for kind in unwanted:
        kinds = kinds.masked_fill(kinds == kind, int(PairKind.NONE))
    return kinds


def among_present(kinds: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The kinds ``[N, M]`` with no pair where a stream is absent: ``rows`` ``[N]`` and ``columns`` ``[M]`` bool."""
    return kinds.masked_fill(~(rows[:, None] & columns[None, :]), int(PairKind.NONE))
