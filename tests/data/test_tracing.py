"""What is kept of a window on its way is what jobs get, whichever window it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fusion.config.models import WindowSettings
from fusion.contract import Clip, ComponentError, DataError, Pieces, Row, Span, Track, View
from fusion.data.assemble import AssembledWindow, clip_windows
from fusion.data.rows import Absent
from fusion.data.tracing import StreamTrace, trace_clip
from tests.data.parts import Level, Smooth, parts, planned, same


def clip_of(seconds: str, *kinds: str) -> Clip:
    return Clip("one", tuple(Track(kind, Path("memory")) for kind in kinds), duration=Fraction(seconds))


@dataclass
class Told(Level):
    """Tells of the divisor and of what it is given."""

    def explain(self, pieces: Row, span: Span, state: tuple[float, int]) -> Mapping[str, View | None]:
        return {
            "divisor": View("the divisor", np.array([(state[0] / state[1]) ** 0.5])),
            "given": View("given", pieces["pulse"]),
        }


@dataclass
class ToldSmooth(Smooth):
    """Tells of what it is given."""

    def explain(self, pieces: Row, span: Span, state: Any) -> Mapping[str, View | None]:
        return {"given": View("given", pieces["pulse"])}


@dataclass
class ToldWrongly(Level):
    def explain(self, pieces: Row, span: Span, state: Any) -> Mapping[str, View | None]:
        return {"missing": View("missing", pieces["no such pieces"])}


def data_of(view: View | None) -> Any:
    assert view is not None
    return view.data.data if isinstance(view.data, Pieces) else view.data


STREAMS: dict[str, dict[str, Any]] = {
    "pulse": {"modality": "pulse", "transforms": ["told", "told_smooth", "window"], "augmentations": ["jitter"]},
    "twin": {"modality": "pulse", "transforms": ["told", "told_smooth"]},
    "words": {"modality": "gestures"},
    "whole": {"modality": "said"},
}


def plans(**streams: dict[str, Any]) -> list[Any]:
    found = parts()
    found.instances["transform"] |= {"told": Told(), "told_smooth": ToldSmooth(), "wrongly": ToldWrongly()}
    return list(planned(found, **(streams or STREAMS)).values())


@settings(max_examples=25, deadline=None)
@example(Fraction(5), Fraction(3, 10), "1", "2")  # between two windows
@given(
    st.fractions(Fraction(1, 4), 9, max_denominator=8),
    st.fractions(0, 1, max_denominator=50),
    st.sampled_from(["1", "3/2", "clip"]),
    st.sampled_from([None, "1/2", "2"]),
)
def test_the_kept_window_is_the_one_that_jobs_get(
    seconds: Fraction, share: Fraction, length: str, hop: str | None
) -> None:
    clip = clip_of(str(seconds), "pulse", "gestures")
    window = WindowSettings.model_validate({"seconds": length, "hop": hop})
    at = min(seconds * share, seconds - Fraction(1, 1000))
    trace = trace_clip(clip, plans(), window, at=at, step=Fraction(2))
    events = list(clip_windows(clip, plans(), window, step=Fraction(3)))
    windows = [event for event in events if isinstance(event, AssembledWindow)]
    expected = [one for one in windows if one.span.start <= at][-1]
    assert trace.window == expected.span
    for stream in trace.streams:
        assert not isinstance(stream.result, Absent)
        if stream.plan.name != "whole":
            served = expected.rows[stream.plan.name]
            assert not isinstance(served, Absent)
            same(stream.result, served)
        same(stream.steps[-1].row, stream.result)


def steps_of(stream: StreamTrace) -> list[str | None]:
    return [step.name for step in stream.steps]


def test_steps_tell_of_themselves_with_what_they_were_given() -> None:
    clip = clip_of("9", "pulse", "gestures")
    window = WindowSettings(seconds=Fraction(2))
    trace = trace_clip(clip, plans(), window, at=Fraction(5), step=Fraction(3, 2))
    assert trace.window == Span(Fraction(4), Fraction(6))
    streams = {stream.plan.name: stream for stream in trace.streams}
    assert steps_of(streams["pulse"]) == [None, "told", "told_smooth", "window"]
    assert steps_of(streams["twin"]) == [None, "told", "told_smooth"]
    for name in ("pulse", "twin"):
        media, told, smooth = streams[name].steps[:3]
        divisor = float(data_of(told.views["divisor"])[0])
        np.testing.assert_allclose(media.row["pulse"].data / divisor, told.row["pulse"].data, rtol=1e-5)
        np.testing.assert_array_equal(data_of(told.views["given"]), media.row["pulse"].data)
        # A step with context is given what lies around the window, as its predecessor made it.
        assert len(data_of(smooth.views["given"])) == len(media.row["pulse"].data) + 2 * 120 // 8
        assert len(media.row["pulse"]) == 240
    assert streams["words"].steps[0].row["gestures"].data == ["g6é", "g7é", "g8é"]
    assert len(streams["whole"].steps[0].row["gestures"]) == 13


def test_a_long_clip_is_not_kept_whole() -> None:
    from fusion.data import tracing

    kept: list[int] = []

    class Counting(tracing._Stored):
        def apply(self, pieces: Row, span: Span, state: Any) -> Row:
            answer = super().apply(pieces, span, state)
            kept.append(sum(len(given) for given in self.answers.everything().values()))
            return answer

    original, tracing._Stored = tracing._Stored, Counting  # type: ignore[misc]
    try:
        trace_clip(
            clip_of("90", "pulse"),
            plans(pulse=STREAMS["pulse"]),
            WindowSettings(seconds=Fraction(2)),
            at=Fraction(80),
        )
    finally:
        tracing._Stored = original  # type: ignore[misc]
    assert max(kept) < 120 * 15


def test_what_cannot_be_drawn_is_said() -> None:
    window = WindowSettings(seconds=Fraction(2))
    trace = trace_clip(clip_of("3", "pulse"), plans(), window)
    reasons = {s.plan.name: s.result.reason for s in trace.streams if isinstance(s.result, Absent)}
    assert reasons == dict.fromkeys(("words", "whole"), "the clip has no track of gestures")
    with pytest.raises(
        DataError, match=r"no stream has anything to draw \(.*pulse: the clip has no track of pulse; twin: "
    ):
        trace_clip(clip_of("3", "breath"), plans(), window)
    with pytest.raises(DataError, match="the clip ends at 3 s"):
        trace_clip(clip_of("3", "pulse"), plans(), window, at=Fraction(7, 2))
    with pytest.raises(DataError, match="refused"):
        trace_clip(clip_of("3", "pulse"), plans(pulse={"modality": "pulse", "transforms": ["refuse"]}), window)
    with pytest.raises(ComponentError, match=r"transform wrongly \(ToldWrongly\)"):
        trace_clip(clip_of("3", "pulse"), plans(pulse={"modality": "pulse", "transforms": ["wrongly"]}), window)
    with pytest.raises(ComponentError, match=r"transform bug \(Refuse\)"):
        trace_clip(clip_of("3", "pulse"), plans(pulse={"modality": "pulse", "transforms": ["bug"]}), window)
