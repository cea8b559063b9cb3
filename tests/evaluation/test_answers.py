from fractions import Fraction

import numpy as np
import pytest

from fusion.contract import NoOptions, Span
from fusion.data.plan import Window
from fusion.evaluation.answers import clip_probabilities
from fusion.heads.aggregators import Mean

WINDOWS = [
    Window(clip, Span(Fraction(start), Fraction(end)), number)
    for clip, start, end, number in ((0, 0, 3, 0), (0, 3, 5, 1), (1, 0, 3, 0), (2, 0, 3, 0))
]
PRIOR = np.array([0.7, 0.3])


def answer(answered: list[bool]) -> tuple[np.ndarray, np.ndarray]:
    probabilities = np.array([[1.0, 0.0], [0.0, 1.0], [0.2, 0.8], [0.5, 0.5]])
    return clip_probabilities(probabilities, np.array(answered), WINDOWS, 3, Mean(NoOptions()), {}, PRIOR)


def test_windows_are_joined_by_clip() -> None:
    clips, has = answer([True] * 4)
    assert clips[1] == pytest.approx([0.2, 0.8])
    assert clips[0, 0] > 0
    assert clips[0, 1] > 0
    assert has.all()


def test_windows_without_a_stream_do_not_count() -> None:
    clips, has = answer([False, True, True, True])
    assert clips[0] == pytest.approx([0.0, 1.0])
    assert has.all()


def test_clips_without_an_answered_window_get_the_training_shares() -> None:
    clips, has = answer([True, True, False, True])
    assert clips[1] == pytest.approx(PRIOR)
    assert has.tolist() == [True, False, True]


def test_where_every_window_is_absent_all_clips_get_the_training_shares() -> None:
    clips, has = answer([False] * 4)
    assert clips == pytest.approx(np.tile(PRIOR, (3, 1)))
    assert not has.any()
