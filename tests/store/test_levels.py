"""Levels of clips' sound, and that each content is measured once."""

from fractions import Fraction

import numpy as np
import pytest

from fusion.contract import PICTURES, SOUND, Clip, Track
from fusion.store import levels as module
from fusion.store.hashes import ContentHashes
from fusion.store.levels import Level, Levels, measure
from fusion.testing.media import write_sound

RATE = 8000


def tone(path, seconds, amplitude=0.5, quiet=0.0):
    """A sine, of which the share ``quiet`` at the end is silent."""
    time = np.arange(int(seconds * RATE)) / RATE
    sound = amplitude * np.sin(2 * np.pi * 440 * time)
    sound[len(sound) - int(quiet * len(sound)) :] = 0
    write_sound(path, sound=sound.astype(np.float32), sound_rate=RATE)
    return Clip(path.stem, (Track(SOUND, path),))


def remembered(folder):
    return Levels(folder / "levels.sqlite", ContentHashes(folder / "hashes.sqlite"))


def test_a_steady_tone(tmp_path):
    level = measure(tone(tmp_path / "a.wav", 21.0))
    assert level.seconds == pytest.approx(21, abs=1e-3)
    assert level.mean == pytest.approx(10 * np.log10(0.125), abs=0.1)
    assert level.high == pytest.approx(level.mean, abs=0.1)
    assert level.spread < 0.1


def test_the_part_of_a_file_that_is_the_clip(tmp_path):
    whole = tone(tmp_path / "a.wav", 4.0, quiet=0.5)
    loud, quiet = (
        Clip(str(s), (Track(SOUND, tmp_path / "a.wav", start=s),), Fraction(2)) for s in map(Fraction, (0, 2))
    )
    found = remembered(tmp_path / "store").of([whole, loud, quiet])
    assert [round(level.seconds, 2) for level in found] == [4, 2, 2]
    assert found[0].spread > 30
    assert found[1].spread < 1
    assert found[2].high < -60 < found[1].mean


def test_each_content_is_measured_once(tmp_path, monkeypatch):
    clips = [tone(tmp_path / "a.wav", 1.0), tone(tmp_path / "b.wav", 0.5, amplitude=0.1)]
    measured = []

    def counted(clip):
        measured.append(clip.id)
        return measure(clip)

    monkeypatch.setattr(module, "measure", counted)
    first = remembered(tmp_path / "store").of(clips)
    assert measured == ["a", "b"]
    assert remembered(tmp_path / "store").of(clips[::-1]) == first[::-1]
    assert measured == ["a", "b"]
    tone(tmp_path / "b.wav", 0.75)
    assert remembered(tmp_path / "store").of(clips)[1].seconds == pytest.approx(0.75, abs=1e-3)
    assert measured == ["a", "b", "b"]


def test_no_sound_is_no_level(tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"no sound")
    clips = [
        tone(tmp_path / "a.wav", 0.5),
        Clip("picture", (Track(PICTURES, tmp_path / "film.mp4"),)),
        Clip("gone", (Track(SOUND, tmp_path / "gone.wav"),)),
        Clip("broken", (Track(SOUND, tmp_path / "broken.wav"),)),
        tone(tmp_path / "short.wav", 0.01),
    ]
    heard = []
    found = remembered(tmp_path / "store").of(clips, lambda: heard.append(1))
    assert isinstance(found[0], Level)
    assert found[1:] == [None] * 4
    assert len(heard) == 5
