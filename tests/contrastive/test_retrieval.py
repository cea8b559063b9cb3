"""Figures of validation, on cases that can be counted by hand."""

from __future__ import annotations

import math

import pytest
import torch

from contrastive.pairs import PairKind
from contrastive.retrieval import alignment, collapse, distances, retrieval, uniformity


def kinds_of(count: int) -> torch.Tensor:
    kinds = torch.full((count, count), int(PairKind.OTHER_EMOTION), dtype=torch.int8)
    return kinds.fill_diagonal_(int(PairKind.POSITIVE))


def test_recall_counts_partners_among_the_nearest() -> None:
    similarity = torch.zeros(20, 20)
    similarity[torch.arange(20), torch.arange(20)] = 1.0
    similarity[0, 1] = 2.0  # rank 1
    similarity[1, 2:9] = 2.0  # rank 7
    found = retrieval(similarity, kinds_of(20))
    assert found.ranks.tolist()[:3] == [1, 7, 0]
    assert found.recall == {1: 18 / 20, 5: 19 / 20, 10: 1.0}
    assert found.chance == {1: pytest.approx(1 / 20), 5: pytest.approx(5 / 20), 10: pytest.approx(10 / 20)}


def test_a_constant_answer_finds_nothing() -> None:
    found = retrieval(torch.ones(12, 12), kinds_of(12))
    assert found.recall[10] == 0.0
    assert retrieval(torch.full((12, 12), torch.nan), kinds_of(12)).recall[10] == 0.0


def test_a_twin_is_no_mistake() -> None:
    similarity = torch.eye(3)
    similarity[0, 1] = 5.0
    kinds = kinds_of(3)
    kinds[0, 1] = kinds[1, 0] = int(PairKind.NONE)
    found = retrieval(similarity, kinds)
    assert found.ranks.tolist() == [0, 0, 0]
    assert found.chance[1] == pytest.approx((1 / 2 + 1 / 2 + 1 / 3) / 3)


def test_distances_by_kind() -> None:
    first = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    found = distances(first, first, torch.tensor([[1, 2], [0, 1]]))
    assert found == {PairKind.POSITIVE: 0.0, PairKind.OTHER_EMOTION: 5.0}


def test_alignment_and_uniformity() -> None:
    points = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0], [0.0, -1.0]])
    assert alignment(points, points * 5) == 0.0
    assert alignment(points, -points) == pytest.approx(4.0)
    # four pairs at a right angle (squared distance 2), two opposite (4)
    assert uniformity(points) == pytest.approx(math.log((4 * math.exp(-4) + 2 * math.exp(-8)) / 6))
    assert uniformity(points) < uniformity(torch.ones(4, 2)) == 0.0
    assert uniformity(points[:1]) == 0.0


def test_collapse_is_named() -> None:
    random = torch.Generator().manual_seed(0)
    healthy = torch.randn(40, 16, generator=random)
    assert collapse(healthy) is None
    assert collapse(torch.ones(40, 16)) == "all windows have one embedding"
    assert "mean cosine of different windows is 0.99" in str(collapse(healthy * 0.05 + 1))
    line = torch.randn(40, 1, generator=random) @ torch.ones(1, 16)
    assert collapse(line) == "windows differ along 1.0 of 16 dimensions"
    assert collapse(healthy[:2]) is None
