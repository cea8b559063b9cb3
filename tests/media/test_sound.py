"""Rates, channels, values that are no numbers, gaps and ends."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame

from fusion.contract import SOUND, Clip, DataError, Track, Want
from fusion.testing.media import tone, write_clip, write_sound

from .conftest import read

HEARD = Want(SOUND)


def sound_of(path: Path, **track: Any) -> tuple[np.ndarray, Fraction]:
    pieces = read(Clip("one", (Track(SOUND, path, **track),)), HEARD)[HEARD]
    return np.concatenate([piece.data for piece in pieces]), pieces[0].rate


@pytest.mark.parametrize("rate", [8000, 44100, 96000])
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".m4a"])
def test_sound_keeps_its_own_rate_and_length(tmp_path: Path, rate: int, suffix: str) -> None:
    path = write_sound(tmp_path / f"a{suffix}", seconds=1.0, sound_rate=rate)
    samples, found = sound_of(path)
    assert (found, len(samples), samples.dtype) == (rate, rate, np.float32)
    wanted = tone()(np.arange(rate) / rate)
    # AAC needs a moment to settle; an offset by a single sample would be ten times this mean.
    assert np.abs(samples - wanted)[rate // 2 : -rate // 8].mean() < (0.001 if suffix == ".m4a" else 1e-4)


def test_six_channels_are_averaged_or_one_is_taken(tmp_path: Path) -> None:
    levels = np.array([0.1, 0.2, 0.3, -0.1, -0.2, 0.6])
    path = write_sound(tmp_path / "six.wav", sound=np.tile(levels, (8000, 1)), codec="pcm_f32le")
    samples, _ = sound_of(path)
    assert samples == pytest.approx(np.full(8000, levels.mean()), abs=1e-6)
    assert sound_of(path, channel=5)[0] == pytest.approx(np.full(8000, 0.6), abs=1e-6)
    with pytest.raises(DataError, match="channel 6"):
        sound_of(path, channel=6)


def test_six_channels_beside_pictures(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "six.mp4", seconds=0.5, size=(64, 48), channels=6, sound_rate=96000)
    samples, rate = sound_of(path)
    assert (rate, len(samples)) == (96000, 48000)


def test_sound_beyond_full_scale_is_kept(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "loud.wav", sound=np.full(4000, 1.5), codec="pcm_f32le")
    assert sound_of(path)[0].max() == pytest.approx(1.5)


@pytest.mark.parametrize(("codec", "step"), [("pcm_s16le", 2**-15), ("pcm_s32le", 2**-31), ("pcm_u8", 2**-7)])
def test_whole_numbers_become_minus_one_to_one(tmp_path: Path, codec: str, step: float) -> None:
    formats = {"pcm_s16le": "s16", "pcm_s32le": "s32", "pcm_u8": "u8"}
    path = tmp_path / "whole.wav"
    kinds = {"s16": np.int16, "s32": np.int32, "u8": np.uint8}
    kind = kinds[formats[codec]]
    values = np.array([np.iinfo(kind).min, np.iinfo(kind).max, np.iinfo(kind).max // 2 + 1], kind)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=8000, layout="mono")
        frame = AudioFrame.from_ndarray(values[None], format=formats[codec], layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    samples, _ = sound_of(path)
    middle = 0.5 if codec != "pcm_u8" else 0.0
    assert samples == pytest.approx([-1.0, 1.0 - step, middle], abs=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers_name_their_second(tmp_path: Path, value: float) -> None:
    samples = np.zeros((16000, 2))
    samples[4000, 1] = value
    path = write_sound(tmp_path / "broken.wav", sound=samples, codec="pcm_f32le")
    with pytest.raises(DataError, match=r"broken.wav: the sound at 0.250 s is not a number"):
        sound_of(path)


def test_silent_sound_is_sound(tmp_path: Path) -> None:
    samples, _ = sound_of(write_clip(tmp_path / "quiet.mp4", seconds=0.5, size=(64, 48), sound=np.zeros(8000)))
    assert len(samples) == 8000
    assert not samples.any()


def test_gaps_are_zeros_overlaps_are_dropped_and_small_strays_are_one_run(tmp_path: Path) -> None:
    def write(path: Path, firsts: list[int]) -> Path:
        with av.open(str(path), "w") as container:
            stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
            stream.time_base = Fraction(1, 8000)
            for k, first in enumerate(firsts):
                frame = AudioFrame.from_ndarray(
                    np.full((1, 800), 1000 * (k + 1), np.int16), format="s16", layout="mono"
                )
                frame.sample_rate, frame.pts, frame.time_base = 8000, first, Fraction(1, 8000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    def levels(path: Path) -> list[tuple[int, int]]:
        values = np.round(sound_of(path)[0] * 32.768).astype(int)
        changes = [0, *(np.flatnonzero(np.diff(values)) + 1), len(values)]
        return [(int(values[a]), int(b - a)) for a, b in itertools.pairwise(changes)]

    assert levels(write(tmp_path / "run.mkv", [0, 800, 1600])) == [(1, 800), (2, 800), (3, 800)]
    assert levels(write(tmp_path / "gap.mkv", [0, 1600])) == [(1, 800), (0, 800), (2, 800)]
    assert levels(write(tmp_path / "overlap.mkv", [0, 400])) == [(1, 800), (2, 400)]
    assert levels(write(tmp_path / "stray.mkv", [0, 816, 1608])) == [(1, 800), (2, 800), (3, 800)]


def test_offsets_are_rounded_to_the_nearest_sample(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "ramp.wav", sound=np.arange(8000) / 8000, sound_rate=8000, codec="pcm_f32le")
    for offset, first in ((Fraction(100, 8000), 100), (Fraction(1004, 80000), 100), (Fraction(1006, 80000), 101)):
        samples, _ = sound_of(path, start=offset)
        assert samples[0] == pytest.approx(first / 8000)
    later, _ = sound_of(path, start=Fraction(-1, 2))
    assert len(later) == 12000
    assert not later[:4000].any()
    assert later[4001] == pytest.approx(1 / 8000)


def test_a_stream_without_a_known_length_is_read(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "piped.wav", seconds=0.5)
    content = bytearray(path.read_bytes())
    at = content.index(b"data")
    content[at + 4 : at + 8] = b"\xff" * 4
    path.write_bytes(content)
    assert len(sound_of(path)[0]) == 8000


@pytest.mark.parametrize("suffix", [".mp3", ".mkv"])
def test_other_containers_begin_at_their_first_sample(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    samples = np.zeros(16000)
    samples[4000:] = tone()(np.arange(12000) / 16000)
    if suffix == ".mp3":
        write_sound(path, sound=samples)
    else:
        write_clip(path, pictures=None, sound=samples)
    heard, _ = sound_of(path)
    assert abs(len(heard) - 16000) < 1024  # Matroska does not say how much of the last packet is padding
    lags = range(-1200, 1200)
    scores = [float(np.dot(heard[4000 + lag : 12000 + lag], samples[4000:12000])) for lag in lags]
    assert lags[int(np.argmax(scores))] == 0
