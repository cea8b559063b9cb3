"""The margin loss against its equation, written out in float64."""

from __future__ import annotations

import math

import pytest
import torch

from contrastive.margin import margin_loss
from contrastive.pairs import PairKind
from fusion.catalog import catalog
from fusion.contract import ComponentError


def by_hand(first: torch.Tensor, second: torch.Tensor, kinds: torch.Tensor, margin: float) -> tuple[float, int]:
    total, pairs = 0.0, 0
    for row in range(len(first)):
        for column in range(len(second)):
            kind = int(kinds[row, column])
            if kind == PairKind.NONE:
                continue
            squares = zip(first[row].tolist(), second[column].tolist(), strict=True)
            distance = math.sqrt(sum((a - b) ** 2 for a, b in squares))
            total += distance**2 if kind == PairKind.POSITIVE else max(margin - distance, 0.0) ** 2
            pairs += 1
    return total, pairs


def test_equals_the_papers_equation_in_float64() -> None:
    generator = torch.Generator().manual_seed(3)
    first = torch.randn(5, 4, dtype=torch.float64, generator=generator)
    second = torch.randn(6, 4, dtype=torch.float64, generator=generator)
    kinds = torch.randint(0, 6, (5, 6), generator=generator)
    total, count = margin_loss(first, second, kinds, 2.5)
    expected = by_hand(first, second, kinds, 2.5)
    assert (float(total), int(count)) == (pytest.approx(expected[0], abs=1e-12), expected[1])


def test_golden_value() -> None:
    first = torch.tensor([[0.0, 0.0], [3.0, 4.0]], dtype=torch.float64)
    second = torch.tensor([[0.0, 1.0], [3.0, 4.0]], dtype=torch.float64)
    kinds = torch.tensor([[1, 2], [3, 1]])
    # distances 1 (positive), 5 and sqrt(18) (negatives within a margin of 6), 0 (positive)
    total, count = margin_loss(first, second, kinds, 6.0)
    assert float(total) == pytest.approx(1 + 1 + (6 - math.sqrt(18)) ** 2 + 0, abs=1e-12)
    assert int(count) == 4


def test_no_pair_is_no_loss_and_identical_negatives_have_a_gradient() -> None:
    first = torch.zeros(2, 3, requires_grad=True)
    total, count = margin_loss(first, torch.zeros(2, 3), torch.zeros(2, 2, dtype=torch.long), 1.0)
    assert (float(total.detach()), int(count)) == (0.0, 0)
    total, _ = margin_loss(first, torch.zeros(2, 3), torch.full((2, 2), 2), 1.0)
    total.backward()
    assert first.grad is not None
    assert torch.isfinite(first.grad).all()


def test_the_objective_compares_embeddings_of_one_size() -> None:
    built = catalog().build("objective", {"name": "margin", "margin": 1.5}, [4, 4])
    embedding = torch.randn(3, 4)
    assert torch.equal(built.project(embedding, 1), embedding), "the projections of row L are the identity"
    assert not list(built.parameters())
    with pytest.raises(ComponentError, match=r"compares what is of equal size, not 4 and 6; give both"):
        catalog().build("objective", "margin", [4, 6])
    unit = catalog().build("objective", {"name": "margin", "normalise": True}, [4, 4])
    assert torch.allclose(unit.project(embedding, 0).norm(dim=1), torch.ones(3))
