"""Front-ends: log-mel and the dB spectrogram, then resize and trim."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from fusion_spectrogram import options
from fusion_spectrogram.db_spectrogram import DbSpectrogram
from fusion_spectrogram.fit_length import FitLength
from fusion_spectrogram.log_mel import LogMel
from fusion_spectrogram.resize import Resize
from fusion_spectrogram.trim import Trim
from torchaudio.functional import melscale_fbanks

from fusion.contract import DataError, Pieces, Span

THREE = Span(Fraction(0), Fraction(3))


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 96000])
@pytest.mark.parametrize("frames", [100.0, 62.5])
def test_frame_i_is_centred_at_i_over_rate(rate, frames, sound):
    samples = np.zeros(3 * rate)
    samples[round(1.44 * rate)] = 1.0
    result = LogMel(options.LogMel(rate=frames)).apply(sound(samples, rate), THREE, None)
    assert result["frames"].rate == Fraction(str(frames))
    assert len(result["frames"]) == len(result["level"]) == math.ceil(3 * frames)
    assert int(np.argmax(result["level"].data)) == round(1.44 * frames)


def test_log_mel_is_the_textbook_formula(speech, sound):
    samples = speech(1.0, 16000)
    result = LogMel(options.LogMel(rate=62.5, window=0.032)).apply(sound(samples), Span(Fraction(0), Fraction(1)), None)
    window = torch.hann_window(512)
    spectrum = torch.stft(torch.from_numpy(samples), 512, 256, window=window, return_complex=True).abs() ** 2
    power = (spectrum / window.pow(2).sum()).T @ melscale_fbanks(257, 60.0, 7600.0, 64, 16000, norm=None)
    expected = torch.log(power + 1e-7).numpy()[1:62]  # the first and last reach over the ends
    assert np.abs(result["frames"].data[1:62].astype(np.float32) - expected).max() < 0.02


def test_no_sound_gives_frames_at_the_floor():
    result = LogMel(options.LogMel()).apply({}, THREE, None)
    assert result["frames"].data.shape == (300, 64)
    assert np.allclose(result["frames"].data.astype(np.float32), np.log(1e-7), atol=0.01)
    assert not result["level"].data.any()
    assert (DbSpectrogram(options.DbSpectrogram()).apply({}, THREE, None)["frames"].data == -60).all()


def test_sound_without_the_lowest_band_is_refused(sound):
    with pytest.raises(DataError, match="log_mel begins at 5000 Hz"):
        LogMel(options.LogMel(lowest=5000)).apply(sound(np.zeros(8000), 8000), THREE, None)


@pytest.mark.parametrize(("frequency", "highest", "row"), [(4000, None, 100), (4000, 5000.0, 159), (2000, None, 50)])
def test_three_seconds_are_a_picture_of_200_by_300(frequency, highest, row, sound):
    tone = np.sin(2 * np.pi * frequency * np.arange(48000) / 16000)
    result = DbSpectrogram(options.DbSpectrogram(highest_hz=highest)).apply(sound(tone), THREE, None)["frames"].data
    assert result.shape == (300, 200)
    assert result.dtype == np.float16
    assert abs(int(np.argmax(result[150])) - row) <= 1
    assert 30 < result[150].max() < 60
    assert result.min() >= -60


def test_resize_makes_one_size_of_any_length():
    ramp = np.linspace(0, 1, 733, dtype=np.float16)[:, None] * np.ones((1, 90), np.float16)
    row = {"frames": Pieces(ramp, Fraction(100), 50), "level": Pieces(np.ones(733), Fraction(100), 50)}
    result = Resize(options.Resize()).apply(row, Span(Fraction(1, 2), Fraction(783, 100)), None)
    frames = result["frames"]
    assert frames.data.shape == (300, 200)
    assert np.abs(frames.data[:, 7] - np.linspace(0, 1, 300)).max() < 0.01
    assert float(frames.span.start) == pytest.approx(0.5, abs=0.02)
    assert float(frames.span.seconds) == pytest.approx(7.33, abs=0.01)
    assert result["level"] is row["level"]


def test_trim_keeps_what_is_loud():
    level = np.full(100, 1e-8, np.float32)
    level[30:60] = 1.0
    row = {
        "frames": Pieces(np.arange(100)[:, None], Fraction(100), 200),
        "level": Pieces(level, Fraction(100), 200),
    }
    result = Trim(options.Trim(margin=0.05)).apply(row, Span(Fraction(2), Fraction(3)), None)["frames"]
    assert (result.first, result.data[0, 0], result.data[-1, 0]) == (225, 25, 64)
    short = Trim(options.Trim(margin=0.05, longest=0.2)).apply(row, Span(Fraction(2), Fraction(3)), None)["frames"]
    assert (short.first, len(short)) == (235, 20)
    silent = {**row, "level": Pieces(np.zeros(100), Fraction(100), 200)}
    assert Trim(options.Trim()).apply(silent, Span(Fraction(2), Fraction(3)), None) is silent


@pytest.mark.parametrize("columns", [100, 51, 50, 49, 40, 1])
def test_one_length_about_the_middle(columns):
    frames = np.arange(columns * 2, dtype=np.float16).reshape(columns, 2)
    row = {
        "frames": Pieces(frames, Fraction(100), 250 - columns // 2),
        "level": Pieces(np.ones(columns, np.float32), Fraction(100), 250 - columns // 2),
    }
    result = FitLength(options.FitLength(seconds=0.5)).apply(row, Span(Fraction(2), Fraction(3)), None)
    assert result["frames"].data.shape == (50, 2)
    assert len(result["level"]) == 50
    middle = columns // 2
    place = row["frames"].first + middle - result["frames"].first
    assert np.array_equal(result["frames"].data[place], frames[middle])
    assert abs(place - 25) <= 1
    if columns < 50:
        assert (result["frames"].data[0] == frames[0]).all()  # the quietest of a rising row
        assert result["level"].data.sum() == columns
