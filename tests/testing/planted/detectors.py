"""Detectors of what is brighter than the wall, each with one fault."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from fusion.contract import Detection, NoOptions, Picture
from tests.testing.planted.planting import planted as plant
from tests.testing.planted.planting import sound


def planted(check: str, sentence: str, **more: Any) -> Any:
    return plant("detector", check, sentence, **more)


@sound("detector")
class Good:
    """The middle half, if the picture has any contrast."""

    version: Any = 1

    def __init__(self, options: NoOptions) -> None:
        self.options = options

    def detect(self, picture: Picture) -> Any:
        width, height = picture.size
        grey = picture.grey()
        return [self.found(width, height)] if np.ptp(grey) > 20 else []

    def found(self, width: int, height: int) -> Any:
        return Detection((width / 4, height / 4, width / 2, height / 2), 1.0)


@planted("has_a_version", "its version is 1.0, no integer")
class Fractional(Good):
    version: Any = 1.0


@planted("output_is_the_kept_one", "the output of detector moved changed (boxes) but its version did not")
class Moved(Good):
    def found(self, width: int, height: int) -> Any:
        return Detection((width / 4 + 2, height / 4, width / 2, height / 2), 1.0)


@planted("builds", "it has no detect; give it detect(picture)")
class Blind(Good):
    detect: Any = None


@planted("answers_boxes", "it finds a tuple; answer a sequence of fusion.contract.Detection")
class Bare(Good):
    def found(self, width: int, height: int) -> Any:
        return (0, 0, 1, 1)


@planted("answers_boxes", "in a picture of 120x90; answer boxes as (left, top, width, height) in pixels")
class Shares(Good):
    def found(self, width: int, height: int) -> Any:
        return Detection((1000, 1000, 2, 2), 1.0)


@planted("finds_a_face", "it finds a face in 0 of 14 pictures with one")
class Modest(Good):
    def detect(self, picture: Picture) -> Any:
        return []


@planted("boxes_follow_the_size", "in a picture of twice the size, its box is 1 times as wide")
class Fixed(Good):
    def found(self, width: int, height: int) -> Any:
        return Detection((10, 10, 40, 40), 1.0)


@planted("tiny_pictures_will_do", "a grey picture of 1x1 raises ZeroDivisionError")
class Proud(Good):
    def detect(self, picture: Picture) -> Any:
        1 / (picture.size[0] - 1)
        return super().detect(picture)


@planted("tiny_pictures_will_do", "it finds 1 faces in a grey picture of 120x90")
class Seeing(Good):
    def detect(self, picture: Picture) -> Any:
        return super().detect(picture) or ([self.found(*picture.size)] if min(picture.size) > 64 else [])


@planted("is_deterministic", "another instance, asked in another order, finds other boxes")
class Following(Good):
    last = 0.0

    def detect(self, picture: Picture) -> Any:
        self.last += 0.01
        return [Detection(one.box, self.last) for one in super().detect(picture)]


@planted("global_randomness_stays", "it changes the global state of random")
class Drawing(Good):
    def detect(self, picture: Picture) -> Any:
        random.random()
        return super().detect(picture)
