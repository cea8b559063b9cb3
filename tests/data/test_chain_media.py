"""Chains over real files: lazy pictures, sound with a delay, words."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fusion.config.models import WindowSettings
from fusion.contract import PICTURES, SOUND, WORDS, Clip, Need, Pieces, Row, Span, Track
from fusion.data.assemble import AssembledWindow, clip_windows
from fusion.data.chain import ChainEnd
from fusion.data.rows import Absent, window_row
from fusion.data.streams import StreamPlan
from fusion.store.store import Store
from fusion.store.worker import Task, prepare_clip
from fusion.testing.media import truncate, write_clip, write_sound
from tests.data.parts import Kind, Smooth, parts, planned, same


class Brightness(Smooth):
    """Local: each picture's mean, smoothed over a second on both sides."""

    seconds = Fraction(1)

    def __init__(self) -> None:
        super().__init__(rate=Fraction(20, 3), seconds=Fraction(1))

    def apply(self, pieces: Row, span: Span, state: Any) -> Row:
        pictures = pieces[PICTURES]
        means = Pieces(
            np.array([picture.grey((16, 12)).mean() for picture in pictures.data]), pictures.rate, pictures.first
        )
        return {"means": super().apply({"means": means}, span, state)["means"]}


def plans_of() -> dict[str, StreamPlan]:
    catalog = parts()
    catalog.instances["modality"] |= {
        "voice": Kind({SOUND: Need()}),
        "face": Kind({PICTURES: Need(Fraction(20, 3))}),
        "said": Kind({WORDS: Need()}, extent="clip"),
    }
    catalog.instances["transform"]["brightness"] = Brightness()
    return planned(
        catalog,
        voice={"modality": "voice", "transforms": ["level", "smooth"]},
        raw={"modality": "voice"},
        face={"modality": "face", "transforms": ["brightness"]},
        said={"modality": "said"},
    )


def from_store(folder: Path, clip: Clip, plans: dict[str, StreamPlan]) -> tuple[Store, Any]:
    store = Store(folder)
    keys = {name: store.entry_key(clip, plan) for name, plan in plans.items()}
    return store, prepare_clip(Task(clip, keys), plans, store)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    path = write_clip(tmp_path_factory.mktemp("media") / "a.mp4", seconds=4.3, sound_delay=0.5, variable=True)
    return Clip("a", (Track(PICTURES, path), Track(SOUND, path, start=Fraction(1, 10))), transcript="well then")


@pytest.mark.parametrize("step", [Fraction(1, 3), Fraction(2), Fraction(30)])
def test_windows_while_reading_equal_those_of_the_store(tmp_path: Path, clip: Clip, step: Fraction) -> None:
    plans, window = plans_of(), WindowSettings(seconds=Fraction(3, 2), hop=Fraction(1))
    store, outcome = from_store(tmp_path, clip, plans)
    assert set(outcome.made) == set(plans)
    _, *windows, end = clip_windows(clip, list(plans.values()), window, step=step)
    assert isinstance(end, ChainEnd)
    assert len(windows) >= 3
    for found in windows:
        assert isinstance(found, AssembledWindow)
        for name, row in found.rows.items():
            stored = store.lookup(clip, plans[name])
            assert stored.duration == end.duration
            expected = window_row(plans[name], stored, found.span, training=False, random=None)
            assert not isinstance(row, Absent)
            assert not isinstance(expected, Absent)
            same(row, expected)


def test_what_is_stored_lies_where_it_was(tmp_path: Path, clip: Clip) -> None:
    plans = plans_of()
    store, _ = from_store(tmp_path, clip, plans)
    raw = store.lookup(clip, plans["raw"]).row(None)[SOUND]
    assert raw.rate == 16000
    # the sound begins at 0.5 s of the file, which is 0.4 s of the clip
    loud = (np.flatnonzero(np.abs(raw.data) > 0.05)[0] + raw.first) / 16000
    assert 0.39 < loud < 0.43
    means = store.lookup(clip, plans["face"]).row(None)["means"]
    duration = store.lookup(clip, plans["face"]).duration
    assert len(means) == len(Span(Fraction(0), duration).indices(Fraction(20, 3)))
    assert list(store.lookup(clip, plans["said"]).row(None)[WORDS].data) == ["well then"]


def broken(path: Path) -> None:
    truncate(path, 0.5)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def renamed(path: Path) -> None:
    path.write_text("these are words and no picture")


@pytest.mark.parametrize("spoil", [broken, emptied, renamed])
def test_a_bad_file_harms_its_own_streams_only(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    pictures = write_clip(tmp_path / "a.mp4", seconds=1.5, sound=None)
    sound = write_sound(tmp_path / "a.wav", seconds=1.5)
    spoil(pictures)
    clip = Clip("a", (Track(PICTURES, pictures), Track(SOUND, sound)), duration=Fraction(3, 2), transcript="well")
    plans = plans_of()
    store, outcome = from_store(tmp_path / "store", clip, plans)
    assert [failure.stream for failure in outcome.failures] == ["face"]
    assert "a.mp4" in outcome.failures[0].reason
    assert set(outcome.made) == {"voice", "raw", "said"}
    assert len(store.lookup(clip, plans["raw"]).row(None)[SOUND]) == 24000


def test_sound_without_pictures_is_an_absence(tmp_path: Path) -> None:
    clip = Clip("a", (Track(SOUND, write_sound(tmp_path / "a.wav", seconds=0.1)),))
    plans = plans_of()
    store, outcome = from_store(tmp_path / "store", clip, plans)
    assert outcome.failures == ()
    assert {name for name, plan in plans.items() if store.lookup(clip, plan).absence is not None} == {"face", "said"}
    assert store.lookup(clip, plans["face"]).absence == "the clip has no track of pictures"
    assert store.lookup(clip, plans["raw"]).duration == Fraction(1, 10)
