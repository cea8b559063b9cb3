from __future__ import annotations

import math
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.media.clock import Clock

ticks = st.integers(-(10**7), 10**9)
tick = st.sampled_from(
    [Fraction(1, 90000), Fraction(1, 15360), Fraction(1001, 30000), Fraction(1, 1000), Fraction(1, 3)]
)
offset = st.fractions(-5, 1000, max_denominator=44100)
rate = st.sampled_from([Fraction(20, 3), Fraction(25), Fraction(30000, 1001), Fraction(44100), Fraction(1, 7)])


@settings(max_examples=60, deadline=None)
@given(ticks, tick, offset, rate)
def test_whole_numbers_give_what_fractions_give(ticks: int, tick: Fraction, offset: Fraction, rate: Fraction) -> None:
    clock = Clock(tick, offset)
    time = ticks * tick - offset
    assert clock.time(ticks) == time
    assert clock.grid(rate).nearest(ticks) == math.floor(time * rate + Fraction(1, 2))
    moment = max(Fraction(math.ceil(time * rate)) / rate, Fraction(0))
    last, first = clock.grid(rate).around_next(ticks)
    assert clock.time(last) <= moment < clock.time(last + 1)
    assert clock.time(first - 1) < moment <= clock.time(first)


@settings(max_examples=60, deadline=None)
@given(tick, offset, st.fractions(-3, 1000, max_denominator=48000))
def test_the_first_timestamp_at_or_after_a_time(tick: Fraction, offset: Fraction, time: Fraction) -> None:
    clock = Clock(tick, offset)
    assert clock.time(clock.first_at(time) - 1) < time <= clock.time(clock.first_at(time))
    assert clock.time(clock.last_at_zero) <= 0 < clock.time(clock.last_at_zero + 1)
