"""The global plan of batches: addressed, complete, with the kinds that the mix asks for."""

from __future__ import annotations

import pickle
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contrastive.batches import facts_of
from contrastive.pairs import PairKind, pair_kinds
from contrastive.plan import ClipFacts, PairPlan
from contrastive.step import drawn_kinds

MIX = {"positive": 1, "other_emotion": 1, "same_emotion": 1}


def clips(count: int, classes: int = 4, seconds: int = 5, seed: int = 0) -> ClipFacts:
    random = np.random.default_rng(seed)
    return ClipFacts(
        random.integers(0, classes, count), np.arange(count), random.integers(seconds * 500, seconds * 1000, count)
    )


def plan(facts: ClipFacts, **changes: Any) -> PairPlan:
    values: dict[str, Any] = {
        "seed": 1,
        "facts": facts,
        "window": 1900,
        "batch": 24,
        "mix": MIX,
        "begins": {},
        "epochs": 10,
        "shift": 1000,
        "drawn": True,
    }
    return PairPlan(**{**values, **changes})


def test_an_epoch_visits_each_clip_once_and_epochs_differ() -> None:
    one = plan(clips(96))
    visits = [one.planned(epoch, step).clip for epoch in (0, 1) for step in range(one.steps)]
    assert sorted(np.concatenate(visits[: one.steps]).tolist()) == list(range(96))
    assert visits[0].tolist() != visits[one.steps].tolist()


def test_batches_are_addressed_and_not_consumed() -> None:
    one, other = plan(clips(96)), pickle.loads(pickle.dumps(plan(clips(96))))
    later = one.planned(3, 2)
    one.planned(0, 0)
    again = other.planned(3, 2)
    for key in ("clip", "start", "valid"):
        assert np.array_equal(getattr(later, key), getattr(again, key))
    assert later.pairs is not None
    assert again.pairs is not None
    assert np.array_equal(later.pairs.column, again.pairs.column)
    assert not np.array_equal(plan(clips(96), seed=2).planned(3, 2).start, later.start)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-1, 3), min_size=12, max_size=40),
    st.lists(st.integers(0, 6), min_size=40, max_size=40),
    st.tuples(st.integers(1, 3), st.integers(0, 3), st.integers(0, 3), st.integers(0, 1)),
)
def test_drawn_pairs_are_what_they_are_called(
    labels: list[int], twins: list[int], numbers: tuple[int, int, int, int]
) -> None:
    """Never a false negative, never another kind than the rules say, never more than the mix asks for."""
    positive, other, same, shifted = numbers
    count = len(labels)
    content = np.where(np.arange(count) < 6, np.array(twins[:count]), np.arange(count))
    length = np.array([2000 + 300 * (k % 7) for k in range(count)])
    facts = ClipFacts(np.array(labels), content, length)
    mix = {"positive": positive, "other_emotion": other, "same_emotion": same, "same_clip_shifted": shifted}
    one = plan(facts, mix=mix, batch=12)
    batch = one.planned(0, 0)
    assert batch.pairs is not None
    rows = facts_of(batch, facts)
    kinds = pair_kinds(rows, rows, shift=1000).numpy()
    assert batch.valid[batch.pairs.row].all()
    assert batch.valid[batch.pairs.column].all()
    assert np.array_equal(kinds[batch.pairs.row, batch.pairs.column], batch.pairs.kind)
    found = Counter(batch.pairs.kind.tolist())
    assert found[PairKind.POSITIVE] == batch.valid.sum()
    known_negatives = found[PairKind.OTHER_EMOTION] + found[PairKind.SAME_EMOTION] + found[PairKind.OTHER_CLIP]
    assert known_negatives <= (12 * other // positive) + (12 * same // positive)
    assert found[PairKind.SAME_CLIP_SHIFTED] <= 12 * shifted // positive


def test_the_mix_is_met_where_the_clips_allow_it() -> None:
    pairs = plan(clips(400), batch=96, mix={"positive": 2, "other_emotion": 1, "same_emotion": 4}).planned(0, 0).pairs
    assert pairs is not None
    found = Counter(pairs.kind.tolist())
    assert (found[1], found[2], found[3]) == (96, 48, 192)
    rows = Counter(pairs.row[pairs.kind == 3].tolist())
    assert set(rows.values()) == {2}, "evenly over the windows"
    assert int((drawn_kinds(pairs, slice(0, 96), 96) != 0).sum()) == 96 + 48 + 192, "no pair is drawn twice"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1000, 9000), min_size=8, max_size=8), st.integers(0, 50))
