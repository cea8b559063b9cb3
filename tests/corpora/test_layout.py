import os

import pytest

from fusion.contract import PICTURES, SOUND, WORDS, InputMissing
from fusion.corpora.layout import files_below, listing, tracks_of_file


@pytest.fixture
def root(tmp_path):
    for name in ("b/2.mp4", "b/10.MP4", "a/z.wav", "a b/x.flac", "c.mp4", ".hidden/y.mp4", "a/.y.mp4", "a/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_order_is_that_of_the_paths(root, monkeypatch):
    walk = os.walk

    def backwards(top):
        for folder, folders, files in walk(top):
            yield folder, folders, sorted(files, reverse=True)

    expected = ["a/z.wav", "a b/x.flac", "b/10.MP4", "b/2.mp4", "c.mp4"]
    for listed in (walk, backwards):
        monkeypatch.setattr(os, "walk", listed)
        found = files_below(root, {".mp4", ".wav", ".flac"})
        assert [path.relative_to(root).as_posix() for path in found] == expected


def test_a_root_that_is_not_there(root):
    with pytest.raises(InputMissing, match="FUSION_DATA"):
        files_below(root / "none")


def test_tracks_follow_the_suffix(root):
    assert [track.kind for track in tracks_of_file(root / "c.MP4")] == [PICTURES, SOUND]
    assert [track.kind for track in tracks_of_file(root / "c.mp4", {SOUND})] == [SOUND]
    assert [track.kind for track in tracks_of_file(root / "c.srt")] == [WORDS]
    assert tracks_of_file(root / "c.pdf") == ()


def test_listings_are_cut():
    assert listing(["a", "b"], 2) == "'a', 'b'"
    assert listing(["a", "b", "c"], 2) == "'a', 'b' and 1 more"
