"""Protocols, each with one fault."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from fusion.contract import Clip, NoOptions, Split
from tests.testing.planted.planting import planted as plant
from tests.testing.planted.planting import sound


def planted(check: str, sentence: str) -> Any:
    return plant("protocol", check, sentence)


@sound("protocol")
class Good:
    """Three folds over sorted speakers."""

    leaking: Any = False

    def __init__(self, options: NoOptions) -> None:
        self.options = options

    def splits(self, clips: Sequence[Clip], seed: int) -> Any:
        units = self.units(clips)
        order = sorted(set(units.values()))
        parts = [tuple(sorted(i for i, unit in units.items() if order.index(unit) % 3 == k)) for k in range(3)]
        return [self.split(f"fold_{k}", parts[k], parts[k - 1], parts[k - 2]) for k in range(3)]

    def units(self, clips: Sequence[Clip]) -> dict[str, str]:
        return {clip.id: clip.speaker or clip.id for clip in clips}

    def split(self, name: str, train: tuple[str, ...], validation: tuple[str, ...], test: tuple[str, ...]) -> Split:
        return Split(name, train, validation, test)


@planted("builds", "it does not say whether it leaks")
class Unsaid(Good):
    leaking = None


@planted("splits_clips", "the validation part of split 'fold_0' is empty")
class Hollow(Good):
    def split(self, name: str, train: tuple[str, ...], validation: tuple[str, ...], test: tuple[str, ...]) -> Split:
        return Split(name, train + validation, (), test)


@planted("splits_clips", "in train and in test")
class Overlapping(Good):
    def split(self, name: str, train: tuple[str, ...], validation: tuple[str, ...], test: tuple[str, ...]) -> Split:
        return Split(name, train, validation, test + train[:1])


@planted("splits_clips", "a split is named 'fold 0/3'")
class Slashed(Good):
    def split(self, name: str, train: tuple[str, ...], validation: tuple[str, ...], test: tuple[str, ...]) -> Split:
        return Split(f"{name.replace('_', ' ')}/3", train, validation, test)


@planted("splits_clips", "names the clip 'nobody', which there is not")
class Inventing(Good):
    def split(self, name: str, train: tuple[str, ...], validation: tuple[str, ...], test: tuple[str, ...]) -> Split:
        return Split(name, (*train, "nobody"), validation, test)


@planted("speakers_do_not_cross", "speaker 'kit:01' stands in train and in")
class Leaking(Good):
    def units(self, clips: Sequence[Clip]) -> dict[str, str]:
        return {clip.id: clip.take or clip.id for clip in clips}


@planted("takes_do_not_cross", "_0' stands in train and in")
class Twins(Good):
    leaking = True

    def units(self, clips: Sequence[Clip]) -> dict[str, str]:
        return {clip.id: clip.id for clip in clips}


@planted("order_of_clips_does_not_count", "clips in another order are split into other parts")
class Ordered(Good):
    def splits(self, clips: Sequence[Clip], seed: int) -> Any:
        order = list(dict.fromkeys(clip.speaker for clip in clips))
        parts = [tuple(clip.id for clip in clips if order.index(clip.speaker) % 3 == k) for k in range(3)]
        return [Split("only", *parts)]


@planted("one_seed_gives_one_split", "the same seed gives other parts a second time")
class Fickle(Good):
    count = 0

    def splits(self, clips: Sequence[Clip], seed: int) -> Any:
        Fickle.count += 1
        return super().splits(clips, seed)[Fickle.count % 3 :][:1]


@planted("one_seed_gives_one_split", "it changes the global state of random")
class Seeding(Good):
    def splits(self, clips: Sequence[Clip], seed: int) -> Any:
        random.seed(seed)
        return super().splits(clips, seed)


@planted("clips_are_tested_once", "is tested by splits 'fold_0' and 'fold_1'")
class Repeating(Good):
    def splits(self, clips: Sequence[Clip], seed: int) -> Any:
        first, second, _ = super().splits(clips, seed)
        return [first, Split(second.name, first.train, first.validation, first.test)]
