"""Checks of protocols."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from fusion.contract import Clip, Split
from fusion.testing.kit import Case, Fault, case_of, check
from fusion.testing.randomness import touched

_PARTS = ("train", "validation", "test")
_FOLDER = re.compile(r"[\w.@+-]+")
_SPLIT = ("splits_clips",)
_EMOTIONS = ("neutral", "happy", "sad", "angry")


@case_of("protocol")
class ProtocolCase(Case):
    """A protocol with clips to split."""

    @cached_property
    def clips(self) -> Sequence[Clip]:
        """24 speakers in 12 groups, six takes each, of which every third exists twice."""
        if self.example.clips is not None:
            return self.example.clips
        return [
            Clip(
                f"{speaker:02d}_{take}_{twin}",
                (),
                labels={"emotion": _EMOTIONS[take % len(_EMOTIONS)]},
                speaker=f"kit:{speaker:02d}",
                group=f"session{(speaker - 1) // 2:02d}",
                take=f"kit:{speaker:02d}_{take}",
                details={"room": "abc"[speaker % 3]},
            )
            for speaker in range(1, 25)
            for take in range(6)
            for twin in range(2 if take % 3 == 0 else 1)
        ]

    def splits(self, clips: Sequence[Clip] | None = None, seed: int = 0) -> list[Split]:
        """The splits, by a protocol of their own."""
        return list(self.build().splits(list(self.clips if clips is None else clips), seed))


@check("protocol", remedy="construct it from its options alone", needs=("examples_are_usable",))
def builds(case: ProtocolCase) -> None:
    """It is constructed from its options, and says whether speakers may cross."""
    if not isinstance(getattr(case.instance, "leaking", None), bool):
        raise Fault("it does not say whether it leaks", "give the class leaking = True or False")


@check("protocol", remedy="answer fusion.contract.Split, with ids of the clips in three parts")
def splits_clips(case: ProtocolCase) -> None:
    """It makes splits with names of their own, whose parts hold some of the clips, each once."""
    splits = case.splits()
    if not splits:
        raise Fault("it makes no split")
    known = {clip.id for clip in case.clips}
    for split in splits:
        if not isinstance(split, Split):
            raise Fault(f"it answers a {type(split).__name__}")
        if not _FOLDER.fullmatch(split.name):
            raise Fault(f"a split is named {split.name!r}", "name splits so that folders can be: fold_0")
        seen: dict[str, str] = {}
        for part in _PARTS:
            ids = getattr(split, part)
            if not ids:
                raise Fault(
                    f"the {part} part of split '{split.name}' is empty", "raise DataError where clips do not suffice"
                )
            for clip_id in ids:
                if clip_id not in known:
                    raise Fault(f"split '{split.name}' names the clip '{clip_id}', which there is not")
                if clip_id in seen:
                    raise Fault(f"split '{split.name}' has clip '{clip_id}' in {seen[clip_id]} and in {part}")
                seen[clip_id] = part
    if len({split.name for split in splits}) < len(splits):
        raise Fault("two splits have one name", "number them")


@check("protocol", remedy="split whole speakers, or declare leaking = True", needs=_SPLIT)
def speakers_do_not_cross(case: ProtocolCase) -> None:
    """Unless it says that it leaks, no speaker stands in two parts."""
    if not case.instance.leaking:
        _keep_whole(case, "speaker")


@check("protocol", remedy="keep clips of one take in one part", needs=_SPLIT)
def takes_do_not_cross(case: ProtocolCase) -> None:
    """No take stands in two parts, leaking or not: twins and copies are the same event."""
    _keep_whole(case, "take")


@check("protocol", remedy="sort before drawing", needs=_SPLIT)
def order_of_clips_does_not_count(case: ProtocolCase) -> None:
    """Clips in another order are split into the same parts."""
    if _parts(case.splits()) != _parts(case.splits(list(case.clips)[::-1])):
        raise Fault("clips in another order are split into other parts")


@check("protocol", remedy="draw from the seed alone, with a generator of its own", needs=_SPLIT)
def one_seed_gives_one_split(case: ProtocolCase) -> None:
    """The same seed gives the same parts, and the global generators stay as they are."""
    if _parts(case.splits(seed=3)) != _parts(case.splits(seed=3)):
        raise Fault("the same seed gives other parts a second time")
    found = touched(lambda: case.splits(seed=3))
    if found:
        raise Fault(f"it changes the global state of {' and '.join(found)}")


@check("protocol", remedy="test every clip at most once over all folds, or declare redraws = True", needs=_SPLIT)
def clips_are_tested_once(case: ProtocolCase) -> None:
    """No clip stands in the test parts of two splits, unless the protocol says that its splits are draws."""
    if getattr(case.instance, "redraws", False):
        return
    seen: dict[str, str] = {}
    for split in case.splits():
        for clip_id in split.test:
            if clip_id in seen:
                raise Fault(f"clip '{clip_id}' is tested by splits '{seen[clip_id]}' and '{split.name}'")
            seen[clip_id] = split.name


def _keep_whole(case: ProtocolCase, what: str) -> None:
    values = {clip.id: getattr(clip, what) for clip in case.clips}
    for split in case.splits():
        seen: dict[str, str] = {}
        for part in _PARTS:
            for clip_id in getattr(split, part):
                value = values[clip_id]
                if value is not None and seen.setdefault(value, part) != part:
                    raise Fault(f"{what} '{value}' stands in {seen[value]} and in {part} of split '{split.name}'")


def _parts(splits: Sequence[Split]) -> dict[str, tuple[frozenset[str], ...]]:
    return {split.name: tuple(frozenset(getattr(split, part)) for part in _PARTS) for split in splits}
