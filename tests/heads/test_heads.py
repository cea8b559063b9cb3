"""Every fusion head keeps the contract: any non-empty subset of streams will do, and absent ones have no influence."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fusion.catalog import catalog
from fusion.contract import ComponentError, HeadOutput, OutputSpec, StreamOutput, StreamSpec

NAMES = ("a", "b", "c")
CLASSES = ("x", "y", "z", "w")
SPECS = [
    StreamSpec("a", OutputSpec(dim=6, sequence=5, classes=CLASSES)),
    StreamSpec("b", OutputSpec(dim=3, classes=CLASSES)),
    StreamSpec("c", OutputSpec(dim=None, classes=CLASSES)),
]
HEADS: list[dict[str, Any]] = [
    {"name": "late_average", "of": "probabilities"},
    {"name": "late_average", "of": "log_probabilities"},
    {"name": "late_average", "calibrated": True},
    *(
        {"name": "weighted_sum", "of": of, "learned": learned, "weights": {"a": 2.0}, "dim": 8}
        for of, learned in product(("embeddings", "logits"), (True, False))
    ),
    *(
        {"name": "learned", "form": form, "dim": 8, "hidden": hidden, "heads": 2}
        for form, hidden in product(("concatenate", "gated", "attention"), (0, 6))
    ),
]
each_head = pytest.mark.parametrize("options", HEADS, ids=lambda o: "-".join(str(value) for value in o.values()))
SUBSETS = [subset for size in (1, 2, 3) for subset in combinations(range(3), size)]


def build(options: Mapping[str, Any]) -> nn.Module:
    torch.manual_seed(0)
    head: nn.Module = catalog().build("head", options, SPECS, len(CLASSES))
    return head.eval()


def outputs(rows: int, seed: int = 1) -> dict[str, StreamOutput]:
    torch.manual_seed(seed)
    mask = torch.arange(7).expand(rows, 7) < torch.randint(1, 8, (rows, 1))
    return {
        "a": StreamOutput(
            embedding=torch.randn(rows, 6),
            sequence=torch.randn(rows, 7, 5),
            mask=mask,
            times=torch.linspace(0, 3, 7).expand(rows, 7),
            logits=torch.randn(rows, 4),
        ),
        "b": StreamOutput(embedding=torch.randn(rows, 3), logits=torch.randn(rows, 4)),
        "c": StreamOutput(logits=torch.randn(rows, 4)),
    }


def spoiled(given: Mapping[str, StreamOutput], present: Tensor, value: float) -> dict[str, StreamOutput]:
    """The same where a stream is present, garbage elsewhere; masks and times are garbage too."""
    changed = {}
    for column, name in enumerate(NAMES):
        tensors = {}
        for key in StreamOutput.__slots__:
            tensor = getattr(given[name], key)
            if tensor is not None:
                shown = present[:, column].reshape(-1, *[1] * (tensor.ndim - 1))
                tensors[key] = torch.where(
                    shown, tensor, torch.full_like(tensor, bool(value) if tensor.dtype == torch.bool else value)
                )
        changed[name] = StreamOutput(**tensors)
    return changed


@each_head
@pytest.mark.parametrize("subset", SUBSETS, ids=str)
def test_any_subset_gives_an_answer_that_absent_streams_do_not_touch(
    options: dict[str, Any], subset: tuple[int, ...]
) -> None:
    head, given = build(options), outputs(5)
    present = torch.zeros(5, 3, dtype=torch.bool)
    present[:, list(subset)] = True
    answer: HeadOutput = head(given, present)
    assert answer.logits.shape == (5, 4)
    assert torch.isfinite(answer.logits).all()
    assert (answer.logits.std(dim=0) > 0).all(), "the answer depends on the input"
    for garbage in (float("nan"), float("inf"), 1e30, -7.0):
        other = head(spoiled(given, present, garbage), present)
        assert torch.equal(answer.logits, other.logits)
        if answer.weights is not None:
            assert torch.equal(answer.weights, other.weights)
    if answer.weights is not None:
        assert torch.allclose(answer.weights.sum(dim=1), torch.ones(5))
        assert (answer.weights >= 0).all()
        assert not answer.weights[~present].any()


@each_head
def test_rows_with_different_streams_do_not_touch_each_other(options: dict[str, Any]) -> None:
    head, given = build(options), outputs(7)
    present = torch.tensor([[bool(k & 1), bool(k & 2), bool(k & 4)] for k in range(1, 8)])
    together = head(spoiled(given, present, float("nan")), present).logits
    for row in range(7):
        alone = {
            name: StreamOutput(
                **{
                    key: v[row : row + 1]
                    for key in StreamOutput.__slots__
                    if (v := getattr(given[name], key)) is not None
                }
            )
            for name in NAMES
        }
        torch.testing.assert_close(head(alone, present[row : row + 1]).logits, together[row : row + 1])


@each_head
def test_a_row_without_any_stream_is_finite(options: dict[str, Any]) -> None:
    head = build(options)
    logits = head(outputs(2), torch.zeros(2, 3, dtype=torch.bool)).logits
    assert torch.isfinite(logits).all()


@each_head
def test_gradient_reaches_every_parameter_and_no_absent_stream(options: dict[str, Any]) -> None:
    head, given = build(options), outputs(6)
    leaves = [
        t
        for name in NAMES
        for key in ("embedding", "sequence", "logits")
        if (t := getattr(given[name], key)) is not None
    ]
    for leaf in leaves:
        leaf.requires_grad_(True)
    present = torch.ones(6, 3, dtype=torch.bool)
    present[0] = torch.tensor([True, False, False])
    present[1] = torch.tensor([False, True, True])
    logits = head(given, present).logits
    torch.autograd.backward(torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2, 3, 0, 1])))
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        # keys' biases move every score of a softmax alike
        assert parameter.grad.abs().max() > 0, name
    for name, column in (("a", 0), ("b", 1), ("c", 2)):
        for key in ("embedding", "sequence", "logits"):
            leaf = getattr(given[name], key)
            if leaf is not None and leaf.grad is not None:
                assert not leaf.grad[~present[:, column]].any()


def test_late_average_by_hand() -> None:
    given = outputs(1)
    a, b = given["a"].logits.double(), given["b"].logits.double()  # type: ignore[union-attr]
    present = torch.tensor([[True, True, False]])
    mean = (torch.softmax(a, 1) + torch.softmax(b, 1)) / 2
    answer = build({"name": "late_average", "of": "probabilities"})(given, present)
    torch.testing.assert_close(torch.softmax(answer.logits, 1).double(), mean, atol=1e-6, rtol=0)
    geometric = torch.softmax((torch.log_softmax(a, 1) + torch.log_softmax(b, 1)) / 2, 1)
    answer = build({"name": "late_average"})(given, present)
    torch.testing.assert_close(torch.softmax(answer.logits, 1).double(), geometric, atol=1e-6, rtol=0)
    assert answer.weights.tolist() == [[0.5, 0.5, 0.0]]


def test_fixed_weights_are_renormalised_over_present_streams() -> None:
    head = build({"name": "weighted_sum", "of": "logits", "learned": False, "weights": {"a": 3.0, "b": 1.0}})
    assert not list(head.parameters())
    answer = head(outputs(2), torch.tensor([[True, True, False], [True, True, True]]))
    torch.testing.assert_close(answer.weights, torch.tensor([[0.75, 0.25, 0.0], [0.6, 0.2, 0.2]]))
    expected = 0.75 * torch.log_softmax(outputs(2)["a"].logits, 1) + 0.25 * torch.log_softmax(outputs(2)["b"].logits, 1)  # type: ignore[arg-type]
    torch.testing.assert_close(answer.logits[0], expected[0])
    with pytest.raises(ComponentError, match="the weight of 'a' must be positive"):
        build({"name": "weighted_sum", "weights": {"a": 0.0}})


def test_attention_looks_at_the_times_of_the_sequence() -> None:
    head = build({"name": "learned", "form": "attention", "dim": 8, "heads": 2})
    given, present = outputs(3), torch.ones(3, 3, dtype=torch.bool)
    before = head(given, present).logits
    times = given["a"].times
    assert times is not None
    given["a"].times = times + 1.0
    assert not torch.allclose(before, head(given, present).logits)
    # masked items have no influence
    given = outputs(3)
    mask, sequence = given["a"].mask, given["a"].sequence
    assert mask is not None
    assert sequence is not None
    given["a"].sequence = torch.where(mask.unsqueeze(-1), sequence, torch.full((), float("nan")))
    assert torch.equal(before, head(given, present).logits)
