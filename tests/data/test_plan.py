from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.config.models import WindowSettings
from fusion.data.plan import TrainingPlan, evaluation_windows

DURATIONS = st.lists(st.fractions(0, 9, max_denominator=100), min_size=1, max_size=12)


def plan(durations: list[Fraction], batch: int = 3, per_clip: int = 1, seed: int = 0) -> TrainingPlan:
    return TrainingPlan(seed, durations, WindowSettings(seconds=Fraction(2), per_clip=per_clip), batch)


@given(durations=DURATIONS, batch=st.integers(1, 7), per_clip=st.integers(1, 3), epoch=st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_an_epoch_visits_every_clip(durations: list[Fraction], batch: int, per_clip: int, epoch: int) -> None:
    own = plan(durations, batch, per_clip)
    steps = [own.windows(epoch, step) for step in range(own.steps)]
    assert all(1 <= len(windows) <= batch for windows in steps)
    windows = [window for windows in steps for window in windows]
    counts = np.bincount([window.clip for window in windows], minlength=len(durations))
    assert (counts == per_clip).all()
    for window in windows:
        assert 0 <= window.span.start <= window.span.end <= durations[window.clip]
        assert window.span.seconds == min(durations[window.clip], 2)


def test_batches_are_addressed() -> None:
    own, again = plan([Fraction(5)] * 9), plan([Fraction(5)] * 9)
    later = own.windows(3, 2)
    assert own.windows(0, 0) != own.windows(1, 0)
    assert own.windows(3, 2) == later == again.windows(3, 2)
    assert plan([Fraction(5)] * 9, seed=1).windows(3, 2) != later
    # a window's place does not depend on the size of the batch
    wide = plan([Fraction(5)] * 9, batch=9).windows(3, 0)
    assert [window for step in range(3) for window in own.windows(3, step)] == wide


def test_chances_decide_how_often_a_clip_is_drawn() -> None:
    chances = np.array([1.0, 1.0, 6.0, 0.0])
    own = TrainingPlan(0, [Fraction(3)] * 4, WindowSettings(), 4, chances)
    drawn = [window.clip for epoch in range(600) for window in own.windows(epoch, 0)]
    shares = np.bincount(drawn, minlength=4) / len(drawn)
    np.testing.assert_allclose(shares, [0.125, 0.125, 0.75, 0.0], atol=0.03)


@given(durations=DURATIONS)
@settings(max_examples=30, deadline=None)
def test_evaluation_takes_all_windows_in_order(durations: list[Fraction]) -> None:
    windows = evaluation_windows(durations, WindowSettings(seconds=Fraction(2)))
    assert [window.clip for window in windows] == sorted(window.clip for window in windows)
    for clip, duration in enumerate(durations):
        own = [window for window in windows if window.clip == clip]
        assert [window.number for window in own] == list(range(len(own)))
        assert bool(own) == (duration > 0)
