"""Sampling by presentation time, and leaving frames undecoded."""

from __future__ import annotations

import math
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from fusion.contract import PICTURES, Clip, Track, Want
from fusion.media import open_clip
from fusion.testing.media import frame_times, write_clip

from .conftest import number_of, numbered, read


def pictures_of(path: Path, rate: Fraction | None, start: Fraction = Fraction(0), **settings: bool) -> list[object]:
    want = Want(PICTURES, rate)
    answers = read(Clip("one", (Track(PICTURES, path, start=start),)), want, **settings)[want]
    return [item for pieces in answers for item in pieces.data]


def on_display(times: list[Fraction], moment: Fraction) -> int:
    return max(k for k, time in enumerate(times) if time <= moment)


@pytest.mark.parametrize("variable", [False, True])
@pytest.mark.parametrize("rate", [Fraction(20, 3), Fraction(25), Fraction(60), Fraction(1, 2)])
@pytest.mark.parametrize("start", [Fraction(0), Fraction(101, 300)])
def test_each_item_is_the_picture_on_display(tmp_path: Path, variable: bool, rate: Fraction, start: Fraction) -> None:
    times = frame_times(2.0, Fraction(25), variable)

    def by_number(seconds: float) -> np.ndarray:
        number = min(range(len(times)), key=lambda k: abs(float(times[k]) - seconds))
        return np.full((48, 64, 3), 20 + 3 * number, np.uint8)

    path = write_clip(
        tmp_path / "numbers.mp4",
        seconds=2.0,
        size=(64, 48),
        pictures=by_number,
        sound=None,
        variable=variable,
        options={"crf": "4"},
    )
    shown = [number_of(picture) for picture in pictures_of(path, rate, start)]
    end = Fraction(2) - start
    assert shown == [on_display(times, start + k / rate) for k in range(math.ceil(end * rate))]


def test_without_a_rate_every_frame_comes_with_its_time(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "uneven.mp4", seconds=1.0, size=(64, 48), sound=None, variable=True)
    want = Want(PICTURES)
    (pieces,) = read(Clip("one", (Track(PICTURES, path),)), want)[want]
    assert pieces.times == pytest.approx([float(time) for time in frame_times(1.0, Fraction(25), True)])
    assert len(pieces.data) == len(pieces.times)


def test_pictures_that_begin_later_leave_the_first_indices_out(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "late.mp4", seconds=1.0, size=(64, 48), picture_delay=0.5)
    want = Want(PICTURES, Fraction(10))
    pieces = read(Clip("one", (Track(PICTURES, path),)), want)[want]
    assert pieces[0].first == 5
    rounded = write_clip(tmp_path / "rounded.mp4", seconds=1.0, size=(64, 48), picture_delay=0.05)
    pieces = read(Clip("one", (Track(PICTURES, rounded),)), want)[want]
    assert pieces[0].first == 0


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.avi"])
def test_skipping_never_changes_the_pictures(tmp_path: Path, name: str) -> None:
    size = (64, 48)
    noise = np.random.default_rng(0).integers(0, 60, (200, size[1], size[0], 3), np.uint8)

    def picture(seconds: float) -> np.ndarray:
        return numbered(size)(seconds) + noise[int(seconds * 25)]

    path = write_clip(tmp_path / name, seconds=2.0, size=size, pictures=picture, sound=None, gop=20)
    for rate in (Fraction(20, 3), Fraction(1), Fraction(11)):
        with_skip, without = pictures_of(path, rate), pictures_of(path, rate, skip=False)
        assert len(with_skip) == len(without)
        for a, b in zip(with_skip, without, strict=True):
            assert np.array_equal(a.rgb(), b.rgb())


def test_skipping_decodes_fewer_frames(talking: Path) -> None:
    counts = {}
    for skip in (True, False):
        with open_clip(
            Clip("one", (Track(PICTURES, talking),)), [Want(PICTURES, Fraction(20, 3))], skip=skip
        ) as source:
            track = source._tracks[0]
            add, seen = track._add, []
            track._add = lambda frame, add=add, seen=seen: (seen.append(1), add(frame))
            source.advance(Fraction(9))
            counts[skip] = len(seen)
    assert counts[False] == 50
    assert counts[True] < 42


@pytest.mark.skipif("FUSION_DATA" not in os.environ, reason="FUSION_DATA is not set: no real clips")
def test_skipping_never_changes_the_pictures_of_real_clips() -> None:
    files = sorted(Path(os.environ["FUSION_DATA"], "java_sed", "video").glob("*.mp4"))[::24]
    assert files
    for path in files:
        with_skip, without = pictures_of(path, Fraction(20, 3)), pictures_of(path, Fraction(20, 3), skip=False)
        assert len(with_skip) == len(without)
        for a, b in zip(with_skip, without, strict=True):
            assert np.array_equal(a.grey(), b.grey())
