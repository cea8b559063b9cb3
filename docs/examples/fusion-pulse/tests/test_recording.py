"""What is particular to recordings of a pulse; the rest is checked by the kit."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from fusion.catalog import catalog
from fusion.contract import Clip, DataError, Track, Want

WANT = Want("pulse", Fraction(4))


def test_a_recording_lies_on_the_clock_of_its_clip(tmp_path: Path) -> None:
    file = tmp_path / "recording.csv"
    file.write_text("seconds,beats_per_minute\n0,60\n4,100\n", encoding="utf-8")
    track = Track("pulse", file, start=Fraction(1))
    source = catalog().build("decoder", "pulse").open(Clip("a", (track,)), [track], [WANT])
    beats = source.advance(Fraction(10))[WANT].data
    assert len(beats) == 12
    assert beats[0] == 70
    assert beats[4] == 80


def test_a_file_that_is_no_recording_is_told(tmp_path: Path) -> None:
    file = tmp_path / "recording.csv"
    file.write_text("seconds,beats_per_minute\nnow,fast\n", encoding="utf-8")
    track = Track("pulse", file)
    with pytest.raises(DataError, match="is no recording of a pulse; write seconds,beats_per_minute"):
        catalog().build("decoder", "pulse").open(Clip("a", (track,)), [track], [WANT])
