"""Wherever a clip is cut, every transform answers the same bits."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from fusion_spectrogram import options
from fusion_spectrogram.add_noise import AddNoise
from fusion_spectrogram.band_pass import BandPass
from fusion_spectrogram.db_spectrogram import DbSpectrogram
from fusion_spectrogram.denoise import Denoise
from fusion_spectrogram.log_mel import LogMel
from fusion_spectrogram.loudness import Loudness
from fusion_spectrogram.resample import Resample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CASES = {
    "resample": Resample(options.Resample()),
    "resample_up": Resample(options.Resample(rate=48000)),
    "resample_odd": Resample(options.Resample(rate=15999)),
    "band_pass": BandPass(options.BandPass(lowest=50, highest=3000)),
    "loudness": Loudness(options.Loudness()),
    "add_noise": AddNoise(options.AddNoise()),
    "denoise": Denoise(options.Denoise()),
    "log_mel": LogMel(options.LogMel()),
    "log_mel_16ms": LogMel(options.LogMel(rate=62.5, window=0.032)),
    "db_spectrogram": DbSpectrogram(options.DbSpectrogram()),
}
END = Fraction(17, 10)
SECONDS = st.fractions(min_value=0, max_value=END, max_denominator=1000)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("rate", [8000, 22050])
def test_cuts_do_not_matter(name, rate, speech, sound, over):
    samples = speech(float(END), rate)

    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        cuts=st.lists(SECONDS, min_size=1, max_size=4),
        folds=st.lists(SECONDS, max_size=5),
        first=st.sampled_from([0, 1, 7777]),
    )
    def check(cuts, folds, first):
        row = sound(samples[first:], rate, first)
        whole = over(CASES[name], row, [])
        parts = over(CASES[name], row, cuts, folds)
        assert set(whole) == set(parts)
        for key, pieces in whole.items():
            assert pieces.rate == parts[key].rate
            assert len(pieces) == len(parts[key])
            assert np.array_equal(pieces.data, parts[key].data)
            assert np.isfinite(np.asarray(pieces.data, np.float32)).all()

    check()


@pytest.mark.parametrize("name", CASES)
def test_given_pieces_stay_as_they_are(name, speech, sound, over):
    row = sound(speech(1.0, 8000), 8000)
    before = row["sound"].data.copy()
    over(CASES[name], row, [Fraction(1, 3)])
    assert np.array_equal(row["sound"].data, before)
