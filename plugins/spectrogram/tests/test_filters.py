"""Band-pass, loudness, noise and denoising."""

from __future__ import annotations

import sys
import tracemalloc
from fractions import Fraction

import noisereduce
import numpy as np
import pytest
from fusion_spectrogram import denoise, options
from fusion_spectrogram.add_noise import AddNoise
from fusion_spectrogram.band_pass import BandPass
from fusion_spectrogram.denoise import Denoise
from fusion_spectrogram.loudness import Loudness

from fusion.contract import Clip, DataError, Span


def decibels(samples):
    return 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)))


def tone(frequency, rate=16000, seconds=2.0):
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate)


@pytest.mark.parametrize(("frequency", "gain"), [(50, 0.0), (1000, 1.0), (5000, 0.0)])
def test_the_band_passes_without_delay(frequency, gain, sound, over):
    samples = tone(frequency)
    result = over(BandPass(options.BandPass(lowest=200, highest=3000)), sound(samples), [])["sound"].data
    assert np.abs(result - gain * samples)[5000:-5000].max() < 1e-3


def test_above_the_nyquist_frequency_the_band_is_open_and_0_hz_is_removed(sound, over):
    samples = tone(440) + 0.3
    result = over(BandPass(options.BandPass()), sound(samples), [])["sound"].data
    assert np.abs(result - tone(440))[5000:-5000].max() < 1e-3


def test_an_empty_band_is_refused(sound, over):
    with pytest.raises(DataError, match="keeps nothing"):
        over(BandPass(options.BandPass(lowest=9000)), sound(tone(440)), [])


@pytest.mark.parametrize("gain", [0.01, 1.0, 3.0])
def test_loudness_brings_every_level_to_one(gain, speech, sound, over):
    samples = speech(3.0, 16000)
    result = over(Loudness(options.Loudness()), sound(samples * gain), [])["sound"].data
    reference = over(Loudness(options.Loudness()), sound(samples), [])["sound"].data
    assert np.allclose(result, reference, rtol=1e-4)
    assert -34 < decibels(result) < -26  # pauses do not count, so the whole lies below the target


def test_loudness_of_a_tone_is_its_rms(sound, over):
    result = over(Loudness(options.Loudness(target=-20)), sound(tone(440)), [])["sound"].data
    assert decibels(result) == pytest.approx(-20, abs=0.01)


def test_silence_and_hiss_are_not_blown_up(sound, over):
    loudness = Loudness(options.Loudness())
    assert not over(loudness, sound(np.zeros(8000)), [])["sound"].data.any()
    quiet = tone(440) * 1e-3
    assert decibels(over(loudness, sound(quiet), [])["sound"].data) == pytest.approx(decibels(quiet) + 40, abs=0.01)


@pytest.mark.parametrize("snr", [0.0, 20.0])
def test_noise_has_the_ratio_that_was_asked_for(snr, speech, sound, over):
    samples = speech(3.0, 16000)
    noise = over(AddNoise(options.AddNoise(snr=snr)), sound(samples), [])["sound"].data - samples
    assert decibels(samples) - decibels(noise) == pytest.approx(snr, abs=0.1)
    assert abs(np.corrcoef(noise[1:], noise[:-1])[0, 1]) < 0.02


def test_noise_belongs_to_clip_and_seed(sound):
    row, span = sound(tone(440)), Span(Fraction(0), Fraction(2))
    results = []
    for clip, seed in (("a", 0), ("a", 0), ("b", 0), ("a", 1)):
        transform = AddNoise(options.AddNoise(seed=seed))
        state = transform.update(transform.start(Clip(clip, ())), row)
        results.append(transform.apply(row, span, state)["sound"].data)
    assert np.array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])
    assert not np.array_equal(results[0], results[3])


def test_noise_on_silence_is_silence(sound, over):
    assert not over(AddNoise(options.AddNoise()), sound(np.zeros(8000)), [])["sound"].data.any()


@pytest.mark.parametrize("rate", [16000, 44100])
@pytest.mark.parametrize("share", [1.0, 0.7])
def test_denoising_agrees_with_noisereduce(rate, share, speech, sound, over):
    samples = speech(3.0, rate)
    samples[: rate // 4] = 0  # digital silence must not spoil the statistics
    samples += (0.02 * np.random.Generator(np.random.Philox(1)).standard_normal(len(samples))).astype(np.float32)
    samples[: rate // 8] = 0
    expected = noisereduce.reduce_noise(samples, rate, stationary=True, prop_decrease=share)
    cuts = [Fraction(1, 2), Fraction(17, 10)]
    result = over(Denoise(options.Denoise(share=share)), sound(samples, rate), cuts, cuts)["sound"].data
    assert np.abs(result - samples).max() > 0.02
    assert np.abs(result - expected).max() < 1e-3
    assert np.sqrt(np.mean((result - expected) ** 2)) < 1e-4


@pytest.mark.parametrize("smooth", [(500.0, 50.0), (500.0, 1.0), (1.0, 1.0)])
@pytest.mark.parametrize("threshold", [-20.0, -200.0])
def test_the_gate_is_that_of_noisereduce(smooth, threshold, speech):
    gate = denoise._gate(16000, 0.9, *smooth)
    gate.noise_thresh = np.linspace(threshold, threshold - 30, denoise._BINS)
    run = speech(2.0, 16000).astype(np.float64)
    spectrum = denoise._spectrum(run)
    mask = denoise._mask(gate, spectrum)
    assert ((mask >= 0) & (mask <= 1 + 1e-9)).all()
    recovered = denoise._sound(spectrum * mask)
    expected = gate.spectral_gating_stationary(run[None])[0]
    assert threshold < -100 or np.abs(expected - run).max() > 0.01
    inside = slice(16 * 1024 // 4, len(recovered) - 16 * 1024 // 4)
    np.testing.assert_allclose(recovered[inside], expected[: len(recovered)][inside], atol=1e-12)


def test_the_state_of_denoising_does_not_grow(speech, sound):
    transform = Denoise(options.Denoise())
    state = transform.start(Clip("long", ()))
    samples = speech(2.0, 8000)

    def feed(times, first):
        for number in range(times):
            transform.update(state, sound(samples, 8000, (first + number) * len(samples)))

    feed(3, 0)
    tracemalloc.start()
    feed(12, 3)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 2_000_000


def test_noisereduce_is_imported_on_use():
    import subprocess

    code = "import sys, fusion_spectrogram.denoise; assert not {'noisereduce', 'torch', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
