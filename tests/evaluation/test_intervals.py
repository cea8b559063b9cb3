import numpy as np
import pytest

from fusion.evaluation.intervals import Bootstrap, Interval
from fusion.evaluation.scores import additive, additive_accuracy

ACCURACY = additive_accuracy()


def answers(right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and targets of two classes, right where asked."""
    targets = np.eye(2)[np.arange(len(right)) % 2]
    return np.where(right[:, None], targets, 1 - targets), targets


def test_speakers_are_drawn_whole() -> None:
    right = np.repeat([True, False], 50)
    probabilities, targets = answers(right)
    by_speaker = Bootstrap(["a"] * 50 + ["b"] * 50)
    assert by_speaker.over == "speakers"
    interval = by_speaker.interval(ACCURACY, probabilities, targets)
    assert (interval.low, interval.high) == (0.0, 1.0)  # two speakers: often only one of them is drawn
    by_clip = Bootstrap([None] * 100).interval(ACCURACY, probabilities, targets)
    assert by_clip.over == "clips"
    assert 0.38 < by_clip.low < 0.45
    assert 0.55 < by_clip.high < 0.62


@pytest.mark.parametrize("speakers", [["a"] * 20, ["a"] * 19 + [None]])
def test_one_speaker_or_an_unknown_one_lets_clips_be_drawn(speakers: list[str | None]) -> None:
    assert Bootstrap(speakers).over == "clips"


def test_differences_are_paired() -> None:
    random = np.random.default_rng(0)
    right = random.random(200) < 0.6
    better = right.copy()
    better[np.flatnonzero(~right)[:12]] = True  # the same answers but for twelve
    first, targets = answers(better)
    second, _ = answers(right)
    bootstrap = Bootstrap([None] * 200, seed=1)
    difference = bootstrap.difference(ACCURACY, first, second, targets)
    assert difference.excludes_zero
    assert difference.low == pytest.approx(0.03, abs=0.015)
    alone = bootstrap.interval(ACCURACY, first, targets), bootstrap.interval(ACCURACY, second, targets)
    assert alone[0].low < alone[1].high  # though the intervals themselves overlap
    same = bootstrap.difference(ACCURACY, first, first, targets)
    assert (same.low, same.high, same.excludes_zero) == (0.0, 0.0, False)


def test_draws_come_from_the_seed_alone() -> None:
    probabilities, targets = answers(np.random.default_rng(0).random(60) < 0.7)
    speakers = [f"s{k % 6}" for k in range(60)]
    first = Bootstrap(speakers, 3).interval(ACCURACY, probabilities, targets)
    assert first == Bootstrap(speakers, 3).interval(ACCURACY, probabilities, targets)
    assert first != Bootstrap(speakers, 4).interval(ACCURACY, probabilities, targets)


def test_the_interval_is_that_of_scores_of_drawn_clips() -> None:
    random = np.random.default_rng(2)
    probabilities = random.dirichlet(np.ones(3), 40)
    targets = np.eye(3)[random.integers(3, size=40)]
    score = additive("single")
    drawn = []
    for _ in range(3000):
        rows = random.integers(40, size=40)
        drawn.append(score(probabilities[rows], targets[rows]))
    interval = Bootstrap([None] * 40).interval(score, probabilities, targets)
    assert [interval.low, interval.high] == pytest.approx(np.percentile(drawn, [2.5, 97.5]), abs=0.03)


def test_an_interval_below_zero_excludes_it() -> None:
    assert Interval(-0.2, -0.1, "clips").excludes_zero
    assert not Interval(-0.2, 0.0, "clips").excludes_zero