def test_windows_lie_in_their_clips_and_shifted_ones_apart(lengths: list[int], step: int) -> None:
    facts = ClipFacts(np.zeros(8, np.int64), np.arange(8), np.array(lengths))
    one = plan(facts, mix={"positive": 1, "same_clip_shifted": 1}, batch=16)
    batch = one.planned(step, 0)
    for first, second in zip(range(0, 16, 2), range(1, 16, 2), strict=True):
        assert batch.clip[first] == batch.clip[second]
        length = lengths[batch.clip[first]]
        assert batch.valid[first]
        assert batch.valid[second] == (length >= 1900 + 1000)
        for place in (first, second):
            if batch.valid[place]:
                assert 0 <= batch.start[place] <= max(length - 1900, 0)
        if batch.valid[second]:
            assert abs(batch.start[first] - batch.start[second]) >= 1000


def test_clips_fill_a_batch_by_the_mix() -> None:
    facts = clips(400)
    one = plan(facts, drawn=False, batch=25, mix={"positive": 1, "other_emotion": 2, "same_emotion": 1})
    batch = one.planned(0, 0)
    assert batch.pairs is None
    labels = facts.label[batch.clip][:24].reshape(6, 4)
    assert (labels[:, 1] != labels[:, 0]).all()
    assert (labels[:, 2] != labels[:, 0]).all()
    assert (labels[:, 3] == labels[:, 0]).all()
    assert (batch.clip[:24].reshape(6, 4)[:, 3] != batch.clip[:24].reshape(6, 4)[:, 0]).all()


def test_a_class_with_a_single_clip_has_no_pair_of_its_own_emotion() -> None:
    facts = ClipFacts(np.array([0, *[1] * 11]), np.arange(12), np.full(12, 4000))
    pairs = plan(facts, batch=12).planned(0, 0).pairs
    assert pairs is not None
    lonely = int(np.flatnonzero(plan(facts, batch=12).planned(0, 0).clip == 0)[0])
    assert not np.isin(PairKind.SAME_EMOTION, pairs.kind[pairs.row == lonely])
    assert np.isin(PairKind.OTHER_EMOTION, pairs.kind[pairs.row == lonely])


def test_a_curriculum_lets_kinds_wait() -> None:
    one = plan(clips(96), begins={"same_emotion": 0.5})
    early, late = one.planned(4, 0).pairs, one.planned(5, 0).pairs
    assert early is not None
    assert late is not None
    assert PairKind.SAME_EMOTION not in early.kind
    assert PairKind.SAME_EMOTION in late.kind
    assert one.active(4) == {"positive", "other_emotion"}
    assert (one.waiting(4), one.waiting(5)) == ({"same_emotion"}, frozenset())


def test_partners_are_drawn_evenly() -> None:
    facts = ClipFacts(np.repeat([0, 1], 10), np.arange(20), np.full(20, 4000))
    one = plan(facts, drawn=False, batch=20, mix={"positive": 1, "same_emotion": 1})
    met: Counter[tuple[int, int]] = Counter()
    for epoch in range(400):
        chosen = one.planned(epoch, 0).clip.reshape(10, 2)
        met.update((int(a), int(b)) for a, b in chosen)
    # 4,000 draws over 180 possible partners, 22.2 each: chi-square with 170 degrees of freedom
    counts = np.array([met[a, b] for half in (range(10), range(10, 20)) for a in half for b in half if a != b])
    assert counts.sum() == 4000
    assert ((counts - 4000 / 180) ** 2 / (4000 / 180)).sum() < 250


@pytest.mark.parametrize("drawn", [True, False])
def test_memory_does_not_grow_with_epochs(drawn: bool) -> None:
    one = plan(clips(96), drawn=drawn, epochs=10_000)
    for epoch in range(0, 10_000, 500):
        one.planned(epoch, 0)
    assert len(one._orders) == 1
