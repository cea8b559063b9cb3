from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from fusion.contract import ConfigError, Pieces, Row, Span
from fusion.data.randomness import generator
from fusion.data.rows import Absent, window_row
from fusion.data.streams import StreamPlan
from tests.data.parts import Parts, parts, planned, same

WINDOW = Span(Fraction(1), Fraction(2))


@dataclass
class Whole:
    """A clip of 4 s with items of 10 a second that count up."""

    duration: Fraction = Fraction(4)
    absence: str | None = None
    empty: bool = False

    def row(self, span: Span | None) -> Row:
        whole = Pieces(np.arange(0 if self.empty else 40, dtype=np.float32), Fraction(10))
        return {"pulse": whole if span is None else whole.within(span)}


def plan_of(catalog: Parts | None = None, **stream: Any) -> StreamPlan:
    return planned(catalog or parts(), one={"modality": "pulse", **stream})["one"]


def values(row: Row | Absent) -> list[float]:
    assert not isinstance(row, Absent)
    return [round(float(value), 4) for value in row["pulse"].data]


def test_a_window_is_a_slice() -> None:
    row = window_row(plan_of(), Whole(), WINDOW, training=False, random=None)
    assert values(row) == list(range(10, 20))


def test_augmentations_run_in_training_only_and_by_address() -> None:
    plan = plan_of(augmentations=["jitter"])
    still = window_row(plan, Whole(), WINDOW, training=False, random=None)
    first = window_row(plan, Whole(), WINDOW, training=True, random=generator(1))
    again = window_row(plan, Whole(), WINDOW, training=True, random=generator(1))
    other = window_row(plan, Whole(), WINDOW, training=True, random=generator(2))
    assert values(still) == list(range(10, 20))
    assert values(first) == values(again) != values(other)
    assert values(first) != values(still)


def test_live_steps_get_their_context_where_the_clip_has_it() -> None:
    """A local step after an augmentation answers as it would on the whole clip."""
    plan = plan_of(augmentations=["jitter", "smooth", "smoother"])
    catalog = parts()
    smooth, smoother = (catalog.instances["transform"][name] for name in ("smooth", "smoother"))
    clip = Span(Fraction(0), Fraction(4))
    whole = smoother.apply(smooth.apply(Whole().row(None), clip, None), clip, None)
    for span in (WINDOW, Span(Fraction(0), Fraction(1)), Span(Fraction(7, 2), Fraction(4)), clip):
        row = window_row(plan, Whole(), span, training=False, random=None)
        assert not isinstance(row, Absent)
        same(row, {name: pieces.within(span) for name, pieces in whole.items()})


def test_window_scope_sees_the_window_alone() -> None:
    plan = plan_of(transforms=["window"])
    row = window_row(plan, Whole(), WINDOW, training=False, random=None)
    assert values(row) == [*range(10, 20), 10]


def test_context_ends_at_a_transform_of_window_scope() -> None:
    plan = plan_of(transforms=["window", "smooth"])
    row = window_row(plan, Whole(), WINDOW, training=False, random=None)
    assert not isinstance(row, Absent)
    assert row["pulse"].data[0] == 10 + 11, "the item before the window is not seen"


def test_clip_extent_takes_the_whole_clip() -> None:
    catalog = parts()
    catalog.instances["modality"]["pulse"].extent = "clip"
    assert len(values(window_row(plan_of(catalog), Whole(), WINDOW, training=False, random=None))) == 40


def test_absences() -> None:
    plan = plan_of()
    for stored, reason in ((Whole(absence="no sound"), "no sound"), (Whole(empty=True), "nothing there")):
        assert window_row(plan, stored, WINDOW, training=False, random=None) == Absent(reason)


def test_a_live_step_that_cannot_be_made_is_an_absence() -> None:
    catalog = parts()
    plan = plan_of(catalog, augmentations=["jitter"], transforms=["window", "refuse"])
    assert window_row(plan, Whole(), WINDOW, training=False, random=None) == Absent("refused")


def test_what_works_on_clips_cannot_follow_what_works_on_windows() -> None:
    with pytest.raises(ConfigError, match=r"level works on whole clips and cannot follow jitter") as caught:
        plan_of(transforms=["smooth", "jitter", "level"])
    assert caught.value.problems[0].key == "streams.one"


def test_a_chain_is_stored_up_to_its_first_random_or_window_step() -> None:
    plan = plan_of(transforms=["level", "smooth", "window", "smoother"], augmentations=["jitter"])
    assert [step.name for step in plan.stored] == ["level", "smooth"]
    assert [step.name for step in plan.live] == ["window", "smoother", "jitter"]
    assert [step.kind for step in plan.live] == ["transform", "transform", "augmentation"]
