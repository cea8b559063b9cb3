from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fusion.contract import Clip, Pieces, Row, Span
from fusion.data.buffers import Buffer
from fusion.data.chain import ChainEnd, ChainStop, run_chains
from fusion.data.streams import StreamPlan
from tests.data.parts import RATE, Parts, clip_in, parts, planned, same, samples_of

STREAMS: dict[str, dict[str, Any]] = {
    "raw": {"modality": "pulse"},
    "fine": {"modality": "pulse", "transforms": ["level", "smoother", "smooth"]},
    "double": {"modality": "breath", "transforms": ["smoother", "level", "smooth", "level"]},
    "slow": {"modality": "slow_pulse"},
    "timed": {"modality": "gestures"},
    "said": {"modality": "said"},
}


def plans_of(catalog: Parts, **streams: dict[str, Any]) -> list[StreamPlan]:
    return list(planned(catalog, **(streams or STREAMS)).values())


def collect(
    clip: Clip, plans: Sequence[StreamPlan], step: Fraction = Fraction(5), **options: Any
) -> tuple[dict[str, Row], ChainEnd]:
    buffers = {plan.name: Buffer() for plan in plans}
    done = dict.fromkeys(buffers, Fraction(0))
    for event in run_chains(clip, plans, step=step, **options):
        if isinstance(event, ChainEnd):
            return {name: buffer.everything() for name, buffer in buffers.items()}, event
        if isinstance(event, ChainStop):
            continue
        assert event.done_until >= done[event.stream]
        done[event.stream] = event.done_until
        buffers[event.stream].add(event.row)
    raise AssertionError("no end")


