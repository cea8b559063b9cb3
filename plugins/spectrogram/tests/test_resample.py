from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from fusion_spectrogram import options
from fusion_spectrogram.resample import Resample

from fusion.contract import DataError, Pieces, Span


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 44101, 48000, 96000])
def test_a_tone_keeps_its_pitch_phase_and_level(rate, sound, over):
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(rate) / rate)
    result = over(Resample(options.Resample()), sound(tone, rate), [])["sound"]
    assert result.rate == 16000
    assert len(result) == 16000
    expected = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    assert np.abs(result.data - expected)[400:-400].max() < 1e-3


def test_what_the_new_rate_cannot_hold_is_gone(sound, over):
    tone = np.sin(2 * np.pi * 9500 * np.arange(48000) / 48000)
    result = over(Resample(options.Resample()), sound(tone, 48000), [])["sound"]
    assert np.abs(result.data[400:-400]).max() < 2e-3


def test_a_click_stays_in_its_place_an_hour_later():
    hour = 3600 * 44100
    samples = np.zeros(44100, np.float32)
    samples[22050] = 1.0
    row = {"sound": Pieces(samples, Fraction(44100), hour)}
    result = Resample(options.Resample()).apply(row, Span(Fraction(3600), Fraction(3601)), None)["sound"]
    assert result.first == 3600 * 16000
    assert int(np.argmax(np.abs(result.data))) == 8000


def test_sound_that_begins_later_is_silent_before(sound, over):
    result = over(Resample(options.Resample()), sound(np.ones(8000), 8000, first=4000), [])["sound"]
    assert np.abs(result.data[:7900]).max() == 0
    assert abs(result.data[16000] - 1) < 1e-2


def test_no_sound_is_no_answer():
    assert Resample(options.Resample()).apply({}, Span(Fraction(0), Fraction(1)), None) == {}


def test_samples_that_are_not_finite_are_refused(sound, over):
    with pytest.raises(DataError, match="not finite"):
        over(Resample(options.Resample()), sound(np.full(100, np.nan), 8000), [])


def test_rates_outside_the_limits_are_refused(sound, over):
    with pytest.raises(DataError, match="outside"):
        over(Resample(options.Resample()), sound(np.zeros(100), 1000), [])
