"""Small trees with which the engine's corpora are checked (``fusion plugins check engine``)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from fusion.contract import Example


def ravdess(folder: Path) -> Sequence[Example]:
    """Two actors, speech and a song, whose names are all that is read."""
    tree = _tree(
        folder / "tree",
        [
            "Audio_Speech_Actors_01-24/Actor_01/03-01-03-01-01-01-01.wav",
            "Audio_Speech_Actors_01-24/Actor_02/03-01-05-02-02-01-02.wav",
            "Video_Speech_Actor_02/Actor_02/01-01-05-02-02-01-02.mp4",
            "Video_Speech_Actor_02/Actor_02/02-01-01-01-02-02-02.mp4",
            "Audio_Song_Actors_01-24/Actor_01/03-02-04-01-01-01-01.wav",
        ],
    )
    happy, angry, neutral, sad = (
        {"emotion": emotion, "intensity": intensity}
        for emotion, intensity in (("happy", "normal"), ("angry", "strong"), ("neutral", "normal"), ("sad", "normal"))
    )
    return [
        Example("speech", root=tree, labels=[neutral, happy, angry]),
        Example("files", options={"join": False}, root=tree, labels=[angry, neutral, happy, angry]),
        Example("song", options={"vocal": ["speech", "song"]}, root=tree, labels=[neutral, happy, angry, sad]),
    ]


def grid(folder: Path) -> Sequence[Example]:
    """Two speakers, one sentence with word times; GRID has no emotions."""
    tree = _tree(folder / "tree", ["s1/bbaf2n.mp4", "s1/lrwp9a.mp4", "s12/video/bbaf2n.mpg"])
    (tree / "s1" / "lrwp9a.align").write_text("0 250 sil\n250 500 lay\n500 25000 red\n", encoding="ascii")
    return [Example(root=tree, labels=())]


def java_sed(folder: Path) -> Sequence[Example]:
    """Two speakers, clips and a sound-only take."""
    tree = _tree(folder / "tree", ["video/01-04-06_01.mp4", "video/06-01-02_03.mp4", "audio/01-04-01_02.flac"])
    video = [{"emotion": "anger"}, {"emotion": "sadness"}]
    return [
        Example("video", root=tree, labels=video),
        Example("both", options={"part": "both"}, root=tree, labels=[{"emotion": "neutral"}, *video]),
    ]


def iemocap(folder: Path) -> Sequence[Example]:
    """Two sessions with one short dialogue each, in media as small as they go."""
    from fusion.testing.dialogues import write_iemocap_tree

    tree = folder / "tree"
    write_iemocap_tree(tree, sessions=(1, 2), dialogues=("F_impro01",), categories=("neu", "exc"), size=(16, 16))
    neutral, excited = {"emotion": "neutral"}, {"emotion": "happy"}
    return [
        Example("sentences", options={"partial": True}, root=tree, labels=[neutral, excited] * 2),
        Example("unlabelled", options={"partial": True, "classes": "four", "outside": "unlabelled"}, root=tree),
    ]


def manifest(folder: Path) -> Sequence[Example]:
    """A table in its folder, and the table itself."""
    tree = _tree(folder / "tree", ["anna/one.wav", "bela/two.mp4", "bela/three.wav"])
    lines = ["file,speaker,emotion,arousal", "anna/one.wav,anna,happy,4.5", "bela/two.mp4,bela,calm:0.5|sad:0.5,2"]
    (tree / "manifest.csv").write_text("\n".join([*lines, "bela/three.wav,bela,calm|sad,3"]), encoding="utf-8")
    return [Example("folder", root=tree), Example("table", root=tree / "manifest.csv")]


def demo(folder: Path) -> Sequence[Example]:
    """Two generated clips."""
    return [Example(options={"count": 2, "speakers": 2}, root=folder / "tree")]


def _tree(root: Path, files: Iterable[str]) -> Path:
    """Files of which only the names matter."""
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root