@given(
    step=st.fractions(Fraction(1, 20), Fraction(9), max_denominator=50),
    seconds=st.fractions(Fraction(1, 1000), Fraction(6), max_denominator=1000),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_results_do_not_depend_on_the_step(tmp_path: Path, step: Fraction, seconds: Fraction) -> None:
    clip = clip_in(tmp_path, "a", seconds)
    plans = plans_of(parts())
    expected, whole = collect(clip, plans, Fraction(100))
    found, end = collect(clip, plans, step)
    assert end == whole == ChainEnd(seconds)
    for name, row in expected.items():
        same(found[name], row)
    assert len(found["fine"]["pulse"]) == len(Span(Fraction(0), seconds).indices(Fraction(12)))


def test_what_comes_out_is_right(tmp_path: Path) -> None:
    clip = clip_in(tmp_path)
    assert clip.duration is not None
    catalog = parts()
    rows, _ = collect(clip, plans_of(catalog), Fraction(1, 3))
    pulse = samples_of(clip, "pulse")
    assert np.array_equal(rows["raw"]["pulse"].data, pulse)
    assert rows["slow"]["pulse"].rate == Fraction(20, 3)
    assert np.array_equal(rows["slow"]["pulse"].data, pulse[::18])
    smooth = catalog.instances["transform"]["smooth"]
    leveled = pulse / np.float32(np.sqrt(np.mean(pulse.astype(np.float64) ** 2)))
    fine = catalog.instances["transform"]["smoother"]
    whole = Span(Fraction(0), clip.duration)
    same(
        rows["fine"],
        smooth.apply(fine.apply({"pulse": Pieces(leveled, RATE)}, whole, None), whole, None),
    )
    assert rows["fine"]["pulse"].rate == 12
    assert rows["fine"]["marks"].rate == Fraction(7, 3)
    assert rows["timed"]["gestures"].data[-1] == "g6é"
    same(rows["said"], rows["timed"])


def test_one_pass_decodes_every_kind_once_and_clip_scope_costs_passes_over_its_own_kinds(tmp_path: Path) -> None:
    catalog = parts()
    collect(clip_in(tmp_path), plans_of(catalog))
    passes = {kind: len(decoder.opened) for kind, decoder in catalog.instances["decoder"].items()}
    # breath: two steps of clip scope and the main pass; pulse: one and the main pass
    assert passes == {"pulse": 2, "breath": 3, "gestures": 1}


def test_equal_chains_run_once(tmp_path: Path) -> None:
    plans = plans_of(parts(), one=STREAMS["fine"], two={**STREAMS["fine"], "encoder": "other"})
    assert plans[0].key == plans[1].key
    rows, _ = collect(clip_in(tmp_path), plans)
    assert rows["one"]["pulse"].data is not None
    same(rows["one"], rows["two"])


class Lump:
    """An item that says how many of it are alive, as decoded pictures are."""

    alive = 0
    most = 0

    def __init__(self) -> None:
        Lump.alive += 1
        Lump.most = max(Lump.most, Lump.alive)

    def __del__(self) -> None:
        Lump.alive -= 1


def test_lazy_items_are_dropped_as_soon_as_no_stage_needs_them(tmp_path: Path) -> None:
    catalog = parts()

    class Lumps:
        kinds = ("pulse",)
        version = 1

        def identity(self, clip: Clip, track: Any) -> dict[str, str]:
            return {}

        def open(self, clip: Clip, tracks: Any, wants: Any) -> Any:
            source = original.open(clip, tracks, wants)
            advance = source.advance

            def lumps(until: Fraction) -> Any:
                return {
                    want: Pieces([Lump() for _ in range(len(run))], run.rate, run.first)
                    for want, run in advance(until).items()
                }

            source.advance = lumps
            return source

    class Count:
        version = 1
        scope = "local"
        context = (Fraction(1, 2), Fraction(1, 2))

        def apply(self, pieces: Row, span: Span, state: Any) -> Row:
            return {
                "count": Pieces(
                    np.zeros(len(span.indices(Fraction(10)))), Fraction(10), span.indices(Fraction(10)).start
                )
            }

    original = catalog.instances["decoder"]["pulse"]
    plan = plans_of(catalog, slow={"modality": "slow_pulse", "transforms": ["smooth"]})[0]
    step = plan.stored[0]
    object.__setattr__(step, "instance", Count())
    object.__setattr__(step, "context", Count.context)
    object.__setattr__(plan, "decoders", {"pulse": Lumps()})
    Lump.alive = Lump.most = 0
    _, end = collect(clip_in(tmp_path, seconds="30"), [plan], Fraction(1))
    assert end.failed == {}
    assert Lump.alive == 0
    # a step of 1 s, half a second on both sides, rounded up to items of 20/3 a second
    assert Lump.most <= 15


REPORT = "report it to the {}'s authors; fusion plugins list says who they are"


@pytest.mark.parametrize(
    ("transform", "reason"),
    [("refuse", "refused"), ("bug", f"transform bug (Refuse): fails: KeyError: 'oops'; {REPORT.format('transform')}")],
)
def test_a_stream_that_fails_harms_no_other(tmp_path: Path, transform: str, reason: str) -> None:
    clip = clip_in(tmp_path)
    plans = plans_of(parts(), good=STREAMS["fine"], bad={"modality": "pulse", "transforms": [transform, "smooth"]})
    rows, end = collect(clip, plans, Fraction(1, 2))
    assert str(end.failed["bad"]) == reason
    assert set(end.failed) == {"bad"}
    same(rows["good"], collect(clip, plans[:1])[0]["good"])


def test_media_that_break_half_way_harm_only_their_own_streams(tmp_path: Path) -> None:
    clip = clip_in(tmp_path)
    good, _ = collect(clip, plans_of(parts()))
    rows, end = collect(clip, plans_of(parts({"breath": {"a": Fraction(2)}})), Fraction(1))
    assert {name: str(error) for name, error in end.failed.items()} == {"double": "a: cannot be decoded after 2 s"}
    assert end.duration == clip.duration
    for name in set(STREAMS) - {"double"}:
        same(rows[name], good[name])


def test_media_that_break_in_the_main_pass_too(tmp_path: Path) -> None:
    clip = clip_in(tmp_path)
    streams = {name: {**stream, "transforms": []} for name, stream in STREAMS.items()}
    good, _ = collect(clip, plans_of(parts(), **streams))
    rows, end = collect(clip, plans_of(parts({"breath": {"a": Fraction(2)}}), **streams), Fraction(1))
    assert set(end.failed) == {"double"}
    for name in set(STREAMS) - {"double"}:
        same(rows[name], good[name])


def test_what_a_clip_does_not_have_is_absent_with_its_reason(tmp_path: Path) -> None:
    clip = clip_in(tmp_path, kinds=("pulse",))
    plans = plans_of(parts(), **STREAMS, both={"modality": "both"})
    rows, end = collect(clip, plans)
    assert set(end.absent) == {"double", "timed", "said"}
    assert end.absent["double"] == "the clip has no track of breath"
    assert end.failed == {}
    assert set(rows["both"]) == {"pulse"}, "an optional kind leaves the stream present"


def test_a_clip_of_no_length_is_absent_everywhere(tmp_path: Path) -> None:
    _, end = collect(clip_in(tmp_path, seconds="0"), plans_of(parts()))
    assert set(end.absent) == set(STREAMS)
    assert end.absent["raw"] == "the clip lasts 0 seconds"


def test_clips_that_are_too_long_fail(tmp_path: Path) -> None:
    _, end = collect(clip_in(tmp_path, seconds="130"), plans_of(parts()), longest=Fraction(120))
    assert set(end.failed) == set(STREAMS)
    assert str(end.failed["raw"]) == "a: lasts longer than 2 minutes; cut it, or raise prepare.minutes"


def test_a_transform_that_leaves_a_gap_is_named(tmp_path: Path) -> None:
    catalog = parts()
    smooth = catalog.instances["transform"]["smooth"]
    whole = smooth.apply

    def gap(pieces: Row, span: Span, state: Any) -> Row:
        return {name: Pieces(run.data[1:], run.rate, run.first + 1) for name, run in whole(pieces, span, state).items()}

    smooth.apply = gap
    _, end = collect(clip_in(tmp_path), plans_of(catalog, fine=STREAMS["fine"]), Fraction(1))
    assert "transform smooth" in str(end.failed["fine"])
    assert "should follow" in str(end.failed["fine"])


@pytest.mark.parametrize("step", [Fraction(1, 3), Fraction(5, 2), Fraction(50)])
def test_states_are_folded_in_seconds_however_the_clip_is_read(tmp_path: Path, step: Fraction) -> None:
    catalog = parts()
    level = catalog.instances["transform"]["level"]
    update, lengths = level.update, []

    def counted(state: Any, pieces: Row) -> Any:
        lengths.append(len(pieces["pulse"]))
        return update(state, pieces)

    level.update = counted
    collect(clip_in(tmp_path, seconds="4.5"), plans_of(catalog, fine=STREAMS["fine"]), step)
    assert lengths == [120, 120, 120, 120, 60]


def test_a_state_that_cannot_be_begun_harms_no_other_stream(tmp_path: Path) -> None:
    catalog = parts()

    def start(clip: Clip) -> None:
        raise ValueError("no seed")

    catalog.instances["transform"]["level"].start = start
    _, end = collect(clip_in(tmp_path), plans_of(catalog))
    assert {name: str(error) for name, error in end.failed.items()} == dict.fromkeys(
        ("fine", "double"),
        f"transform level (Level): fails: ValueError: no seed; {REPORT.format('transform')}",
    )


def test_too_long_clips_are_not_read(tmp_path: Path) -> None:
    catalog = parts()
    collect(clip_in(tmp_path, seconds="7000"), plans_of(catalog, raw=STREAMS["raw"]), longest=Fraction(20))
    (source,) = catalog.instances["decoder"]["pulse"].opened
    assert source.done <= 25


def test_a_step_lasts() -> None:
    with pytest.raises(ValueError, match="longer than 0"):
        next(run_chains(Clip("a", ()), [], step=Fraction(0)))
