"""Corpora of two text files for each of two speakers, each with one fault."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fusion.contract import Clip, DataError, Example, NoOptions, Track
from tests.testing.planted.planting import planted as plant
from tests.testing.planted.planting import sound


def tree(folder: Path) -> Sequence[Example]:
    root = folder / "tree"
    for name in ("anna_happy_1", "anna_sad_2", "bela_sad_1", "bela_happy_2"):
        (root / name[:4]).mkdir(parents=True, exist_ok=True)
        (root / name[:4] / f"{name}.txt").write_text(name, encoding="utf-8")
    emotions = ["happy", "sad", "happy", "sad"]
    return [Example(root=root, labels=[{"emotion": emotion} for emotion in emotions])]


def treeless(folder: Path) -> Sequence[Example]:
    return [Example()]


def planted(check: str, sentence: str, examples: str = "tree") -> Any:
    return plant("corpus", check, sentence, examples=f"{__name__}:{examples}")


@sound("corpus", examples=f"{__name__}:tree")
class Good:
    about: Any = "Words of two people, of nobody's licence."

    def __init__(self, options: NoOptions) -> None:
        self.options = options

    def clips(self, root: Path) -> Sequence[Clip]:
        clips = [self.clip(path, root) for path in self.files(root)]
        if not clips:
            raise DataError("no files like anna/anna_happy_1.txt", where=str(root))
        return self.sorted(clips)

    def files(self, root: Path) -> list[Path]:
        return [path for path in root.rglob("*.txt") if path.stem.count("_") == 2]

    def clip(self, path: Path, root: Path) -> Clip:
        speaker, emotion, _ = path.stem.split("_")
        return Clip(path.stem, (Track("words", path),), labels={"emotion": emotion}, speaker=speaker)

    def sorted(self, clips: list[Clip]) -> list[Clip]:
        return sorted(clips, key=lambda clip: clip.id)


@planted("builds", "it does not say what it is")
class Unnamed(Good):
    about = ""


@planted("reads_its_layout", "there is no tree to read; register it with examples= and give Example.root", "treeless")
class Treeless(Good): ...


@planted("reads_its_layout", "clip 'anna_happy_1' has no tracks")
class Trackless(Good):
    def clip(self, path: Path, root: Path) -> Clip:
        return replace(super().clip(path, root), tracks=())


@planted("ids_are_unique", "several clips have the id '1'")
class Doubled(Good):
    def clip(self, path: Path, root: Path) -> Clip:
        return replace(super().clip(path, root), id=path.stem[-1])


@planted("ids_are_unique", "cannot be a file's name")
class Pathlike(Good):
    def clip(self, path: Path, root: Path) -> Clip:
        return replace(super().clip(path, root), id=path.relative_to(root).as_posix())


@planted("order_is_stable", "clips are not ordered by id")
class Unordered(Good):
    def sorted(self, clips: list[Clip]) -> list[Clip]:
        return super().sorted(clips)[::-1]


@planted("order_is_stable", "when directories list their files in another order")
class Listed(Good):
    def clips(self, root: Path) -> Sequence[Clip]:
        takes = {path.stem: f"take{k}" for k, path in enumerate(self.files(root))}
        return [replace(clip, take=takes[clip.id]) for clip in super().clips(root)]


@planted("the_place_does_not_count", "in another folder, the take of clip 'anna_happy_1' is")
class Placed(Good):
    def clip(self, path: Path, root: Path) -> Clip:
        return replace(super().clip(path, root), take=str(path.parent))


@planted("speakers_are_known", "clip 'anna_happy_1' has no speaker")
class Anonymous(Good):
    def clip(self, path: Path, root: Path) -> Clip:
        return replace(super().clip(path, root), speaker=None)


@planted("labels_are_known", "clip 'anna_happy_1' has the emotion 'anna', and the example says 'happy'")
class Mislabelled(Good):
    def clip(self, path: Path, root: Path) -> Clip:
        return replace(super().clip(path, root), labels={"emotion": path.stem[:4]})


@planted("labels_are_known", "has the label 'emotion' with the value None")
class Unlabelled(Good):
    def clip(self, path: Path, root: Path) -> Clip:
        return replace(super().clip(path, root), labels={"emotion": None})


@planted("files_exist", "which does not exist")
class Missing(Good):
    def clip(self, path: Path, root: Path) -> Clip:
        return replace(super().clip(path, root), tracks=(Track("sound", path.with_suffix(".wav")),))


@planted("files_exist", "which lies outside the corpus")
class Escaping(Good):
    def clip(self, path: Path, root: Path) -> Clip:
        return replace(super().clip(path, root), tracks=(Track("words", Path(__file__)),))


@planted("another_layout_is_refused", "a folder with something else is read as 0 clips")
class Patient(Good):
    def clips(self, root: Path) -> Sequence[Clip]:
        return self.sorted([self.clip(path, root) for path in self.files(root)])


@planted("another_layout_is_refused", "a folder with something else raises ValueError")
class Confused(Good):
    def files(self, root: Path) -> list[Path]:
        return list(root.rglob("*.txt"))


@planted("global_randomness_stays", "it changes the global state of random")
class Drawing(Good):
    def files(self, root: Path) -> list[Path]:
        random.random()
        return super().files(root)
