"""Looking for faces at fixed times of a clip's clock."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from fusion.contract import PICTURES, Clip, Detector, Pieces, Row, Span, View
from fusion_video.checks import exact_seconds
from fusion_video.options import FaceBoxes as FaceBoxesOptions
from fusion_video.pictures import pictures_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


class FaceBoxes:
    """Faces in the first picture at or after 0, ``every``, 2 ``every`` ... seconds.

    Adds to the row, on the grid of the pictures: ``faces`` float32 ``[N, most, 5]`` (left, top, width, height in
    pixels of the upright region, score; largest first, zeros where there are fewer) and ``face_count`` int16 ``[N]``
    (faces found, -1 where nobody looked). Whether a picture is looked at depends on its place on the clock alone, so
    the step is local and needs no context. All faces are handed on: which one to follow is decided where their
    neighbours in time are known, by ``face_crop``.
    """

    version = 1
    scope = "local"

    def __init__(self, options: FaceBoxesOptions) -> None:
        self.options = options
        self.detector: Detector = options.detector
        self.every = exact_seconds(options.every, "every")

    @property
    def context(self) -> tuple[Fraction, Fraction]:
        return (Fraction(0), Fraction(0))

    def start(self, clip: Clip) -> None:  # noqa: ARG002
        return None

    def update(self, state: Any, pieces: Row) -> Any:  # noqa: ARG002
        return state

    def apply(self, pieces: Row, span: Span, state: Any) -> Row:  # noqa: ARG002
        """The pictures of the span with ``faces`` and ``face_count`` beside them."""
        pictures, rate = pictures_of(pieces, "face_boxes")
        pictures = pictures.within(span)
        faces = np.zeros((len(pictures), self.options.most, 5), np.float32)
        counts = np.full(len(pictures), -1, np.int16)
        for item in range(len(pictures)):
            if is_looked_at(pictures.first + item, rate * self.every):
                found = self._faces(pictures.data[item])
                counts[item] = len(found)
                kept = found[: self.options.most]
                faces[item, : len(kept)] = kept
        return {
            **{key: value.within(span) for key, value in pieces.items()},
            PICTURES: pictures,
            "faces": Pieces(faces, rate, pictures.first),
            "face_count": Pieces(counts, rate, pictures.first),
        }

    def explain(self, pieces: Row, span: Span, state: Any) -> Mapping[str, View | None]:
        """The pictures that were looked at and hold a face, with its box."""
        answer = self.apply(pieces, span, state)
        faces = answer["faces"].data
        return {
            "faces": View("detected faces", answer[PICTURES], boxes=faces[:, :, :4]),
            "face_count": View("number of faces, below 0 where nobody looked"),
        }

    def _faces(self, picture: Any) -> NDArray[np.float32]:
        """``[F, 5]``, largest first; equal sizes from left to right, so that the order is settled."""
        found = [(*detection.box, detection.score) for detection in self.detector.detect(picture)]
        found.sort(key=lambda face: (-face[2] * face[3], face[0], face[1]))
        return np.asarray(found, np.float32).reshape(len(found), 5)


def is_looked_at(index: int, distance: Fraction) -> bool:
    """Whether picture ``index`` is the first at or after a multiple of ``distance`` (in pictures, exact)."""
    return math.ceil(math.floor(index / distance) * distance) == index
