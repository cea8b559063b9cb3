"""InfoNCE and the supervised contrastive loss against their definitions, written out in float64."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from contrastive.infonce import infonce
from contrastive.pairs import PairKind
from contrastive.supervised import PARTNERS, supervised_contrastive
from fusion.catalog import catalog


def logits_and_kinds() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(6, 8, dtype=torch.float64, generator=generator) * 3
    kinds = torch.randint(2, 6, (6, 8), generator=generator)
    kinds[torch.rand(6, 8, generator=generator) < 0.3] = 0
    kinds[torch.arange(5), torch.arange(5)] = 1
    kinds[5] = 0  # a row of a window that is absent
    return logits, kinds


def infonce_by_hand(logits: Tensor, kinds: Tensor) -> tuple[float, int]:
    total, rows = 0.0, 0
    for row in range(len(logits)):
        positive = [c for c in range(logits.shape[1]) if kinds[row, c] == PairKind.POSITIVE]
        if not positive:
            continue
        among = sum(math.exp(float(logits[row, c])) for c in range(logits.shape[1]) if kinds[row, c] != PairKind.NONE)
        total += -math.log(math.exp(float(logits[row, positive[0]])) / among)
        rows += 1
    return total, rows


def supervised_by_hand(logits: Tensor, kinds: Tensor) -> tuple[float, int]:
    total, rows = 0.0, 0
    for row in range(len(logits)):
        columns = range(logits.shape[1])
        positives = [c for c in columns if kinds[row, c] in PARTNERS]
        if not positives:
            continue
        among = sum(math.exp(float(logits[row, c])) for c in columns if kinds[row, c] != PairKind.NONE)
        total += -sum(math.log(math.exp(float(logits[row, c])) / among) for c in positives) / len(positives)
        rows += 1
    return total, rows


@pytest.mark.parametrize(
    ("loss", "by_hand"), [(infonce, infonce_by_hand), (supervised_contrastive, supervised_by_hand)]
)
def test_equals_its_definition(
    loss: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], by_hand: Callable[[Tensor, Tensor], tuple[float, int]]
) -> None:
    logits, kinds = logits_and_kinds()
    logits.requires_grad_(True)
    total, count = loss(logits, kinds)
    expected = by_hand(logits.detach(), kinds)
    assert (float(total.detach()), int(count)) == (pytest.approx(expected[0], abs=1e-12), expected[1])
    total.backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert not logits.grad[kinds == PairKind.NONE].any(), "what is no pair has no influence"
    assert not logits.grad[5].any()


def test_golden_values() -> None:
    logits = torch.tensor([[2.0, 0.0, 1.0], [0.0, 2.0, 0.0]], dtype=torch.float64)
    kinds = torch.tensor([[1, 2, 3], [2, 1, 0]])
    one = math.log(math.exp(2) + 1 + math.e)
    two = math.log(1 + math.exp(2))
    assert float(infonce(logits, kinds)[0]) == pytest.approx(one - 2 + two - 2, abs=1e-12)
    assert float(supervised_contrastive(logits, kinds)[0]) == pytest.approx(one - 1.5 + two - 2, abs=1e-12)


def test_infonce_learns_its_temperature_and_may_leave_kinds_out() -> None:
    objective = catalog().build("objective", {"name": "infonce", "dim": 4, "leave_out": ["same_emotion"]}, [5, 6])
    assert objective.leaves_out == {PairKind.SAME_EMOTION}
    rows, columns = objective.project(torch.randn(3, 5), 0), objective.project(torch.randn(3, 6), 1)
    assert torch.allclose(rows.norm(dim=1), torch.ones(3))
    kinds = torch.tensor([[1, 3, 2], [3, 1, 3], [2, 2, 1]])
    output = objective(rows, columns, kinds)
    output.total.backward()
    assert objective.log_scale.grad is not None
    assert objective.symmetric
    assert objective.pairs == "all"


def test_projections_may_have_a_hidden_layer() -> None:
    objective = catalog().build("objective", {"name": "supervised_contrastive", "dim": 4, "hidden": 7}, [5, 6])
    assert {tuple(parameter.shape) for parameter in objective.parameters() if parameter.dim() == 2} == {
        (7, 5),
        (7, 6),
        (4, 7),
    }
    assert objective.project(torch.randn(2, 6), 1).shape == (2, 4)
