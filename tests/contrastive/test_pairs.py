"""Kinds of pairs, false negatives and mining."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from contrastive.mining import nearest_only
from contrastive.pairs import PairKind, RowFacts, among_present, pair_kinds, without

ROW = st.tuples(st.integers(0, 3), st.integers(-1, 2), st.integers(0, 6))


def facts(rows: list[tuple[int, int, int]], twins: dict[int, int] | None = None) -> RowFacts:
    """Rows of (clip, label, start); ``twins`` says which clips show what another does."""
    content = [(twins or {}).get(clip, clip) for clip, _, _ in rows]
    columns = [list(range(len(rows))), [r[0] for r in rows], content, [r[1] for r in rows], [r[2] for r in rows]]
    return RowFacts(*(torch.tensor(values, dtype=torch.long) for values in columns))


def kind_by_hand(rows: RowFacts, i: int, j: int, shift: int | None) -> PairKind:
    """The rules, one after another."""
    if i == j:
        return PairKind.POSITIVE
    if rows.clip[i] == rows.clip[j]:
        apart = shift is not None and abs(int(rows.start[i]) - int(rows.start[j])) >= shift
        return PairKind.SAME_CLIP_SHIFTED if apart else PairKind.NONE
    if rows.content[i] == rows.content[j]:
        return PairKind.NONE
    if rows.label[i] < 0 or rows.label[j] < 0:
        return PairKind.OTHER_CLIP
    return PairKind.SAME_EMOTION if rows.label[i] == rows.label[j] else PairKind.OTHER_EMOTION


@given(st.lists(ROW, min_size=1, max_size=9), st.one_of(st.none(), st.integers(1, 4)), st.integers(0, 8))
def test_every_pair_has_the_kind_that_the_rules_say(
    rows: list[tuple[int, int, int]], shift: int | None, cut: int
) -> None:
    table = facts(rows, twins={3: 2})
    part = slice(min(cut, len(rows)), len(rows))
    kinds = pair_kinds(table[part], table, shift=shift)
    assert kinds.dtype == torch.int8
    for i in range(part.start, len(rows)):
        for j in range(len(rows)):
            assert int(kinds[i - part.start, j]) == kind_by_hand(table, i, j, shift)


def test_the_same_emotion_is_a_kind_and_no_mask() -> None:
    kinds = pair_kinds(facts([(0, 1, 0), (1, 1, 0)]), facts([(0, 1, 0), (1, 1, 0)]), shift=None)
    assert kinds.tolist() == [[1, 3], [3, 1]]
    assert without(kinds, [PairKind.SAME_EMOTION]).tolist() == [[1, 0], [0, 1]]


def test_twins_and_windows_close_by_are_false_negatives() -> None:
    rows = facts([(0, 1, 0), (0, 1, 900), (0, 1, 1000), (5, 1, 0)], twins={5: 0})
    assert pair_kinds(rows, rows, shift=1000)[0].tolist() == [1, 0, 4, 0]
    assert pair_kinds(rows, rows, shift=None)[0].tolist() == [1, 0, 0, 0]


def test_absent_streams_have_no_pairs() -> None:
    kinds = torch.ones(2, 3, dtype=torch.int8)
    shown = among_present(kinds, torch.tensor([True, False]), torch.tensor([True, False, True]))
    assert shown.tolist() == [[1, 0, 1], [0, 0, 0]]


def test_mining_keeps_the_nearest_of_a_kind() -> None:
    kinds = torch.tensor([[1, 2, 2, 2, 3, 3], [2, 1, 0, 0, 3, 3]], dtype=torch.int8)
    similarity = torch.tensor([[9.0, 1.0, 3.0, 2.0, 8.0, 7.0], [0.0, 9.0, 5.0, 5.0, 1.0, 2.0]])
    mined = nearest_only(kinds, similarity, {PairKind.OTHER_EMOTION: 2, PairKind.SAME_EMOTION: 1})
    assert mined.tolist() == [[1, 0, 2, 2, 3, 0], [2, 1, 0, 0, 0, 3]]
    assert nearest_only(kinds, similarity, {PairKind.SAME_EMOTION: 9}).tolist() == kinds.tolist()


@pytest.mark.parametrize("cut", [1, 2, 4])
def test_what_is_mined_does_not_depend_on_the_number_of_processes(cut: int) -> None:
    generator = torch.Generator().manual_seed(0)
    kinds = torch.randint(0, 4, (8, 8), generator=generator).to(torch.int8)
    similarity = torch.randn(8, 8, generator=generator)
    counts = {PairKind.OTHER_EMOTION: 2}
    whole = nearest_only(kinds, similarity, counts)
    step = 8 // cut
    parts = [nearest_only(kinds[k : k + step], similarity[k : k + step], counts) for k in range(0, 8, step)]
    assert torch.equal(torch.cat(parts), whole)
