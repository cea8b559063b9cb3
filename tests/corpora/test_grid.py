import os
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.contract import DataError
from fusion.corpora.grid import Grid, Word, read_align, sentence_of
from fusion.corpora.options import Grid as Options

letters = st.tuples(
    *[st.sampled_from(s) for s in ("blps", "bgrw", "abiw", "abcdefghijklmnopqrstuvxyz", "z123456789", "anps")]
)


@settings(max_examples=40, deadline=None)
@given(letters)
def test_sentences_spell_their_names(parts):
    words = sentence_of("".join(parts)).split()
    assert len(words) == 6
    assert [w[0] for k, w in enumerate(words) if k != 4] == [p for k, p in enumerate(parts) if k != 4]
    assert (words[4] == "zero") == (parts[4] == "z")


def test_other_names():
    assert sentence_of("id2_vcd_swwp2s") == "set white with p two soon"
    assert sentence_of("bbaf2") is None
    assert sentence_of("xbaf2n") is None


def tree(root: Path) -> Path:
    for name in (
        "s1/bbaf2n.mp4",
        "s12/video/bbaf2n.mpg",
        "mixed/lrwp9a.mp4",
        "mixed/id2_vcd_swwp2s.mp4",
        "s1/notes.mp4",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "align").mkdir()
    (root / "align/lrwp9a.align").write_text("0 250 sil\n250 500 lay\n500 600 sp\n600 25000 red\n")
    return root


def test_transcripts_come_from_align_files_else_from_names(tmp_path):
    clips = {clip.id: clip for clip in Grid(Options()).clips(tree(tmp_path))}
    assert list(clips) == ["mixed_lrwp9a", "s12_bbaf2n", "s1_bbaf2n", "s2_swwp2s"]
    assert clips["mixed_lrwp9a"].transcript == "lay red"
    assert clips["s1_bbaf2n"].transcript == "bin blue at f two now"
    assert {name: clip.speaker for name, clip in clips.items()} == {
        "mixed_lrwp9a": None,
        "s12_bbaf2n": "s12",
        "s1_bbaf2n": "s1",
        "s2_swwp2s": "s2",
    }
    assert not any(clip.labels for clip in clips.values())
    assert [c.id for c in Grid(Options(known_speakers=True)).clips(tmp_path)] == [
        "s12_bbaf2n",
        "s1_bbaf2n",
        "s2_swwp2s",
    ]


def test_word_times_are_exact(tmp_path):
    file = tmp_path / "a.align"
    file.write_text("0 23750 sil\n23750 29500 bin\n")
    assert read_align(file) == (Word("bin", Fraction(23750, 25000), Fraction(29500, 25000)),)
    file.write_text("0 10 bin\n30 20 blue\n")
    with pytest.raises(DataError, match="line 2"):
        read_align(file)


def test_wrong_layout(tmp_path):
    (tmp_path / "hello.mp4").write_text("")
    with pytest.raises(DataError, match="this is not the layout of GRID"):
        Grid(Options()).clips(tmp_path)


@pytest.mark.skipif("FUSION_DATA" not in os.environ, reason="FUSION_DATA is not set")
def test_real_corpus():
    root = Path(os.environ["FUSION_DATA"]) / "grid"
    clips = Grid(Options()).clips(root)
    assert len(clips) == 310
    assert sum(clip.speaker == "s1" for clip in clips) == 300
    assert sum(clip.speaker is None for clip in clips) == 9
    assert all(len(clip.transcript.split()) == 6 for clip in clips)
