from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.config.models import WindowSettings
from fusion.contract import Span
from fusion.data.randomness import generator
from fusion.data.windows import draw_window, windows_of

SECONDS = st.fractions(Fraction(1, 100), Fraction(40), max_denominator=100)
LENGTHS = st.fractions(Fraction(1, 10), Fraction(6), max_denominator=20)


def spans(duration: str, seconds: str, hop: str | None = None) -> list[tuple[float, float]]:
    window = WindowSettings(seconds=Fraction(seconds), hop=None if hop is None else Fraction(hop))
    return [(float(span.start), float(span.end)) for span in windows_of(Fraction(duration), window)]


@pytest.mark.parametrize(
    ("duration", "seconds", "hop", "expected"),
    [
        ("9", "3", None, [(0, 3), (3, 6), (6, 9)]),
        ("7.49", "3", None, [(0, 3), (3, 6)]),
        ("7.5", "3", None, [(0, 3), (3, 6), (6, 7.5)]),
        ("0.1", "3", None, [(0, 0.1)]),
        ("3", "3", None, [(0, 3)]),
        ("0", "3", None, []),
        ("4", "3", "1", [(0, 3), (1, 4)]),
        ("4.5", "3", "1", [(0, 3), (1, 4), (2, 4.5)]),
        ("9", "3", "5", [(0, 3), (5, 8)]),
        ("6", "3", "5", [(0, 3)]),
        ("5.9", "1.9", None, [(0, 1.9), (1.9, 3.8), (3.8, 5.7)]),
    ],
)
def test_windows(duration: str, seconds: str, hop: str | None, expected: list[tuple[float, float]]) -> None:
    assert spans(duration, seconds, hop) == expected


def test_whole_clips() -> None:
    assert windows_of(Fraction(37, 3), WindowSettings(seconds="clip")) == (Span(Fraction(0), Fraction(37, 3)),)
    drawn = draw_window(Fraction(37, 3), WindowSettings(seconds="clip"), generator(0))
    assert drawn == Span(Fraction(0), Fraction(37, 3))


@given(duration=SECONDS, seconds=LENGTHS, hop=st.none() | LENGTHS)
@settings(max_examples=30, deadline=None)
def test_windows_lie_in_the_clip_a_hop_apart(duration: Fraction, seconds: Fraction, hop: Fraction | None) -> None:
    found = windows_of(duration, WindowSettings(seconds=seconds, hop=hop))
    assert found
    assert [span.start for span in found] == [k * (hop or seconds) for k in range(len(found))]
    assert all(span.end <= duration for span in found)
    assert all(span.seconds == seconds for span in found[:-1])
    last = found[-1]
    assert 2 * last.seconds >= min(seconds, duration)
    assert last.seconds <= seconds
    if hop is None and duration >= seconds:
        assert 2 * (duration - last.end) < seconds


@given(duration=SECONDS, seconds=LENGTHS, seed=st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_drawn_windows_lie_in_the_clip(duration: Fraction, seconds: Fraction, seed: int) -> None:
    span = draw_window(duration, WindowSettings(seconds=seconds), generator(seed))
    assert span.start >= 0
    assert span.end <= duration
    assert span.seconds == min(seconds, duration)
    assert span == draw_window(duration, WindowSettings(seconds=seconds), generator(seed))


def test_drawn_windows_reach_both_ends() -> None:
    window = WindowSettings(seconds=Fraction(3))
    starts = [draw_window(Fraction(3005, 1000), window, generator("ends", k)).start for k in range(200)]
    assert set(starts) == {Fraction(k, 1000) for k in range(6)}
