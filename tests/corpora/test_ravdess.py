import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.contract import PICTURES, SOUND, DataError, InputMissing
from fusion.corpora.options import Ravdess as Options
from fusion.corpora.ravdess import EMOTIONS, Ravdess, parse_name
from fusion.testing.trees import write_ravdess_tree

fields = st.integers(0, 30).map(lambda number: f"{number:02d}")


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def read(root: Path, **options):
    return Ravdess(Options(**options)).clips(root)


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[fields] * 7))
def test_names_come_back_or_are_refused(numbers):
    stem = "-".join(numbers)
    name = parse_name(stem)
    if name is not None:
        assert name.code == stem
        assert stem == f"{name.modality}-{name.take}"
        assert name.sex == ("male" if int(numbers[6]) % 2 else "female")
        assert name.emotion in EMOTIONS
    limits = (3, 2, 8, 2, 2, 2, 24)
    inside = all(1 <= int(n) <= limit for n, limit in zip(numbers, limits, strict=True))
    possible = inside and (numbers[2], numbers[3]) != ("01", "02") and not (numbers[1] == "02" and int(numbers[2]) > 6)
    assert (name is not None) == possible


@pytest.mark.parametrize(
    "stem", ["03-01-06-01-02-01", "03-01-06-01-02-01-12-x", "3-1-6-1-2-1-12", "", "٠٣-01-06-01-02-01-12"]
)
def test_other_names_are_none(stem):
    assert parse_name(stem) is None


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("ravdess")
    write_ravdess_tree(root, actors=(1, 2), emotions=("01", "03"))
    return root


def test_official_layout_joins_the_twins_of_a_take(tree):
    clips = read(tree)
    assert [clip.id for clip in clips] == sorted(clip.id for clip in clips)
    assert len(clips) == 4
    clip = clips[0]
    assert (clip.id, clip.take, clip.speaker, clip.sex) == ("01-01-01-01-01-01", "01-01-01-01-01-01", "01", "male")
    assert clip.labels == {"emotion": "neutral", "intensity": "normal"}
    assert clip.transcript == "Kids are talking by the door"
    assert "NC-SA" in clip.rights
    assert {track.kind: track.file.name[:2] for track in clip.tracks} == {PICTURES: "01", SOUND: "01"}


def test_sound_may_come_from_the_audio_only_twin(tree):
    clip = read(tree, sound="audio_only")[0]
    assert {track.kind: track.file.name[:2] for track in clip.tracks} == {PICTURES: "01", SOUND: "03"}


def test_each_file_may_be_a_clip_that_shares_its_take(tree):
    clips = read(tree, join=False)
    assert len(clips) == 12
    assert set(Counter(clip.take for clip in clips).values()) == {3}
    kinds = {clip.id[:2]: {track.kind for track in clip.tracks} for clip in clips}
    assert kinds == {"01": {PICTURES, SOUND}, "02": {PICTURES}, "03": {SOUND}}


def test_picture_of_one_file_is_joined_with_the_sound_of_another(tmp_path):
    root = touch(
        tmp_path,
        "v/Actor_03/02-01-05-02-01-01-03.mp4",
        "a/Actor_03/03-01-05-02-01-01-03.flac",
        "a/Actor_04/03-01-05-02-01-01-04.wav",
    )
    both, alone = read(root)
    assert {track.kind: track.file.suffix for track in both.tracks} == {PICTURES: ".mp4", SOUND: ".flac"}
    assert [track.kind for track in alone.tracks] == [SOUND]
    assert [clip.id for clip in read(root, complete=True)] == [both.id]


def test_song_is_read_when_asked_for(tmp_path):
    root = touch(tmp_path, "Actor_03/03-01-05-02-01-01-03.wav", "Actor_03/03-02-05-02-01-01-03.wav")
    assert [clip.details["vocal"] for clip in read(root)] == ["speech"]
    clips = read(root, vocal=("speech", "song"))
    assert [clip.details["vocal"] for clip in clips] == ["speech", "song"]
    assert len({clip.speaker for clip in clips}) == 1


def test_a_name_that_stands_twice_is_read_once(tmp_path):
    name = "03-01-05-02-01-01-03.wav"
    root = touch(tmp_path, f"b/Actor_03/{name}", f"a/Actor_03/{name}", f"a/deeper/Actor_03/{name}")
    (clip,) = read(root)
    assert clip.tracks[0].file == root / "a/Actor_03" / name


def test_order_does_not_depend_on_the_directory_listing(tree, monkeypatch):
    expected = read(tree)
    walk = os.walk

    def backwards(top):
        for folder, folders, files in walk(top):
            folders.reverse()
            yield folder, folders, sorted(files, reverse=True)

    monkeypatch.setattr(os, "walk", backwards)
    assert read(tree) == expected


def test_a_wrong_layout_says_what_was_expected_and_found(tmp_path):
    root = touch(tmp_path, "happy/one.mp4", "sad/two.mp4")
    with pytest.raises(
        DataError, match=r"expected files named like 03-01-.*found 2 files such as 'happy/one.mp4'.*2 folders"
    ):
        read(root)
    with pytest.raises(DataError, match="found no files"):
        read(_empty(tmp_path))
    with pytest.raises(InputMissing):
        read(tmp_path / "nowhere")


def _empty(folder: Path) -> Path:
    path = folder / "nothing"
    path.mkdir()
    return path


def test_impossible_codes_and_strangers_in_a_folder_are_named(tmp_path):
    root = touch(
        tmp_path,
        "Actor_03/03-01-05-02-01-01-03.wav",
        "Actor_03/03-01-09-02-01-01-03.wav",
        "Actor_03/03-01-05-02-01-01-04.wav",
    )
    with pytest.raises(DataError, match=r"2 file names not possible.*03-01-05-02-01-01-04.*03-01-09"):
        read(root)


@pytest.mark.skipif("FUSION_DATA" not in os.environ, reason="FUSION_DATA is not set")
def test_real_corpus():
    clips = read(Path(os.environ["FUSION_DATA"]) / "ravdess")
    assert len(clips) == 1440
    assert Counter(clip.labels["emotion"] for clip in clips) == {"neutral": 96} | dict.fromkeys(
        list(EMOTIONS.values())[1:], 192
    )
    assert set(Counter(clip.speaker for clip in clips).values()) == {60}
    assert all(clip.tracks[0].file.parts[-3] == "audio" for clip in clips)
