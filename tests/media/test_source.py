"""One clock for all kinds: steps, offsets, ends, what is missing, and bad files."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.contract import (
    PICTURES,
    SOUND,
    WORDS,
    Clip,
    ComponentError,
    DataError,
    InputMissing,
    Pieces,
    Region,
    Track,
    Want,
)
from fusion.media import open_clip
from fusion.media.pictures import PictureTrack
from fusion.testing.dialogues import write_avi
from fusion.testing.media import truncate, write_clip, write_sound

from .conftest import media_clip, number_of, numbered, read

FACES = Want(PICTURES, Fraction(20, 3))
SLOW = Want(PICTURES, Fraction(1))
HEARD = Want(SOUND)
SAID = Want(WORDS)


def joined(pieces: list[Pieces]) -> tuple[int, list[Any]]:
    """First index and all items, having checked that nothing is missing or doubled between the pieces."""
    if pieces[0].rate is None:
        return 0, [
            (float(time), float(end), item)
            for piece in pieces
            for time, end, item in zip(piece.times, piece.ends, piece.data, strict=True)
        ]
    for before, after in itertools.pairwise(pieces):
        assert after.first == before.first + len(before)
    return pieces[0].first, [item for piece in pieces for item in piece.data]


@pytest.fixture(scope="module")
def cued(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("words") / "cues.srt"
    lines = [f"{k + 1}\n00:00:00,{k * 300:03d} --> 00:00:01,{k * 100:03d}\nword {k}\n" for k in range(4)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(st.fractions(Fraction(1, 50), Fraction(1), max_denominator=60), min_size=1, max_size=8))
def test_any_steps_hand_over_the_same_pieces(talking: Path, cued: Path, steps: list[Fraction]) -> None:
    clip = Clip("one", (Track(PICTURES, talking, start=Fraction(1, 7)), Track(SOUND, talking), Track(WORDS, cued)))
    wants = (FACES, SLOW, HEARD, SAID)
    whole, stepped = read(clip, *wants), read(clip, *wants, steps=steps)
    for want in wants:
        first, items = joined(whole[want])
        first_stepped, items_stepped = joined(stepped[want])
        assert first == first_stepped
        if want.kind == PICTURES:
            items, items_stepped = ([item.grey() for item in these] for these in (items, items_stepped))
        assert len(items) == len(items_stepped)
        assert all(np.array_equal(a, b) for a, b in zip(items, items_stepped, strict=True))


def test_nothing_is_handed_over_before_its_time(talking: Path) -> None:
    with open_clip(media_clip(talking), (FACES, HEARD)) as source:
        answer = source.advance(Fraction(1, 2))
        assert not source.exhausted
        assert (len(answer[HEARD]), len(answer[FACES])) == (8000, 4)
        assert source.advance(Fraction(1, 2)) == {}
        assert source.advance(Fraction(1, 4)) == {}


def test_duration_is_where_the_last_track_ends_whatever_is_wanted(tmp_path: Path) -> None:
    pictures = write_clip(tmp_path / "a.mp4", seconds=1.0, sound=None)
    sound = write_sound(tmp_path / "a.wav", seconds=1.79)
    clip = Clip("joined", (Track(PICTURES, pictures), Track(SOUND, sound)))
    for wants in ((FACES,), (HEARD,), (FACES, HEARD)):
        with open_clip(clip, wants) as source:
            assert source.duration == Fraction(179, 100)


def test_a_clips_own_duration_cuts_all_kinds(talking: Path) -> None:
    clip = media_clip(talking, duration=Fraction(11, 10), transcript="hello")
    answers = read(clip, FACES, HEARD, SAID)
    assert len(joined(answers[HEARD])[1]) == 17600
    assert len(joined(answers[FACES])[1]) == 8  # 0, 0.15, ... 1.05
    assert joined(answers[SAID])[1] == [(0.0, 1.1, "hello")]


def test_several_clips_in_one_file_with_offsets_and_halves(tmp_path: Path) -> None:
    size = (128, 48)

    def two_people(seconds: float) -> Any:
        image = numbered(size)(seconds)
        image[:, size[0] // 2 :] = 255 - image[:, size[0] // 2 :]
        return image

    path = write_clip(tmp_path / "dialogue.mp4", seconds=2.0, size=size, pictures=two_people, options={"crf": "4"})
    whole = joined(read(media_clip(path), HEARD)[HEARD])[1]
    for start in (Fraction(0), Fraction(2, 5), Fraction(123, 100)):
        for side in ("left", "right"):
            tracks = (
                Track(PICTURES, path, start=start, region=Region.named(side)),
                Track(SOUND, path, start=start),
            )
            answers = read(Clip(side, tracks, duration=Fraction(1, 2)), Want(PICTURES, Fraction(25)), HEARD)
            _, pictures = joined(answers[Want(PICTURES, Fraction(25))])
            assert pictures[0].size == (64, 48)
            first = int(start * 25)
            if side == "left":
                assert [number_of(picture) for picture in pictures] == list(range(first, first + len(pictures)))
            else:
                assert float(pictures[0].grey().mean()) == pytest.approx(255 - 20 - 3 * first, abs=2)
            sound = joined(answers[HEARD])[1]
            begin = int(start * 16000)
            assert np.array_equal(sound, whole[begin : begin + 8000])


@pytest.mark.parametrize("delay", [0.5, 0.25])
def test_a_delay_of_the_sound_is_found_exactly(tmp_path: Path, delay: float) -> None:
    """The clicks of the sound file begin `delay` later than the same clicks would without the offset."""
    rate, seconds = 16000, 2.0
    noise = np.random.default_rng(3).normal(0, 0.2, int(seconds * rate))
    clicks = np.zeros(int(seconds * rate))
    clicks[4000:4400] = noise[:400]
    clicks[20000:20400] = noise[400:800]

    def flash(time: float) -> Any:
        return np.full((48, 64, 3), 220 if 0.99 < time < 1.19 else 30, np.uint8)

    path = write_clip(
        tmp_path / "late.mp4", seconds=3.0, size=(64, 48), pictures=flash, sound=clicks, sound_delay=delay
    )
    answers = read(media_clip(path), Want(PICTURES, Fraction(25)), HEARD)
    heard = np.array(joined(answers[HEARD])[1])
    assert not heard[: int(delay * rate) - 1024].any()
    scores = np.correlate(heard, clicks[4000:20400], "valid")  # item k: the clicks begin at sample k
    assert int(np.argmax(scores)) - 4000 == round(delay * rate)
    first, pictures = joined(answers[Want(PICTURES, Fraction(25))])
    lit = [first + k for k, picture in enumerate(pictures) if picture.grey().mean() > 120]
    assert lit == [25, 26, 27, 28, 29]


def test_a_short_track_does_not_read_the_long_one_ahead(tmp_path: Path) -> None:
    rate = 8000
    sound = np.zeros(20 * rate)
    path = write_clip(tmp_path / "long.mp4", seconds=1.0, size=(64, 48), sound=sound, sound_rate=rate)
    with open_clip(media_clip(path), (FACES, HEARD)) as source:
        answer = source.advance(Fraction(2))
        assert len(answer[FACES]) == 8  # up to 1.05, within HOLD of the end
        assert sum(len(block) for block in source._tracks[1]._ready) < 8 * rate
        assert len(source.advance(Fraction(20))[HEARD]) == 18 * rate
        assert source.exhausted


@pytest.mark.parametrize("margin", [1, -2])
def test_a_sought_place_holds_the_same_pictures(tmp_path: Path, margin: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the seek ends too late, as with a bad index (here: a margin of the wrong sign)."""
    monkeypatch.setattr("fusion.media.source._SEEK_MARGIN", Fraction(margin))
    path = write_clip(tmp_path / "long.mp4", seconds=9.0, size=(64, 48), gop=30, sound_rate=8000)
    start = Fraction(13, 2)
    want = Want(PICTURES, Fraction(25))
    sought = joined(read(Clip("b", (Track(PICTURES, path, start=start),)), want)[want])[1]
    unsought = joined(read(Clip("a", (Track(PICTURES, path), Track(SOUND, path))), want, HEARD)[want])[1]
    assert len(sought) == 63
    for k, picture in enumerate(sought):
        shown = unsought[int((start + Fraction(k, 25)) * 25)]
        assert np.array_equal(picture.grey(), shown.grey())


