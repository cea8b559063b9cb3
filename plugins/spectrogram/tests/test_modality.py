from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from fusion_spectrogram import options
from fusion_spectrogram.log_mel import LogMel
from fusion_spectrogram.modality import Audio
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.contract import SOUND, Need, Pieces, Span

ONE = Span(Fraction(0), Fraction(1))


def row(columns, seed=0, bands=5, loud=1.0):
    random = np.random.Generator(np.random.Philox(seed))
    frames = (3 + 2 * random.standard_normal((columns, bands))).astype(np.float16)
    level = np.full(columns, loud, np.float32)
    return {"frames": Pieces(frames, Fraction(100)), "level": Pieces(level, Fraction(100))}


def test_sound_is_needed_at_its_own_rate():
    audio = Audio(options.Audio())
    assert audio.needs == {SOUND: Need()}
    assert audio.extent == "window"
    assert audio.mixable == ("frames", "values")


@given(st.lists(st.integers(1, 50), min_size=1, max_size=6))
@settings(max_examples=30, deadline=None)
def test_standardising_sees_all_frames_once(lengths):
    rows = [row(length, seed) for seed, length in enumerate(lengths)]
    fitted = Audio(options.Audio()).fit(iter(rows))
    everything = np.concatenate([one["frames"].data for one in rows]).astype(np.float64)
    assert np.allclose(fitted["mean"], everything.mean(axis=0), atol=1e-5)
    assert np.allclose(fitted["deviation"], np.maximum(everything.std(axis=0), 1e-3), atol=1e-5)


def test_rows_of_unequal_length_become_a_batch():
    audio = Audio(options.Audio())
    rows = [row(30, 0), row(12, 1)]
    fitted = audio.fit(rows)
    batch = audio.batch(rows, [ONE, ONE], fitted)
    assert batch["frames"].shape == (2, 30, 5)
    assert batch["frames"].dtype == torch.float32
    assert batch["mask"].sum(dim=1).tolist() == [30, 12]
    valid = batch["frames"][batch["mask"]]
    assert valid.mean().abs() < 1e-5
    assert torch.allclose(batch["frames"][1, 12:], batch["frames"][1, :12].amin(dim=0).expand(18, 5))
    spec = audio.input(rows[0], fitted)
    assert spec.shapes == {"frames": (None, 5), "mask": (None,)}
    assert spec.rate == 100


def test_other_ways_to_standardise():
    rows = [row(30)]
    clip = Audio(options.Audio(standardise="clip"))
    assert clip.fit(rows) == {}
    values = clip.batch(rows, [ONE], {})["frames"][0]
    assert torch.allclose(values.mean(dim=0), torch.zeros(5), atol=1e-4)
    assert torch.allclose(values.std(dim=0, correction=0), torch.ones(5), atol=1e-3)
    as_is = Audio(options.Audio(standardise="none")).batch(rows, [ONE], {})["frames"][0]
    assert np.array_equal(as_is.numpy(), rows[0]["frames"].data.astype(np.float32))
    centred = Audio(options.Audio(standardise="none", centre=True)).batch(rows, [ONE], {})["frames"][0]
    assert abs(float(centred.mean())) < 1e-5
    assert torch.allclose(centred - as_is, (centred - as_is)[0, 0], atol=1e-5)


def test_raw_sound_becomes_values(sound, speech):
    audio = Audio(options.Audio(standardise="clip"))
    rows = [sound(speech(0.5, 16000)), sound(speech(0.3, 16000))]
    batch = audio.batch(rows, [ONE, ONE], {})
    assert batch["values"].shape == (2, 8000)
    assert batch["mask"].sum(dim=1).tolist() == [8000, 4800]
    assert not batch["values"][1, 4800:].any()
    assert float(batch["values"][1, :4800].std()) == pytest.approx(1, abs=1e-3)
    assert audio.input(rows[0], {}).rate == 16000
    fitted = Audio(options.Audio()).fit(rows)
    assert fitted["mean"].shape == (1,)
    assert abs(float(Audio(options.Audio()).batch(rows[:1], [ONE], fitted)["values"].mean())) < 0.1


def test_silence_shortness_and_nothing_are_absent(sound):
    audio = Audio(options.Audio())
    assert audio.absence(row(30)) is None
    assert audio.absence(row(30, loud=0.0)) == "the sound is silent"
    assert audio.absence(row(9)) == "the sound is shorter than 0.1 s"
    assert audio.absence({}) == "no sound"
    assert audio.absence(row(0)) == "no sound"
    assert audio.absence(sound(np.zeros(16000))) == "the sound is silent"
    assert audio.absence(sound(np.ones(16000))) is None


def test_the_front_end_tells_silence_from_a_whisper(sound, speech):
    audio, front_end = Audio(options.Audio()), LogMel(options.LogMel())
    assert audio.absence(front_end.apply(sound(np.zeros(16000)), ONE, None)) == "the sound is silent"
    assert audio.absence(front_end.apply(sound(speech(1.0, 16000) * 1e-3), ONE, None)) is None
