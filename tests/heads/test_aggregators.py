from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fusion.catalog import catalog
from fusion.heads import aggregators

P = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.05, 0.9, 0.05]])
SECONDS = np.array([3.0, 3.0, 1.5])


def answer(name: str, probabilities: NDArray[np.float64] = P, fitted: Any = None) -> NDArray[np.float64]:
    one: NDArray[np.float64] = catalog().build("aggregator", name)(
        probabilities, SECONDS[: len(probabilities)], fitted or {}
    )
    return one


def test_by_hand() -> None:
    weights = SECONDS / SECONDS.sum()
    np.testing.assert_allclose(answer("mean"), weights @ P)
    powers = np.exp(weights @ np.log(P))
    np.testing.assert_allclose(answer("log_mean"), powers / powers.sum())
    np.testing.assert_allclose(answer("vote"), [0.4, 0.2, 0.4])


@pytest.mark.parametrize("name", ["mean", "log_mean", "vote", "attention"])
@given(scores=st.lists(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), min_size=1, max_size=3))
@settings(max_examples=30, deadline=None)
def test_an_answer_is_a_distribution_and_one_window_is_its_own(name: str, scores: list[list[float]]) -> None:
    probabilities = np.array(scores) / np.sum(scores, axis=1, keepdims=True)
    for fitted in ({}, {"weights": np.array([2.0, -1.0, 0.5, 0.0, 0.1])}):
        whole = answer(name, probabilities, fitted)
        assert whole.sum() == pytest.approx(1)
        assert (whole >= 0).all()
        if name != "vote":
            np.testing.assert_allclose(answer(name, probabilities[:1], fitted), probabilities[0], atol=1e-12)


def test_the_gradient_of_attention_is_that_of_its_likelihood() -> None:
    target, weights = np.array([0.0, 1.0, 0.0]), np.array([0.3, -0.2, 0.1, 0.4, -0.5])

    def likelihood(values: NDArray[np.float64]) -> float:
        scores = aggregators._features(P) @ values
        shares = np.exp(scores) / np.exp(scores).sum()
        return float(np.log(shares @ P) @ target)

    steps = np.eye(5) * 1e-6
    numeric = [(likelihood(weights + step) - likelihood(weights - step)) / 2e-6 for step in steps]
    np.testing.assert_allclose(aggregators._gradient(P, target, weights), numeric, atol=1e-8)


def test_attention_learns_which_windows_to_trust() -> None:
    random = np.random.Generator(np.random.Philox(0))
    clips = []
    for _ in range(40):
        truth = random.integers(3)
        sure = np.full(3, 0.05)
        sure[truth] = 0.9
        unsure = random.dirichlet(np.full(3, 50.0))
        clips.append((np.stack([unsure, sure, unsure]), np.eye(3)[truth]))
    aggregator = catalog().build("aggregator", "attention")
    fitted = aggregator.fit(clips)
    one, target = clips[0]
    assert aggregator(one, SECONDS, fitted) @ target > aggregator(one, SECONDS, {}) @ target + 0.2
    assert aggregator.fit([(P[:1], np.eye(3)[0])]) == {}