@pytest.mark.parametrize("between", [0, 2])
def test_a_sought_place_in_an_avi_holds_the_same_pictures(tmp_path: Path, between: int, monkeypatch: Any) -> None:
    """Dialogues are long and their turns short; also with pictures that are predicted from later ones."""
    counted = [np.full((48, 64, 3), 10 + number, np.uint8) for number in range(200)]
    path = write_avi(tmp_path / "long.avi", counted, None, fps=Fraction(25), options={"g": "30", "bf": str(between)})
    want = Want(PICTURES, Fraction(25))
    clip = Clip("late", (Track(PICTURES, path, start=Fraction(161, 25)),), duration=Fraction(1, 5))
    sought = joined(read(clip, want)[want])[1]
    monkeypatch.setattr("fusion.media.source._seek", lambda *_: None)
    unsought = joined(read(clip, want)[want])[1]
    assert len(sought) == len(unsought) == 5
    assert all(np.array_equal(a.grey(), b.grey()) for a, b in zip(sought, unsought, strict=True))


def test_a_late_turn_of_an_avi_does_not_decode_what_lies_before_it(tmp_path: Path, monkeypatch: Any) -> None:
    pictures = [np.full((48, 64, 3), 10 + number, np.uint8) for number in range(200)]
    path = write_avi(tmp_path / "long.avi", pictures, None, fps=Fraction(25), options={"g": "25"})
    fed: list[object] = []
    feed = PictureTrack.feed
    monkeypatch.setattr(PictureTrack, "feed", lambda self, packet: (fed.append(packet), feed(self, packet))[1])
    want = Want(PICTURES, Fraction(25))
    read(Clip("late", (Track(PICTURES, path, start=Fraction(7)),), duration=Fraction(1, 5)), want)
    assert 5 <= len(fed) < 75


