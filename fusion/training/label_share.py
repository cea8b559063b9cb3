"""A share of a training part's labels: as if the other clips had never been labelled."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np

from fusion.contract import Target
from fusion.data.batches import ClipTable
from fusion.data.randomness import generator


def known_places(table: ClipTable, target: Target, share: float, seed: int) -> list[int]:
    """Places of the clips whose labels are known, in the table's order.

    Of each class it is that share of its takes, rounded, at least one; what belongs to one take is known or unknown
    together. A smaller share is part of a larger one, and a take's turn is the same in every fold.

    Args:
        table: A training part, every clip of it labelled or not.
        target: What is predicted; dimensions are one class.
        share: Above 0, at most 1.
        seed: Of the draw.
    """
    labelled = [bool(np.isfinite(row).all()) for row in table.targets]
    classes: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, clip in enumerate(table.clips):
        if labelled[place]:
            label = 0 if target.kind == "dimensions" else int(table.targets[place].argmax())
            classes[label][clip.take or clip.id].append(place)
    known: list[int] = []
    for takes in classes.values():
        turns = sorted(takes, key=lambda take: (generator(seed, "label share", take).random(), take))
        count = max(1, math.floor(share * len(turns) + 0.5))
        known += [place for take in turns[:count] for place in takes[take]]
    return sorted(known)


def only_labelled(table: ClipTable, target: Target, share: float, seed: int) -> ClipTable:
    """The clips with known labels, for jobs that learn from labels."""
    if share == 1.0:
        return table
    return table.subset(list(table.plans), known_places(table, target, share, seed))


def with_hidden_labels(table: ClipTable, target: Target, share: float, seed: int) -> ClipTable:
    """All clips, those of the other share without their labels, for jobs that can do without."""
    if share == 1.0:
        return table
    hidden = table.subset(list(table.plans))
    unknown = np.ones(len(table.clips), dtype=np.bool_)
    unknown[known_places(table, target, share, seed)] = False
    hidden.targets[unknown] = np.nan
    return hidden
