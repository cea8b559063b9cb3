"""The margin loss against its equation, written out in float64."""

from __future__ import annotations

import math

import pytest
import torch

from contrastive.margin import margin_loss
from contrastive.pairs import PairKind
from fusion.catalog import catalog
from fusion.contract import ComponentError


def by_hand(first: torch.Tensor, second: torch.Tensor, kinds: torch.Tensor, margin: float) -> float:
    total, pairs = 0.0, 0
    for row in range(len(first)):
        for column in range(len(second)):
            kind = int(kinds[row, column])
            if kind == PairKind.NONE:
                continue
            distance = math.sqrt(
                sum((a - b) ** 2 for a, b in zip(first[row].tolist(), second[column].tolist(), strict=True))
            )
            total += distance**2 if kind == PairKind.POSITIVE else max(margin - distance, 0.0) ** 2
            pairs += 1
    return total / pairs


def test_equals_the_papers_equation_in_float64() -> None:
    generator = torch.Generator().manual_seed(3)
    first = torch.randn(5, 4, dtype=torch.float64, generator=generator)
    second = torch.randn(6, 4, dtype=torch.float64, generator=generator)
    kinds = torch.randint(0, 6, (5, 6), generator=generator)
    expected = by_hand(first, second, kinds, 2.5)
    assert float(margin_loss(first, second, kinds, 2.5)) == pytest.approx(expected, abs=1e-12)


def test_golden_value() -> None:
    first = torch.tensor([[0.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    second = torch.tensor([[0.0, 1.0], [1.0, 0.5]], dtype=torch.float64)
    kinds = torch.tensor([[PairKind.POSITIVE, PairKind.SAME_EMOTION], [PairKind.NONE, PairKind.OTHER_EMOTION]])
    # (1 + (2 - sqrt(1.25))^2 + (2 - 0.5)^2) / 3
    assert float(margin_loss(first, second, kinds, 2.0)) == pytest.approx(1.342_621_348_333_473_5, abs=1e-12)


def test_gradient_is_finite_where_a_negative_coincides() -> None:
    same = torch.zeros(1, 3, requires_grad=True)
    margin_loss(same, torch.zeros(1, 3), torch.tensor([[PairKind.SAME_EMOTION]]), 1.0).backward()
    assert same.grad is not None
    assert torch.isfinite(same.grad).all()


def test_nothing_to_compare_is_no_loss() -> None:
    assert float(margin_loss(torch.ones(2, 3), torch.ones(2, 3), torch.zeros(2, 2, dtype=torch.int8), 1.0)) == 0.0


def test_the_objective_reports_distances_by_kind() -> None:
    objective = catalog().build("objective", {"name": "margin", "margin": 2.0}, (2, 2))
    first = torch.tensor([[0.0, 0.0]])
    second = torch.tensor([[3.0, 4.0], [0.0, 1.0]])
    output = objective(first, second, torch.tensor([[PairKind.POSITIVE, PairKind.SAME_CLIP_SHIFTED]]))
    assert output.figures == pytest.approx({"distance_positive": 5.0, "distance_same_clip_shifted": 1.0})
    assert float(output.loss) == pytest.approx((25.0 + 1.0) / 2)


def test_embeddings_of_two_sizes_are_refused() -> None:
    with pytest.raises(ComponentError, match="one embedding size"):
        catalog().build("objective", "margin", (2, 3))
