from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from fusion_spectrogram import augmentation_options as options
from fusion_spectrogram import levels, masking, warping

from fusion.contract import Pieces, Span

ALL = {
    "time_mask": (masking.TimeMask, options.TimeMask()),
    "frequency_mask": (masking.FrequencyMask, options.FrequencyMask()),
    "crop_top": (warping.CropTop, options.CropTop(chance=1.0)),
    "rotate": (warping.Rotate, options.Rotate(chance=1.0)),
    "time_stretch": (warping.TimeStretch, options.TimeStretch()),
    "band_shift": (warping.BandShift, options.BandShift()),
    "time_shift": (warping.TimeShift, options.TimeShift()),
    "gain": (levels.Gain, options.Gain(tilt=0.2)),
    "noise": (levels.Noise, options.Noise(chance=1.0)),
}
SPAN = Span(Fraction(0), Fraction(1))


def random(seed=0):
    return np.random.Generator(np.random.Philox(seed))


def row(columns=100, bands=64, dtype=np.float16):
    frames = random(9).standard_normal((columns, bands)).astype(dtype)
    return {"frames": Pieces(frames, Fraction(100), 7), "level": Pieces(np.ones(columns), Fraction(100), 7)}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("columns", [1, 2, 100])
def test_every_augmentation_draws_from_what_it_is_given_only(name, columns):
    cls, settings = ALL[name]
    given = row(columns)
    before = given["frames"].data.copy()
    first, again, other = (cls(settings)(given, SPAN, random(seed))["frames"] for seed in (1, 1, 2))
    assert np.array_equal(given["frames"].data, before)
    assert np.array_equal(first.data, again.data)
    assert first.data.dtype == np.float32
    assert first.data.shape[1] == 64
    assert (first.rate, first.first) == (Fraction(100), 7)
    assert np.isfinite(first.data).all()
    if columns == 100:
        assert first.data.shape != before.shape or not np.array_equal(first.data, before)
        if name != "crop_top":
            assert first.data.shape != other.data.shape or not np.array_equal(first.data, other.data)


@pytest.mark.parametrize("name", ALL)
def test_without_chance_or_frames_nothing_happens(name):
    cls, settings = ALL[name]
    given = row()
    assert cls(replace(settings, chance=0.0))(given, SPAN, random()) is given
    raw = {"sound": Pieces(np.ones(10, np.float32), Fraction(16000))}
    assert cls(settings)(raw, SPAN, random()) is raw


def test_a_time_mask_hides_as_much_as_it_may():
    frames = row(dtype=np.float32)
    cls, settings = masking.TimeMask, options.TimeMask(count=1, longest=0.2, share=1.0)
    widths = []
    for seed in range(200):
        changed = cls(settings)(frames, SPAN, random(seed))["frames"].data
        hidden = np.flatnonzero((changed != frames["frames"].data).all(axis=1))
        widths.append(len(hidden))
        if len(hidden):
            assert hidden[-1] - hidden[0] + 1 == len(hidden)
            assert np.allclose(changed[hidden[0]], frames["frames"].data.mean(axis=0))
    assert max(widths) == 20
    assert min(widths) == 0


def test_a_frequency_mask_can_fill_with_silence():
    frames = row(dtype=np.float32)
    changed = masking.FrequencyMask(options.FrequencyMask(count=1, widest=8, fill="minimum"))(frames, SPAN, random(3))
    data = changed["frames"].data
    bands = np.flatnonzero((data != frames["frames"].data).any(axis=0))
    assert 1 <= len(bands) <= 8
    assert np.array_equal(data[0, bands], frames["frames"].data.min(axis=0)[bands])


def test_the_top_is_the_highest_frequency():
    ramp = np.tile(np.arange(200, dtype=np.float32), (5, 1))
    given = {"frames": Pieces(ramp, Fraction(100), 0)}
    cropped = warping.CropTop(options.CropTop(rows=10, chance=1.0))(given, SPAN, random())["frames"].data
    assert cropped.shape == (5, 200)
    assert (cropped[0, 0], cropped[0, -1]) == (0, 189)


def test_rotation_turns_about_the_middle():
    picture = np.zeros((101, 101), np.float32)
    picture[:, 50] = 1.0  # one frequency throughout
    given = {"frames": Pieces(picture, Fraction(100), 0)}
    turned = warping.Rotate(options.Rotate(degrees=10, chance=1.0))(given, SPAN, random(4))["frames"].data
    assert turned[50, 50] == pytest.approx(1.0, abs=1e-6)
    left, right = int(np.argmax(turned[10])), int(np.argmax(turned[90]))
    assert left + right == 100
    assert 1 <= abs(left - right) <= 15


def test_stretching_keeps_the_order_of_time():
    ramp = np.arange(100, dtype=np.float32)[:, None] * np.ones((1, 4), np.float32)
    lengths = set()
    for seed in range(20):
        given = {"frames": Pieces(ramp, Fraction(100), 0)}
        data = warping.TimeStretch(options.TimeStretch(stretch=0.2))(given, SPAN, random(seed))["frames"].data
        lengths.add(len(data))
        assert (np.diff(data[:, 0]) >= 0).all()
        assert data[0, 0] <= 1
        assert data[-1, 0] >= 98
    assert min(lengths) < 90
    assert max(lengths) > 110


def test_a_stretch_can_keep_the_length():
    ramp = np.arange(101, dtype=np.float32)[:, None] * np.ones((1, 4), np.float32)
    for seed in range(5):
        given = {"frames": Pieces(ramp, Fraction(100), 0)}
        settings = options.TimeStretch(stretch=0.2, keep=True)
        data = warping.TimeStretch(settings)(given, SPAN, random(seed))["frames"].data
        assert data.shape == ramp.shape
        assert data[50, 0] == pytest.approx(50)
        assert 1 / 1.23 <= data[51, 0] - data[50, 0] <= 1.23
