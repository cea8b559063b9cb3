"""Transcripts and sidecars."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.contract import WORDS, Clip, DataError, InputMissing, Track, Want
from fusion.media import open_clip
from fusion.media.words import Cue, WordsTrack, read_cues

from .conftest import read

SAID = Want(WORDS)

SRT = """1
00:00:01,000 --> 00:00:02,500
I <i>am</i>
very glad

2
00:00:03,250 --> 00:01:00,000 X1:0
{\\an8}so &amp; so
"""

VTT = """WEBVTT - a title

STYLE
::cue { color: red }

NOTE nothing here

intro
00:01.000 --> 00:02.500 align:start
<v Ann>I am very glad

01:00:03.250 --> 01:00:04.000
later
"""


def said(path: Path, **settings: object) -> list[tuple[float, float, str]]:
    pieces = read(Clip("one", (Track(WORDS, path),), **settings), SAID)[SAID]
    return [(t, e, w) for piece in pieces for t, e, w in zip(piece.times, piece.ends, piece.data, strict=True)]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_cues_of_srt(tmp_path: Path, newline: str, encoding: str) -> None:
    path = tmp_path / "a.srt"
    path.write_bytes(SRT.replace("\n", newline).encode(encoding))
    assert said(path) == [(1.0, 2.5, "I am very glad"), (3.25, 60.0, "so & so")]


def test_cues_of_vtt(tmp_path: Path) -> None:
    path = tmp_path / "a.vtt"
    path.write_text(VTT, encoding="utf-8")
    assert read_cues(path) == [
        Cue(Fraction(1), Fraction(5, 2), "I am very glad"),
        Cue(Fraction(360325, 100), Fraction(3604), "later"),
    ]


def test_cues_are_cut_to_the_clip(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_text(SRT, encoding="utf-8")
    clip = Clip("one", (Track(WORDS, path, start=Fraction(3, 2)),), duration=Fraction(2))
    (pieces,) = read(clip, SAID)[SAID]
    assert list(pieces.data) == ["I am very glad", "so & so"]
    assert list(pieces.times) == [0.0, 1.75]
    assert list(pieces.ends) == [1.0, 2.0]


def test_a_text_file_covers_the_whole_clip_and_goes_before_the_transcript(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\ufeff schöne Grüße \n", encoding="utf-8")
    assert said(path, duration=Fraction(3), transcript="other") == [(0.0, 3.0, "schöne Grüße")]


def test_empty_words_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(" \n")
    with open_clip(Clip("one", (Track(WORDS, path),)), (SAID,)) as source:
        assert source.missing[WORDS] == "no words in a.txt"
    with open_clip(Clip("one", (), transcript="  "), (SAID,)) as source:
        assert source.missing[WORDS] == "the transcript is empty"


@pytest.mark.parametrize("name", ["a.txt", "a.srt"])
def test_a_transcript_that_is_not_utf_8_names_file_and_byte(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes("Grüße".encode("latin-1"))
    with pytest.raises(DataError, match=rf"{name}: not UTF-8: byte 3 is 0xfc; save the file as UTF-8"):
        said(path)


def test_bad_times_name_their_line(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_text(SRT.replace("00:00:03,250", "soon"), encoding="utf-8")
    with pytest.raises(DataError, match="line 7"):
        said(path)


def test_a_sidecar_that_is_gone_or_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputMissing):
        said(tmp_path / "gone.srt")
    monkeypatch.setattr("fusion.media.words.LARGEST_SIDECAR", 3)
    (tmp_path / "big.txt").write_text("four")
    with pytest.raises(DataError, match="LARGEST_SIDECAR"):
        said(tmp_path / "big.txt")


@settings(max_examples=30, deadline=None)
@given(
    times=st.lists(st.fractions(0, 10, max_denominator=50), min_size=2, max_size=12),
    steps=st.lists(st.fractions(Fraction(1, 10), 4, max_denominator=20), min_size=1, max_size=10),
)
def test_any_steps_hand_over_the_same_words(times: list[Fraction], steps: list[Fraction]) -> None:
    ordered = sorted(times)
    cues = [Cue(a, b, f"{a}") for a, b in itertools.pairwise(ordered)]
    whole = WordsTrack(None, cues, Fraction(1), Fraction(8)).take(Fraction(99))
    track = WordsTrack(None, cues, Fraction(1), Fraction(8))
    until, gathered = Fraction(0), []
    for step in [*steps, Fraction(99)]:
        until += step
        gathered += [word for pieces in track.take(until).values() for word in pieces.data]
    assert gathered == [word for pieces in whole.values() for word in pieces.data]
    assert track.exhausted


def test_a_segmentation_gives_words_with_times(tmp_path: Path) -> None:
    path = tmp_path / "a.wdseg"
    path.write_text(
        "\t SFrm\t EFrm\t  SegAScr Word\n"
        "       0       29    -116564 <s>\n"
        "      30       68    -364364 EXCUSE\n"
        "      69       80     -13371 ++LAUGHTER++\n"
        "      81      133    -292366 ME(2)\n"
        "     134      193     -96146 </s>\n"
        " Total score:     -869440\n"
    )
    assert said(path) == [(0.3, 0.69, "EXCUSE"), (0.81, 1.34, "ME")]
    path.write_text("  10   4  -3  BACK\n")
    with pytest.raises(DataError, match="line 1 holds no first frame, last frame, score and word: '10   4  -3  BACK'"):
        read_cues(path)
