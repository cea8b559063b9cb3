import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from fusion.evaluation import scores


def some(seed: int, clips: int = 40, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.dirichlet(np.ones(classes), clips), np.eye(classes)[random.integers(classes, size=clips)]


seeds = st.integers(0, 10_000)


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(1, 60), st.integers(2, 6))
def test_scores_of_single_classes_are_those_of_scikit_learn(seed: int, clips: int, classes: int) -> None:
    probabilities, targets = some(seed, clips, classes)
    true, said = targets.argmax(1), probabilities.argmax(1)
    assert scores.accuracy(probabilities, targets) == pytest.approx(metrics.accuracy_score(true, said))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn remarks on answers that are no true class
        recall = metrics.recall_score(true, said, average="macro", labels=np.unique(true))
        f1 = metrics.f1_score(true, said, average="weighted", zero_division=0)
    assert scores.unweighted_average_recall(probabilities, targets) == pytest.approx(recall)
    assert scores.weighted_f1(probabilities, targets) == pytest.approx(f1)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_macro_f1_of_several_classes_is_that_of_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    probabilities, targets = random.random((30, 5)), (random.random((30, 5)) < 0.3).astype(float)
    expected = metrics.f1_score(targets > 0, probabilities >= 0.5, average="macro", zero_division=0)
    assert scores.macro_f1_several(probabilities, targets) == pytest.approx(expected)


def test_concordance_is_one_for_equal_ratings_and_falls_with_a_shift() -> None:
    ratings = np.random.default_rng(0).normal(size=(50, 2))
    assert scores.concordance(ratings, ratings) == pytest.approx([1, 1])
    variance = ratings.var(axis=0)
    assert scores.concordance(ratings + 1, ratings) == pytest.approx(2 * variance / (2 * variance + 1))
    assert scores.concordance(np.zeros_like(ratings), ratings) == pytest.approx([0, 0])


@settings(max_examples=30, deadline=None)
@given(seeds, st.sampled_from(["single", "soft", "several", "dimensions"]), st.integers(3, 50))
def test_scores_in_sums_equal_the_main_scores(seed: int, kind: scores.Kind, clips: int) -> None:
    random = np.random.default_rng(seed)
    probabilities, targets = some(seed, clips)
    if kind == "soft":
        targets = random.dirichlet(np.ones(4), clips)
    elif kind == "several":
        targets = (random.random((clips, 4)) < 0.4).astype(float)
    elif kind == "dimensions":
        targets = random.normal(size=(clips, 4))
    assert scores.additive(kind)(probabilities, targets) == pytest.approx(
        scores.main_score(kind, probabilities, targets), abs=1e-9
    )
    if kind in ("single", "soft"):
        assert scores.additive_accuracy()(probabilities, targets) == pytest.approx(
            scores.accuracy(probabilities, targets)
        )


def test_a_class_without_clips_does_not_count_in_the_average_recall() -> None:
    probabilities, targets = np.eye(3)[[0, 1]], np.eye(3)[[0, 1]]
    assert scores.unweighted_average_recall(probabilities, targets) == 1.0


def test_a_constant_answer_has_the_average_recall_of_chance() -> None:
    _, targets = some(3)
    constant = np.tile([0.4, 0.3, 0.2, 0.1], (len(targets), 1))
    assert scores.unweighted_average_recall(constant, targets) == pytest.approx(0.25)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 100), st.integers(2, 6))
def test_one_against_rest_is_the_mean_of_binary_accuracies(seed: int, classes: int) -> None:
    random = np.random.default_rng(seed)
    probabilities, true = random.random((40, classes)), random.integers(classes, size=40)
    said, targets = probabilities.argmax(axis=1), np.eye(classes)[true]
    binary = [metrics.accuracy_score(true == c, said == c) for c in range(classes)]
    found = scores.one_against_rest_accuracy(probabilities, targets)
    assert found == pytest.approx(np.mean(binary))
    assert found == pytest.approx(1 - 2 * (1 - scores.accuracy(probabilities, targets)) / classes)


@pytest.mark.parametrize(("accuracy", "printed"), [(0.8929, 0.9465), (0.893, 0.9465), (0.54, 0.77), (0.25, 0.625)])
def test_of_four_classes_one_against_rest_halves_the_error(accuracy: float, printed: float) -> None:
    right = round(accuracy * 10000)
    true = np.eye(4)[np.arange(10000) % 4]
    said = true.copy()
    said[right:] = np.roll(said[right:], 1, axis=1)
    assert scores.accuracy(said, true) == pytest.approx(accuracy)
    assert scores.one_against_rest_accuracy(said, true) == pytest.approx(printed, abs=1e-4)
