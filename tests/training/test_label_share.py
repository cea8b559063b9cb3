"""A share of the labels: nested, by class and by take, the same in every fold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fusion.data.batches import ClipTable
from fusion.training.label_share import known_places, only_labelled, with_hidden_labels


@dataclass
class Named:
    """A clip as far as a share of labels looks at it."""

    id: str
    take: str | None


@dataclass
class Labels:
    """A table as far as a share of labels looks at it."""

    clips: tuple[Named, ...]
    targets: NDArray[np.float32]
    plans: dict[str, Any] = field(default_factory=dict)

    def subset(self, streams: list[str], places: list[int] | None = None) -> Labels:
        assert streams == []
        chosen = list(range(len(self.clips))) if places is None else places
        return Labels(tuple(self.clips[place] for place in chosen), self.targets[chosen])


@dataclass
class Kind:
    """A target as far as a share of labels looks at it."""

    kind: str = "single"


TARGET = cast("Any", Kind())
labels = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=1, max_size=60)


def table(rows: list[tuple[int, int]]) -> ClipTable:
    """Clips with a class and a take of that class."""
    clips = tuple(Named(f"c{n}", f"{label}-{take}") for n, (label, take) in enumerate(rows))
    targets = np.eye(3, dtype=np.float32)[[label for label, _ in rows]]
    return cast("ClipTable", Labels(clips, targets))


@given(rows=labels, small=st.floats(0.01, 1.0), large=st.floats(0.01, 1.0), seed=st.integers(0, 3))
def test_a_smaller_share_is_part_of_a_larger_one(
    rows: list[tuple[int, int]], small: float, large: float, seed: int
) -> None:
    few, many = (set(known_places(table(rows), TARGET, share, seed)) for share in sorted((small, large)))
    assert few <= many
    assert set(known_places(table(rows), TARGET, 1.0, seed)) == set(range(len(rows)))


@given(rows=labels, share=st.floats(0.01, 1.0), seed=st.integers(0, 3))
def test_of_each_class_it_is_that_share_of_whole_takes(rows: list[tuple[int, int]], share: float, seed: int) -> None:
    known = known_places(table(rows), TARGET, share, seed)
    assert known == sorted(known)
    takes = {rows[place] for place in known}
    assert [place for place, row in enumerate(rows) if row in takes] == known, "a take is torn apart"
    for label in {label for label, _ in rows}:
        there = len({take for own, take in rows if own == label})
        kept = len([1 for own, _ in takes if own == label])
        assert kept >= 1
        assert kept == 1 or abs(kept - share * there) <= 0.5 + 1e-9


@given(rows=labels, gone=st.integers(0, 9), seed=st.integers(0, 3))
def test_the_turn_of_a_take_does_not_depend_on_the_fold(rows: list[tuple[int, int]], gone: int, seed: int) -> None:
    """Of two takes of a class, the one that is known alone in one fold is not the unknown one of the other."""
    rest = [row for row in rows if row[1] != gone]

    def known(some: list[tuple[int, int]]) -> set[tuple[int, int]]:
        return {some[place] for place in known_places(table(some), TARGET, 0.5, seed)}

    # those known in the larger fold come first; without one take, at most one more of its class moves up
    before, after = known(rows), known(rest)
    for label in range(3):
        lost = {row for row in before - after if row[0] == label and row[1] != gone}
        assert len(lost) <= (0 if (label, gone) in before else 1)


def test_seeds_draw_differently() -> None:
    rows = [(0, take) for take in range(12)]
    assert len({tuple(known_places(table(rows), TARGET, 0.5, seed)) for seed in range(5)}) > 1


def test_jobs_see_the_clips_without_labels_or_not_at_all() -> None:
    rows = [(label, take) for label in range(3) for take in range(4)]
    known = known_places(table(rows), TARGET, 0.5, 0)
    assert len(known) == 6
    kept = only_labelled(table(rows), TARGET, 0.5, 0)
    assert [clip.id for clip in kept.clips] == [f"c{place}" for place in known]
    whole = table(rows)
    hidden = with_hidden_labels(whole, TARGET, 0.5, 0)
    assert len(hidden.clips) == 12
    assert [place for place in range(12) if np.isfinite(hidden.targets[place]).all()] == known
    assert np.isfinite(whole.targets).all(), "the table itself has lost its labels"
    assert only_labelled(whole, TARGET, 1.0, 0) is whole
    assert with_hidden_labels(whole, TARGET, 1.0, 0) is whole
