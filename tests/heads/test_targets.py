from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from fusion.contract import DataError
from fusion.heads.options import Classes as ClassOptions
from fusion.heads.options import Dimensions as DimensionOptions
from fusion.heads.targets import Classes, Dimensions

LOGITS = torch.tensor([[1.0, 2.0, -1.0], [0.5, 0.0, 0.0]], dtype=torch.float64)


def classes(kind: Any = "single") -> Classes:
    return Classes(ClassOptions(("a", "b", "c"), kind=kind))


@pytest.mark.parametrize(
    ("kind", "label", "expected"),
    [
        ("single", "b", [0, 1, 0]),
        ("single", ["c"], [0, 0, 1]),
        ("single", {"a": 3, "b": 1}, [1, 0, 0]),
        ("soft", {"a": 3, "b": 1}, [0.75, 0.25, 0]),
        ("soft", ["a", "c"], [0.5, 0, 0.5]),
        ("soft", {"a": 0}, None),
        ("several", ["a", "c"], [1, 0, 1]),
        ("several", {"a": 0.2, "b": 0}, [1, 0, 0]),
        ("several", [], [0, 0, 0]),
        ("single", None, None),
    ],
)
def test_labels(kind: str, label: Any, expected: list[float] | None) -> None:
    encoded = classes(kind).encode({"emotion": label})
    if expected is None:
        assert encoded is None
    else:
        assert encoded is not None
        assert encoded.tolist() == expected


def test_labels_that_are_none_of_the_targets() -> None:
    with pytest.raises(DataError, match=r"'d' is not among the target's classes \(a, b, c\); map it"):
        classes().encode({"emotion": "d"})
    with pytest.raises(DataError, match="names more than one class"):
        classes().encode({"emotion": ["a", "b"]})
    with pytest.raises(DataError, match="at least two different classes"):
        Classes(ClassOptions(("a", "a")))
    with pytest.raises(DataError, match="are not numbers"):
        Dimensions(DimensionOptions(("v",))).encode({"v": "high"})


def test_cross_entropy_by_hand() -> None:
    targets = torch.tensor([[0.0, 1.0, 0.0], [0.5, 0.0, 0.5]], dtype=torch.float64)
    logs = LOGITS.numpy() - np.log(np.exp(LOGITS.numpy()).sum(axis=1, keepdims=True))
    rows = -(targets.numpy() * logs).sum(axis=1)
    assert float(classes().loss(LOGITS, targets)) == pytest.approx(rows.mean(), abs=1e-12)
    weights = torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64)
    shares = np.array([2.0, 2.5])
    assert float(classes().loss(LOGITS, targets, weights)) == pytest.approx((rows * shares).sum() / 4.5, abs=1e-12)
    smoothed = -((targets.numpy() * 0.9 + 0.1 / 3) * logs).sum(axis=1)
    assert float(classes().loss(LOGITS, targets, None, 0.1)) == pytest.approx(smoothed.mean(), abs=1e-12)
    torch.testing.assert_close(classes().probabilities(LOGITS).numpy(), np.exp(logs))


def test_several_classes_by_hand() -> None:
    targets = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
    chances = 1 / (1 + np.exp(-LOGITS.numpy()))
    losses = -(targets.numpy() * np.log(chances) + (1 - targets.numpy()) * np.log(1 - chances))
    assert float(classes("several").loss(LOGITS, targets)) == pytest.approx(losses.mean(), abs=1e-12)
    weights = np.array([1.0, 2.0, 0.5])
    weighted = classes("several").loss(LOGITS, targets, torch.from_numpy(weights))
    assert float(weighted) == pytest.approx((losses * weights).mean(), abs=1e-12)
    torch.testing.assert_close(classes("several").probabilities(LOGITS).numpy(), chances)


def test_concordance_by_hand() -> None:
    target = Dimensions(DimensionOptions(("v", "a"), lowest=1.0, highest=5.0))
    truth = np.array([[1.0, 5.0], [3.0, 2.0], [5.0, 2.0]])
    logits = np.array([[-0.5, 0.9], [0.1, -0.3], [0.4, 0.2]])
    scaled = (truth - 3) / 2
    expected = []
    for column in range(2):
        x, y = logits[:, column], scaled[:, column]
        covariance = ((x - x.mean()) * (y - y.mean())).mean()
        expected.append(1 - 2 * covariance / (x.var() + y.var() + (x.mean() - y.mean()) ** 2))
    loss = target.loss(torch.from_numpy(logits), torch.from_numpy(truth))
    assert float(loss) == pytest.approx(np.mean(expected), abs=1e-7)
    weighted = target.loss(torch.from_numpy(logits), torch.from_numpy(truth), torch.tensor([3.0, 1.0]))
    assert float(weighted) == pytest.approx(np.average(expected, weights=[3, 1]), abs=1e-7)
    one = target.loss(torch.from_numpy(logits[:1]), torch.from_numpy(truth[:1]))
    assert float(one) == pytest.approx(((logits[0] - scaled[0]) ** 2).mean(), abs=1e-7)
    np.testing.assert_allclose(target.probabilities(torch.from_numpy(scaled)).numpy(), truth)
    assert target.encode({"v": 2, "a": "4.5"}).tolist() == [2.0, 4.5]  # type: ignore[union-attr]
    assert target.encode({"v": 2}) is None
