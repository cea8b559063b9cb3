"""What is drawn of the recipe's steps is what the job computes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fusion.catalog import catalog
from fusion.contract import PICTURES, SOUND, Pieces, Span, View
from fusion.data.rows import Absent, window_row
from fusion.data.tracing import ClipTrace, StepTrace, trace_clip
from fusion.inference.clips import clip_from_file
from fusion.store.prepare import prepare
from fusion.store.store import Store
from tests.drawing.material import plans_of, recipe

FFT, HOP = 1024, 256


def step(trace: ClipTrace, stream: str, name: str | None) -> StepTrace:
    found = next(one for one in trace.streams if one.plan.name == stream)
    return next(one for one in found.steps if one.name == name)


def pieces(view: View | None) -> Pieces:
    assert view is not None
    assert isinstance(view.data, Pieces)
    return view.data


def samples(one: StepTrace) -> NDArray[np.float64]:
    return np.asarray(one.row[SOUND].data, np.float64)


def test_every_step_is_kept(trace: ClipTrace) -> None:
    steps = {stream.plan.name: [one.name for one in stream.steps] for stream in trace.streams}
    assert steps == {
        "voice": [
            None, "resample", "band_pass", "add_noise", "denoise", "db_spectrogram", "fit_length", "resize",
        ],
        "face": [None, "face_boxes", "face_crop"],
    }  # fmt: skip
    assert trace.window == Span(Fraction(0), Fraction(3))


def test_the_noise_is_what_the_noisy_sound_has_over_the_clean_one(trace: ClipTrace) -> None:
    clean, noisy = samples(step(trace, "voice", "band_pass")), step(trace, "voice", "add_noise")
    noise = pieces(noisy.views["noise"])
    assert len(clean) == 3 * 44100
    np.testing.assert_allclose(noise.data, samples(noisy) - clean, atol=1e-6)
    # 0 dB over the whole clip, of which the window is three quarters
    assert np.mean(noise.data**2) == pytest.approx(np.mean(clean**2), rel=0.2)


def spectra(signal: NDArray[np.float64], centres: NDArray[np.int64]) -> NDArray[np.complex128]:
    """Of a periodic Hann window around each centre, not normalised."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT) / FFT)
    padded = np.pad(signal, FFT)
    return np.fft.rfft(padded[(centres + FFT // 2)[:, None] + np.arange(FFT)] * hann, axis=1)


def test_the_mask_times_the_noisy_spectrogram_is_the_masked_one_and_gives_the_recovered_sound(
    trace: ClipTrace,
) -> None:
    noisy, gate = samples(step(trace, "voice", "add_noise")), step(trace, "voice", "denoise")
    mask, masked = pieces(gate.views["mask"]), pieces(gate.views["masked"])
    assert mask.times is not None
    assert np.asarray(mask.data).min() >= -1e-9
    assert np.asarray(mask.data).max() <= 1 + 1e-9
    centres = np.round(mask.times * 44100).astype(int)
    assert set(np.diff(centres)) == {HOP}
    product = spectra(noisy, centres) * mask.data
    inside = (centres > FFT) & (centres < len(noisy) - FFT)
    loud = np.abs(product) > 1e-4
    expected = 20 * np.log10(np.abs(product) + 1e-12)
    np.testing.assert_allclose(masked.data[inside][loud[inside]], expected[inside][loud[inside]], atol=0.05)
    # Overlapping and adding what is under the mask gives what the step answers: it is the mask that was used.
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT) / FFT)
    heard, weight = np.zeros(len(noisy) + 2 * FFT), np.full(len(noisy) + 2 * FFT, 1e-9)
    for centre, spectrum in zip(centres, product, strict=True):
        place = slice(centre + FFT // 2, centre + FFT // 2 + FFT)
        heard[place] += np.fft.irfft(spectrum) * hann
        weight[place] += hann**2
    recovered = samples(gate)
    middle = slice(2 * FFT, len(noisy) - 2 * FFT)
    np.testing.assert_allclose((heard / weight)[FFT:-FFT][middle], recovered[middle], atol=2e-4)
    assert np.std(recovered) < 0.95 * np.std(noisy)


def test_the_threshold_and_the_filter_are_those_of_noisereduce(manifest: Path) -> None:
    from noisereduce.spectralgate.stationary import SpectralGateStationary

    loaded = recipe(manifest, "window.seconds=clip")
    trace = trace_clip(clip_from_file(manifest.parent / "both.mp4"), plans_of(loaded), loaded.experiment.window)
    noisy, gate = samples(step(trace, "voice", "add_noise")), step(trace, "voice", "denoise")
    theirs = SpectralGateStationary(
        y=noisy, sr=44100, y_noise=None, n_std_thresh_stationary=1.5, chunk_size=600000, clip_noise_stationary=True,
        padding=30000, n_fft=FFT, win_length=None, hop_length=None, time_constant_s=2.0, freq_mask_smooth_hz=500,
        time_mask_smooth_ms=50, tmp_folder=None, prop_decrease=1.0, use_tqdm=False, n_jobs=1,
    )  # fmt: skip
    threshold, smoothing = gate.views["threshold"], gate.views["smoothing"]
    assert threshold is not None
    assert smoothing is not None
    np.testing.assert_allclose(threshold.data, theirs.noise_thresh + 20 * np.log10(FFT / 2), atol=0.05)
    np.testing.assert_allclose(smoothing.data, theirs._smoothing_filter)


def test_what_is_drawn_last_is_what_is_stored_and_served(trace: ClipTrace, manifest: Path, tmp_path: Path) -> None:
    loaded = recipe(manifest, "prepare.workers=0")
    clip = clip_from_file(manifest.parent / "both.mp4")
    store = Store(tmp_path / "store")
    assert prepare(loaded.experiment, [clip], catalog=catalog(), store=store).made == 2
    for plan, stream in zip(plans_of(loaded), trace.streams, strict=True):
        served = window_row(plan, store.lookup(clip, plan), trace.window, training=False, random=None)
        assert not isinstance(served, Absent)
        assert not isinstance(stream.result, Absent)
        last = stream.steps[-1].row
        assert set(served) == set(last) == set(stream.result)
        for name, given in served.items():
            np.testing.assert_array_equal(given.data, last[name].data)
            np.testing.assert_array_equal(given.data, stream.result[name].data)
    crops = step(trace, "face", "face_crop").row["frames"]
    assert np.asarray(crops.data).shape == (20, 100, 60, 3)


def test_crops_are_cut_at_the_boxes_that_are_drawn(trace: ClipTrace) -> None:
    seen, cut = step(trace, "face", "face_boxes"), step(trace, "face", "face_crop")
    heads = cut.views["heads"]
    assert heads is not None
    assert heads.boxes is not None
    pictures: Any = seen.row[PICTURES].data
    for k in (0, 7, 19):
        again = pictures[k].rgb(tuple(float(edge) for edge in heads.boxes[k, 0]), (60, 100))
        np.testing.assert_array_equal(again, cut.row["frames"].data[k])
    faces = seen.views["faces"]
    assert faces is not None
    assert faces.boxes is not None
    assert [k for k in range(20) if faces.boxes[k, 0, 2] > 0] == [0, 7, 14]  # one look a second
