from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fusion.config.models import WindowSettings
from fusion.contract import Clip, Span
from fusion.data.assemble import AssembledWindow, ClipRows, WindowAssembler, clip_windows
from fusion.data.chain import ChainEnd, run_chains
from fusion.data.rows import Absent, window_row
from fusion.data.windows import windows_of
from fusion.store.store import Store
from fusion.store.worker import Task, prepare_clip
from tests.data.parts import Parts, clip_in, parts, planned, same

STREAMS: dict[str, dict[str, Any]] = {
    "fine": {"modality": "pulse", "transforms": ["level", "smoother"], "augmentations": ["jitter", "smooth", "window"]},
    "slow": {"modality": "slow_pulse", "transforms": ["window"]},
    "timed": {"modality": "gestures"},
    "breath": {"modality": "breath"},
    "said": {"modality": "said"},
}


def stored_windows(
    folder: Path, clip: Clip, catalog: Parts, window: WindowSettings
) -> list[tuple[Span, dict[str, Any]]]:
    plans = planned(catalog, **STREAMS)
    store = Store(folder)
    outcome = prepare_clip(
        Task(clip, {name: store.entry_key(clip, plan) for name, plan in plans.items()}), plans, store
    )
    assert not outcome.failures
    stored = {name: store.lookup(clip, plan) for name, plan in plans.items()}
    duration = max(entry.duration for entry in stored.values())
    return [
        (
            span,
            {name: window_row(plan, stored[name], span, training=False, random=None) for name, plan in plans.items()},
        )
        for span in windows_of(duration, window)
    ]


@given(
    step=st.fractions(Fraction(1, 10), Fraction(9), max_denominator=50),
    seconds=st.fractions(Fraction(1, 100), Fraction(6), max_denominator=100),
    length=st.fractions(Fraction(1, 10), Fraction(3), max_denominator=20),
    hop=st.none() | st.fractions(Fraction(1, 2), Fraction(4), max_denominator=20),
    kinds=st.sampled_from([("pulse", "breath", "gestures"), ("pulse", "gestures")]),
)
@example(Fraction(1, 20), Fraction(3), Fraction(1), None, ("pulse", "breath", "gestures"))  # cut as early as can be
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_windows_of_a_running_chain_equal_those_of_the_store(  # noqa: PLR0917 - as drawn
    tmp_path: Path, step: Fraction, seconds: Fraction, length: Fraction, hop: Fraction | None, kinds: tuple[str, ...]
) -> None:
    clip = clip_in(tmp_path, f"a{len(kinds)}", seconds, kinds)
    window = WindowSettings(seconds=length, hop=hop)
    expected = stored_windows(tmp_path / f"{seconds}".replace("/", "_"), clip, parts(), window)
    plans = list(planned(parts(), **STREAMS).values())
    first, *windows, end = clip_windows(clip, plans, window, step=step)
    assert isinstance(first, ClipRows)
    assert isinstance(end, ChainEnd)
    assert end.duration == seconds
    assert [one.span for one in windows if isinstance(one, AssembledWindow)] == [span for span, _ in expected]
    for found, (_, rows) in zip(windows, expected, strict=True):
        assert isinstance(found, AssembledWindow)
        for name, row in rows.items():
            other = {**found.rows, **first.rows}[name]
            if isinstance(row, Absent):
                assert other == row
            else:
                assert not isinstance(other, Absent)
                same(other, row)


def test_whole_clips_as_windows(tmp_path: Path) -> None:
    clip = clip_in(tmp_path)
    window = WindowSettings(seconds="clip")
    expected = stored_windows(tmp_path / "store", clip, parts(), window)
    plans = list(planned(parts(), **STREAMS).values())
    _, found, _ = clip_windows(clip, plans, window, step=Fraction(1))
    assert isinstance(found, AssembledWindow)
    fine = found.rows["fine"]
    assert not isinstance(fine, Absent)
    same(fine, expected[0][1]["fine"])


@pytest.mark.parametrize("kinds", [("pulse", "breath"), ("pulse",)])
def test_no_more_than_a_window_and_a_hop_is_held(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    """Also where a stream is absent: windows do not wait for it."""
    clip = clip_in(tmp_path, seconds="60", kinds=kinds)
    streams = {"fine": STREAMS["fine"], "breath": STREAMS["breath"]}
    plans = list(planned(parts(), **streams).values())
    assembler = WindowAssembler(plans, WindowSettings(seconds=Fraction(3)))
    held = []
    windows = 0
    for event in run_chains(clip, plans, step=Fraction(1)):
        windows += len(list(assembler.add(event)))
        held.append(len(assembler._held["fine"].pieces.everything().get("pulse", ())))
    assert windows == 20
    assert max(held) <= 25 * (3 + 1 + 1)


def test_clips_with_words_alone_have_windows(tmp_path: Path) -> None:
    plans = list(planned(parts(), said=STREAMS["said"]).values())
    first, *windows, end = clip_windows(clip_in(tmp_path, seconds="7"), plans, WindowSettings(seconds=Fraction(3)))
    assert isinstance(first, ClipRows)
    assert not isinstance(first.rows["said"], Absent)
    assert len(first.rows["said"]["gestures"]) == 10
    assert [one.span.end for one in windows if isinstance(one, AssembledWindow)] == [3, 6]
    assert isinstance(end, ChainEnd)


def test_a_stream_that_fails_half_way_is_absent_from_then_on(tmp_path: Path) -> None:
    streams = {"bad": {"modality": "pulse", "transforms": ["refuse"]}, "breath": STREAMS["breath"]}
    plans = list(planned(parts(), **streams).values())
    _, *windows, end = clip_windows(
        clip_in(tmp_path, seconds="4"), plans, WindowSettings(seconds=Fraction(1)), step=Fraction(1)
    )
    absent = [isinstance(one.rows["bad"], Absent) for one in windows if isinstance(one, AssembledWindow)]
    assert absent == [False, True, True, True]
    assert isinstance(end, ChainEnd)
    assert set(end.failed) == {"bad"}
