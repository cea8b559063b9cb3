"""Checks of detectors of faces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from fusion.contract import PICTURES, Detection, Picture, Pieces, Row
from fusion.testing.inputs import SECONDS, ArrayPicture, made_pieces
from fusion.testing.kit import Case, Fault, case_of, check
from fusion.testing.randomness import touched

_DETECTED = ("answers_boxes",)


@case_of("detector")
class DetectorCase(Case):
    """A detector with pictures of a face: drawn ones, or those of its example's rows."""

    @cached_property
    def pictures(self) -> Sequence[Picture]:
        """What it looks at."""
        if self.example.rows is not None:
            return [picture for row in self.example.rows for picture in row[PICTURES].data]
        return [picture for seed in range(2) for picture in made_pieces(PICTURES, SECONDS[2], None, seed).data]

    def boxes(self, picture: Picture, detector: Any = None) -> list[tuple[float, ...]]:
        """Boxes with their scores."""
        return [(*found.box, found.score) for found in (detector or self.instance).detect(picture)]

    def golden(self) -> tuple[dict[str, int], Row]:
        """The version, and the boxes of all pictures."""
        found = [(place, *box) for place, picture in enumerate(self.pictures) for box in sorted(self.boxes(picture))]
        data = np.asarray(found, np.float64).reshape(len(found), 6)
        return {self.subject.name: self.instance.version}, {"boxes": Pieces(data, Fraction(1))}


@check("detector", remedy="construct it from its options alone", needs=("examples_are_usable",))
def builds(case: DetectorCase) -> None:
    """It is constructed from its options."""
    if not callable(getattr(case.instance, "detect", None)):
        raise Fault("it has no detect", "give it detect(picture)")


@check("detector", remedy="answer boxes as (left, top, width, height) in pixels of the picture it was given")
def answers_boxes(case: DetectorCase) -> None:
    """It answers Detections with finite boxes of some size that lie in the picture."""
    for picture in case.pictures:
        width, height = picture.size
        answer = case.instance.detect(picture)
        if not isinstance(answer, Sequence):
            raise Fault(f"it answers a {type(answer).__name__}", "answer a sequence of fusion.contract.Detection")
        for found in answer:
            if not isinstance(found, Detection):
                raise Fault(f"it finds a {type(found).__name__}", "answer a sequence of fusion.contract.Detection")
            left, top, across, down = found.box
            if not all(math.isfinite(value) for value in (*found.box, found.score)) or across <= 0 or down <= 0:
                raise Fault(f"it finds the box {found.box} with the score {found.score}")
            middle = (left + across / 2, top + down / 2)
            if not (0 <= middle[0] <= width and 0 <= middle[1] <= height) or across > 2 * width or down > 2 * height:
                raise Fault(f"it finds the box {found.box} in a picture of {width}x{height}")


@check("detector", remedy="give Example.rows with pictures in which it finds one, or lower its threshold",
       needs=_DETECTED)  # fmt: skip
def finds_a_face(case: DetectorCase) -> None:
    """It finds the face in most of its pictures, where it is."""
    found = sum(bool(case.instance.detect(picture)) for picture in case.pictures)
    if 2 * found <= len(case.pictures):
        raise Fault(f"it finds a face in {found} of {len(case.pictures)} pictures with one")


@check("detector", remedy="scale boxes back to the picture's own pixels", needs=("finds_a_face",))
def boxes_follow_the_size(case: DetectorCase) -> None:
    """In the same picture at twice the size, boxes are about twice as large."""
    for picture in case.pictures:
        width, height = picture.size
        large = ArrayPicture(picture.rgb(None, (2 * width, 2 * height)))
        small, double = case.boxes(picture), case.boxes(large)
        if len(small) != 1 or len(double) != 1:
            continue
        ratio = double[0][2] / small[0][2]
        if not 1.4 < ratio < 2.8:
            raise Fault(f"in a picture of twice the size, its box is {ratio:.2g} times as wide")


@check("detector", remedy="answer no boxes where there is no room for a face", needs=_DETECTED)
def tiny_pictures_will_do(case: DetectorCase) -> None:
    """A picture too small for a face, or of one colour, does not stop it."""
    for width, height in ((1, 1), (9, 7), (64, 3), (120, 90)):
        picture = ArrayPicture(np.full((height, width, 3), 128, np.uint8))
        try:
            found = case.instance.detect(picture)
        except Exception as error:
            raise Fault(f"a grey picture of {width}x{height} raises {type(error).__name__}: {error}") from error
        if found:
            raise Fault(f"it finds {len(found)} faces in a grey picture of {width}x{height}")


@check("detector", remedy="draw nothing, and keep nothing from picture to picture", needs=_DETECTED)
def is_deterministic(case: DetectorCase) -> None:
    """The same picture gives the same boxes, from another instance, after other pictures."""
    first = [case.boxes(picture) for picture in case.pictures]
    again = case.build()
    for place in reversed(range(len(case.pictures))):
        if case.boxes(case.pictures[place], again) != first[place]:
            raise Fault("another instance, asked in another order, finds other boxes in the same picture")


@check("detector", remedy="draw from a generator of its own", needs=_DETECTED)
def global_randomness_stays(case: DetectorCase) -> None:
    """Building it and looking leave the global generators as they are."""
    found = touched(lambda: case.build().detect(case.pictures[0]))
    if found:
        raise Fault(f"it changes the global state of {' and '.join(found)}")