def test_missing_kinds_say_why(tmp_path: Path, talking: Path) -> None:
    silent = write_clip(tmp_path / "silent.mp4", seconds=0.4, sound=None)
    unseen = write_sound(tmp_path / "unseen.wav", seconds=0.4)
    wants = (FACES, HEARD, SAID)
    with open_clip(media_clip(silent), wants) as source:
        assert dict(source.missing) == {SOUND: "no sound in silent.mp4", WORDS: "the clip has no transcript"}
        assert set(source.advance(Fraction(1))) == {FACES}
    with open_clip(media_clip(unseen), wants) as source:
        assert source.missing[PICTURES] == "no pictures in unseen.wav"
        assert set(source.advance(Fraction(1))) == {HEARD}
    with open_clip(Clip("none", ()), wants) as source:
        assert source.missing[SOUND] == "the clip has no track of sound"
        assert source.exhausted
        assert source.duration == 0
    with open_clip(Clip("second", (Track(SOUND, talking, stream=1),)), (HEARD,)) as source:
        assert "number 1" in source.missing[SOUND]
    with open_clip(Clip("late", (Track(SOUND, talking, start=Fraction(9)),)), (HEARD,)) as source:
        assert "before the clip begins" in source.missing[SOUND]


def test_the_first_track_that_has_the_kind_is_used(tmp_path: Path, talking: Path) -> None:
    silent = write_clip(tmp_path / "silent.mp4", seconds=0.4, sound=None)
    clip = Clip("two", (Track(SOUND, silent), Track(SOUND, talking)))
    with open_clip(clip, (HEARD,)) as source:
        assert not source.missing
        assert len(source.advance(Fraction(9))[HEARD]) == 32000


def test_a_bad_file_of_an_unwanted_kind_does_not_matter(tmp_path: Path, talking: Path) -> None:
    clip = Clip("half", (Track(PICTURES, tmp_path / "gone.mp4"), Track(SOUND, talking)))
    with open_clip(clip, (HEARD,)) as source:
        assert source.duration == 2
    with pytest.raises(InputMissing, match=r"gone\.mp4"):
        open_clip(clip, (FACES, HEARD))


def test_words_alone_last_a_nominal_second() -> None:
    with open_clip(Clip("text", (), transcript=" I am glad "), (SAID,)) as source:
        assert source.duration == 1
        pieces = source.advance(Fraction(1))[SAID]
        assert (list(pieces.data), pieces.times, pieces.ends) == (["I am glad"], [0.0], [1.0])
        assert source.exhausted


def test_rates_that_cannot_be_had_are_refused(talking: Path) -> None:
    for want in (Want(SOUND, Fraction(8000)), Want(WORDS, Fraction(1)), Want(PICTURES, Fraction(0))):
        with pytest.raises(ComponentError):
            open_clip(media_clip(talking), (want,))


class _Steps:
    """A decoder of a stranger's kind: item k is the number k."""

    version = 1
    kinds = ("steps",)

    def __init__(self) -> None:
        self.closed = False
        self.given = 0
        self.duration: Fraction | None = Fraction(3, 2)
        self.missing: dict[str, str] = {}

    def open(self, clip: Clip, tracks: Any, wants: Any) -> _Steps:
        self.wants = tuple(wants)
        return self

    def identity(self, clip: Clip, track: Track) -> dict[str, str]:
        return {}

    @property
    def exhausted(self) -> bool:
        return self.given == 3

    def advance(self, until: Fraction) -> dict[Want, Pieces]:
        stop = min(int(until * 2), 3)
        pieces = Pieces(np.arange(self.given, stop), Fraction(2), self.given)
        self.given = stop
        return {self.wants[0]: pieces}

    def close(self) -> None:
        self.closed = True


