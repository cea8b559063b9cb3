"""A share of the labels: as if the other training clips had never been labelled."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from fusion.contract import Clip, Target
from fusion.data.batches import ClipTable
from fusion.data.randomness import generator


def known_takes(corpora: Sequence[Iterable[Clip]], target: Target, share: float, seed: int) -> frozenset[str] | None:
    """The takes whose labels are known wherever they train: the same ones in every fold and every job.

    Of each class it is that share of its takes, rounded, at least one. What belongs to one take is known or unknown
    together, in the class of its first clip. A smaller share is part of a larger one.

    Args:
        corpora: Clips that are drawn from together, each on its own; a take counts where it stands first.
        target: What is predicted; dimensions are one class.
        share: Above 0, at most 1.
        seed: Of the draw.

    Returns:
        The takes (of clips without one, their ids); None where all labels are known.
    """
    if share == 1.0:
        return None
    known: set[str] = set()
    met: set[str] = set()
    for clips in corpora:
        classes: dict[int, list[str]] = defaultdict(list)
        for clip in clips:
            encoded = target.encode(clip.labels)
            if encoded is not None and _take(clip) not in met:
                met.add(_take(clip))
                classes[0 if target.kind == "dimensions" else int(np.argmax(encoded))].append(_take(clip))
        for takes in classes.values():
            turns = sorted(takes, key=lambda take: (generator(seed, "label share", take).random(), take))
            known.update(turns[: max(1, math.floor(share * len(turns) + 0.5))])
    return frozenset(known)


def only_labelled(table: ClipTable, known: frozenset[str] | None) -> ClipTable:
    """The clips with known labels, for jobs that learn from labels."""
    if known is None:
        return table
    return table.subset(list(table.plans), [n for n, clip in enumerate(table.clips) if _take(clip) in known])


def with_hidden_labels(table: ClipTable, known: frozenset[str] | None) -> ClipTable:
    """All clips, those of other takes without their labels, for jobs that can do without."""
    if known is None:
        return table
    hidden = table.subset(list(table.plans))
    hidden.targets[[_take(clip) not in known for clip in table.clips]] = np.nan
    return hidden


def _take(clip: Clip) -> str:
    return clip.take or clip.id
