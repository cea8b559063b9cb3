"""A share of the labels: nested, by class and by whole takes, the same in every fold and job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fusion.contract import Clip
from fusion.data.batches import ClipTable
from fusion.training.label_share import known_takes, only_labelled, with_hidden_labels

NAMES = ("calm", "loud", "odd")


@dataclass
class Classes:
    """A target as far as a share of labels looks at it."""

    kind: str = "single"

    def encode(self, labels: Mapping[str, str]) -> NDArray[np.float32] | None:
        return None if "emotion" not in labels else np.eye(3, dtype=np.float32)[NAMES.index(labels["emotion"])]


@dataclass
class Table:
    """A table as far as a share of labels looks at it."""

    clips: tuple[Clip, ...]
    targets: NDArray[np.float32]
    plans: dict[str, Any] = field(default_factory=dict)

    def subset(self, streams: list[str], places: list[int] | None = None) -> Table:
        assert streams == []
        chosen = list(range(len(self.clips))) if places is None else places
        return Table(tuple(self.clips[place] for place in chosen), self.targets[chosen])


TARGET = cast("Any", Classes())
corpus = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=1, max_size=60)
shares = st.floats(0.01, 1.0, exclude_max=True)


def clips(rows: list[tuple[int, int]], name: str = "a") -> list[Clip]:
    """Clips with a class and a take of that class."""
    return [
        Clip(f"{name}{number}", (), labels={"emotion": NAMES[label]}, take=f"{name}:{label}-{take}")
        for number, (label, take) in enumerate(rows)
    ]


def known(*corpora: list[Clip], share: float, seed: int = 0) -> frozenset[str]:
    found = known_takes(corpora, TARGET, share, seed)
    assert found is not None
    return found


@given(rows=corpus, small=shares, large=shares, seed=st.integers(0, 3))
def test_a_smaller_share_is_part_of_a_larger_one(
    rows: list[tuple[int, int]], small: float, large: float, seed: int
) -> None:
    few, many = (known(clips(rows), share=share, seed=seed) for share in sorted((small, large)))
    assert few <= many <= {str(clip.take) for clip in clips(rows)}
    assert known_takes([clips(rows)], TARGET, 1.0, seed) is None


@given(rows=corpus, share=shares, seed=st.integers(0, 3))
def test_of_each_class_it_is_that_share_of_takes(rows: list[tuple[int, int]], share: float, seed: int) -> None:
    kept = known(clips(rows), share=share, seed=seed)
    for label in {label for label, _ in rows}:
        there = len({take for own, take in rows if own == label})
        count = len([take for take in kept if take.startswith(f"a:{label}-")])
        assert count >= 1
        assert count == 1 or abs(count - share * there) <= 0.5 + 1e-9


@given(rows=corpus, other=corpus, share=shares)
def test_a_corpus_is_drawn_from_on_its_own(
    rows: list[tuple[int, int]], other: list[tuple[int, int]], share: float
) -> None:
    """What else pretraining takes in does not change which labels fine-tuning knows."""
    alone, both = known(clips(rows), share=share), known(clips(rows), clips(other, "b"), share=share)
    assert both - alone == known(clips(other, "b"), share=share)
    assert alone <= both
    assert known(clips(rows), clips(rows), share=share) == alone, "a take counts where it stands first"


def test_a_take_with_two_labels_is_known_or_unknown_as_a_whole() -> None:
    pair = [Clip(f"p{n}", (), labels={"emotion": name}, take="a:both") for n, name in enumerate(("calm", "loud"))]
    others = clips([(label, take) for label in range(2) for take in range(4)])
    counts = {len(known([*pair, *others], share=0.2, seed=seed)) for seed in range(6)}
    assert counts == {2}, "one of five takes that are calm, one of four that are loud"


def test_clips_without_a_label_or_a_take_find_their_place() -> None:
    rows = [Clip("x", (), labels={"emotion": "calm"}), Clip("y", ())]
    assert known(rows, share=0.5) == {"x"}


def test_seeds_draw_differently() -> None:
    rows = clips([(0, take) for take in range(12)])
    assert len({known(rows, share=0.5, seed=seed) for seed in range(5)}) > 1


def test_jobs_see_the_clips_without_labels_or_not_at_all() -> None:
    listed = clips([(label, take) for label in range(3) for take in range(4)])
    whole = cast("ClipTable", Table(tuple(listed), np.stack([TARGET.encode(clip.labels) for clip in listed])))
    some = known(listed, share=0.5)
    assert len(some) == 6
    kept = only_labelled(whole, some)
    assert [clip.id for clip in kept.clips] == [clip.id for clip in listed if clip.take in some]
    hidden = with_hidden_labels(whole, some)
    assert len(hidden.clips) == 12
    assert [bool(np.isfinite(row).all()) for row in hidden.targets] == [clip.take in some for clip in listed]
    assert np.isfinite(whole.targets).all(), "the table itself has lost its labels"
    assert only_labelled(whole, None) is whole
    assert with_hidden_labels(whole, None) is whole
