from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.contract import PICTURES, SOUND, ConfigError, DataError
from fusion.corpora.scanning import _expression, scan_folder
from fusion.corpora.starter import kinds_held, starter_config
from fusion.testing.media import truncate, write_clip, write_sound


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def test_class_folders(tmp_path):
    scan = scan_folder(touch(tmp_path, "sad/b.mp4", "happy/a.wav", "happy/.hidden.wav", "notes.txt"))
    assert scan.rows == (
        {"id": "happy_a", "file": "happy/a.wav", "label": "happy"},
        {"id": "sad_b", "file": "sad/b.mp4", "label": "sad"},
    )
    assert scan.classes == ("happy", "sad")
    assert scan.label == "label"
    assert any("no clip names its speaker" in note and "grouped by content" in note for note in scan.notes)


def test_speaker_folders(tmp_path):
    scan = scan_folder(touch(tmp_path, *(f"{s}/{e}/x.mp4" for s in ("anna", "bert", "cleo") for e in ("sad", "happy"))))
    assert scan.rows[0] == {"id": "anna_happy_x", "file": "anna/happy/x.mp4", "speaker": "anna", "label": "happy"}
    assert scan.speakers == 3
    assert scan.notes == ()


def test_twins_of_one_stem_are_one_clip(tmp_path):
    (row,) = scan_folder(touch(tmp_path, "sad/b.mp4", "sad/b.wav", "sad/b.txt", "sad/b.srt")).rows
    assert row == {"id": "sad_b", PICTURES: "sad/b.mp4", SOUND: "sad/b.wav", "words": "sad/b.txt", "label": "sad"}


def test_single_pictures_are_clips_where_there_is_nothing_else(tmp_path):
    touch(tmp_path, "anna_sad.png", "anna_happy.JPG", "anna_happy.txt")
    rows = scan_folder(tmp_path, "{speaker}_{emotion}.png").rows
    assert rows == ({"id": "anna_sad", PICTURES: "anna_sad.png", "speaker": "anna", "emotion": "sad"},)
    both = scan_folder(tmp_path, "{speaker}_{emotion}").rows
    assert [(row[PICTURES], row.get("words")) for row in both] == [
        ("anna_happy.JPG", "anna_happy.txt"),
        ("anna_sad.png", None),
    ]
    touch(tmp_path, "anna_neutral.mp4")
    assert [row["id"] for row in scan_folder(tmp_path, "{speaker}_{emotion}").rows] == ["anna_neutral"]


def test_pattern(tmp_path):
    root = touch(tmp_path, "s1_sad_01.mp4", "s1_very_happy_01.mp4", "s2_sad_01.mp4", "readme.mp4", "s3_sad_02.wav")
    scan = scan_folder(root, "{speaker}_{emotion}_{take}.mp4")
    assert [(row["speaker"], row["emotion"]) for row in scan.rows] == [("s1", "sad"), ("s1", "very"), ("s2", "sad")]
    assert scan.rows[0]["take"] == "s1_sad_01"
    assert scan.left_out == ("readme.mp4", "s3_sad_02.wav")
    assert any("2 clips left out" in note for note in scan.notes)
    assert any("fewer than 3 speakers" in note for note in scan.notes)
    assert len(scan_folder(root, "{speaker}_{emotion}_{take}").rows) == 4


def test_pattern_with_folders(tmp_path):
    scan = scan_folder(touch(tmp_path, "sad/s1/a.mp4", "sad/s2/a.mp4"), "{label}/{speaker}/*")
    assert [row["speaker"] for row in scan.rows] == ["s1", "s2"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text("abc1", min_size=1, max_size=4), min_size=3, max_size=3))
def test_patterns_give_back_what_names_were_made_of(parts):
    match = _expression("{speaker}-{emotion}.{take}.mp4").fullmatch("{}-{}.{}.mp4".format(*parts))
    assert match is not None
    assert list(match.groups()) == parts


@pytest.mark.parametrize("pattern", ["{Speaker}.mp4", "x.mp4", "{a", "{file}.mp4", "{}_{a}"])
def test_bad_patterns(tmp_path, pattern):
    with pytest.raises(ConfigError, match="--pattern"):
        scan_folder(touch(tmp_path, "a.mp4"), pattern)


def test_folders_of_another_kind(tmp_path):
    with pytest.raises(DataError, match="no sound, video or picture files"):
        scan_folder(tmp_path)
    touch(tmp_path, "a.mp4")
    with pytest.raises(DataError, match=r"expected LABEL/clip or SPEAKER/LABEL/clip: found 1 clips such as 'a.mp4'"):
        scan_folder(tmp_path)
    with pytest.raises(DataError, match="no clip fits the pattern"):
        scan_folder(tmp_path, "{speaker}_{emotion}.mp4")


def test_starter_has_a_stream_for_what_the_clips_hold(tmp_path):
    (tmp_path / "sad").mkdir()
    write_sound(tmp_path / "sad/a.wav", seconds=0.3)
    write_clip(tmp_path / "sad/b.mp4", seconds=0.3, sound=None)
    write_clip(tmp_path / "sad/c.mp4", seconds=0.5)
    truncate(tmp_path / "sad/c.mp4", 0.3)
    scan = scan_folder(tmp_path)
    kinds, problems = kinds_held(tmp_path, scan)
    assert kinds == {PICTURES, SOUND}
    assert len(problems) == 1
    config = yaml.safe_load(starter_config("manifest.csv", scan, {SOUND}))
    assert list(config["streams"]) == ["voice"]
    assert config["target"]["classes"] == ["sad"]
    assert config["protocol"] == {"name": "speaker_folds", "folds": 3}
