from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from fusion.contract import DataError
from fusion.media import probe
from fusion.testing.media import write_clip, write_sound


def test_a_clip(tmp_path: Path) -> None:
    info = probe(write_clip(tmp_path / "a.mp4", seconds=0.4, size=(64, 48), rotation=90, sound_rate=44100, channels=2))
    assert info.kinds == ("pictures", "sound")
    assert info.duration == Fraction(2, 5)
    assert (info.pictures[0].size, info.pictures[0].rate, info.pictures[0].codec) == ((64, 48), 25, "h264")
    assert (info.sound[0].rate, info.sound[0].channels, info.sound[0].end) == (44100, 2, Fraction(2, 5))


def test_sound_and_words_alone(tmp_path: Path) -> None:
    assert probe(write_sound(tmp_path / "a.flac", seconds=0.3)).kinds == ("sound",)
    words = tmp_path / "a.srt"
    words.write_text("1\n00:00:00,000 --> 00:00:01,500\nhello\n")
    assert (probe(words).kinds, probe(words).words, probe(words).duration) == (("words",), 1, Fraction(3, 2))
    words.with_suffix(".txt").write_text("hello")
    assert probe(words.with_suffix(".txt")).duration is None


def test_what_is_no_media_file(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("no")
    with pytest.raises(DataError):
        probe(path)