def test_a_plugins_kind_travels_beside_the_engines(talking: Path) -> None:
    want = Want("steps", Fraction(2))
    decoder = _Steps()
    clip = Clip("three", (Track("steps", talking), Track(SOUND, talking)), transcript="left right")
    with open_clip(clip, (want, HEARD), plugin_decoders={"steps": decoder}) as source:
        answer = source.advance(Fraction(1))
        assert (list(answer[want].data), len(answer[HEARD])) == ([0, 1], 16000)
        assert not source.exhausted
        source.advance(Fraction(2))
        assert source.exhausted
    assert decoder.closed
    alone = Clip("one", (Track("steps", talking),), transcript="left right")
    with open_clip(alone, (want, SAID), plugin_decoders={"steps": _Steps()}) as source:
        assert source.duration == Fraction(3, 2)
        assert source.advance(Fraction(2))[SAID].ends == [1.5]
    with pytest.raises(ComponentError, match="steps"):
        open_clip(clip, (want,))
    with open_clip(replace(clip, tracks=()), (want,), plugin_decoders={"steps": _Steps()}) as source:
        assert "steps" in source.missing


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()
    with pytest.raises(DataError, match="the file is empty"):
        open_clip(media_clip(path), (HEARD,))


@pytest.mark.parametrize("fast_start", [False, True])
def test_a_truncated_mp4(tmp_path: Path, fast_start: bool) -> None:
    path = truncate(write_clip(tmp_path / "cut.mp4", seconds=1.0, fast_start=fast_start), 0.6)
    with pytest.raises(DataError, match="truncated"):
        open_clip(media_clip(path), (HEARD,))


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_a_truncated_sound_file(tmp_path: Path, suffix: str) -> None:
    path = truncate(write_sound(tmp_path / f"cut{suffix}", seconds=2.0), 0.5)
    with pytest.raises(DataError, match="truncated"):
        read(Clip("cut", (Track(SOUND, path),)), HEARD)


@pytest.mark.parametrize(
    "text", ["words\n" * 50, "#EXTM3U\n#EXTINF:3,\nreal.wav\n", "ffconcat version 1.0\nfile real.wav\n"]
)
def test_text_renamed_to_mp4(tmp_path: Path, text: str) -> None:
    write_sound(tmp_path / "real.wav", seconds=0.1)
    path = tmp_path / "text.mp4"
    path.write_text(text)
    with pytest.raises(DataError, match="no media file"):
        open_clip(media_clip(path), (HEARD,))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a file"):
        open_clip(media_clip(tmp_path), (HEARD,))


def test_a_damaged_middle_names_the_place(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "hole.m4a", seconds=2.0)
    content = bytearray(path.read_bytes())
    content[len(content) // 3 : len(content) // 2] = b"\xff" * (len(content) // 2 - len(content) // 3)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"hole.m4a: cannot be decoded near \d\.\d\d s"):
        read(Clip("hole", (Track(SOUND, path),)), HEARD)


def test_zero_length_and_a_tenth_of_a_second(tmp_path: Path) -> None:
    nothing = write_sound(tmp_path / "nothing.wav", seconds=0.0)
    with open_clip(Clip("nothing", (Track(SOUND, nothing),)), (HEARD,)) as source:
        assert "0 seconds" in source.missing[SOUND]
        assert source.exhausted
    with open_clip(media_clip(nothing, duration=Fraction(0), transcript="a"), (SAID,)) as source:
        assert source.advance(Fraction(1)) == {}
        assert source.exhausted
    short = write_clip(tmp_path / "short.mp4", seconds=0.1, fps=30)
    answers = read(media_clip(short), FACES, HEARD)
    assert len(joined(answers[FACES])[1]) == 1
    assert len(joined(answers[HEARD])[1]) == 1600


def test_limits_have_names(tmp_path: Path, talking: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fusion.media.container.LARGEST_PICTURE", 64 * 47)
    with pytest.raises(DataError, match="LARGEST_PICTURE"):
        open_clip(media_clip(talking), (FACES,))
    monkeypatch.setattr("fusion.media.container.MOST_CHANNELS", 1)
    two = write_sound(tmp_path / "two.wav", seconds=0.1, channels=2)
    with pytest.raises(DataError, match="MOST_CHANNELS"):
        open_clip(media_clip(two), (HEARD,))
    monkeypatch.setattr("fusion.media.container.LONGEST_CLIP", Fraction(1))
    with pytest.raises(DataError, match="LONGEST_CLIP"):
        open_clip(media_clip(talking), (HEARD,))


def test_a_closed_source_says_so(talking: Path) -> None:
    source = open_clip(media_clip(talking), (HEARD,))
    source.close()
    source.close()
    with pytest.raises(ValueError, match="closed"):
        source.advance(Fraction(1))
