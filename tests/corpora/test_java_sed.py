import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.contract import PICTURES, SOUND, DataError
from fusion.corpora.java_sed import JavaSED, parse_name
from fusion.corpora.options import JavaSED as Options


def read(root, part="video"):
    return JavaSED(Options(part=part)).clips(root)


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 12), st.integers(0, 6), st.integers(0, 8), st.integers(0, 9))
def test_names(speaker, sentence, emotion, take):
    stem = f"{speaker:02d}-{sentence:02d}-{emotion:02d}_{take:02d}"
    fields = parse_name(stem)
    possible = 1 <= speaker <= 10 and 1 <= sentence <= 4 and 1 <= emotion <= 6 and 1 <= take <= 7
    assert (fields is not None) == possible
    if fields:
        assert "{}-{}-{}_{}".format(*fields) == stem


def test_parts(tmp_path):
    root = touch(
        tmp_path, "video/01-02-06_01.mp4", "audio/01-02-06_01.flac", "audio/06-02-02_02.flac", "audio/05-02-02_02.flac"
    )
    (clip,) = read(root)
    assert (clip.id, clip.speaker, clip.sex, clip.transcript) == ("01-02-06_01", "01", "female", None)
    assert clip.labels == {"emotion": "anger"}
    assert [track.kind for track in clip.tracks] == [PICTURES, SOUND]
    assert [clip.id for clip in read(root, "audio")] == ["01-02-06_01", "05-02-02_02", "06-02-02_02"]
    assert [clip.sex for clip in read(root, "audio")] == ["female", None, "male"]
    both = read(root, "both")
    assert len(both) == 3
    assert both[0].tracks[0].kind == PICTURES


def test_wrong_layout(tmp_path):
    with pytest.raises(DataError, match=r"expected files named like video/01-04-06_01\.mp4"):
        read(touch(tmp_path, "a/b.mp4"))
    with pytest.raises(DataError, match="1 file name not possible"):
        read(touch(tmp_path, "video/01-02-07_01.mp4"))


@pytest.mark.skipif("FUSION_DATA" not in os.environ, reason="FUSION_DATA is not set")
@pytest.mark.parametrize(("part", "count"), [("video", 192), ("audio", 192), ("both", 384)])
def test_real_corpus(part, count):
    clips = read(Path(os.environ["FUSION_DATA"]) / "java_sed", part)
    assert len(clips) == count
    assert len(set(Counter(clip.labels["emotion"] for clip in clips).values())) == 1
    assert len({clip.speaker for clip in clips}) == 8
