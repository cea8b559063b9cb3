"""Whole pictures in place of face crops."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from fusion.contract import PICTURES, Clip, Pieces, Row, Span
from fusion_video.options import PictureResize as PictureResizeOptions
from fusion_video.pictures import pictures_of


class PictureResize:
    """The whole region of every picture, resized; for material that shows one face and little else.

    Hands on what ``face_crop`` does: ``frames`` uint8 ``[N, height, width, 3]`` and ``face`` uint8 ``[N, 2]``, in
    which every picture counts as one face.
    """

    version = 1
    scope = "local"

    def __init__(self, options: PictureResizeOptions) -> None:
        self.options = options

    @property
    def context(self) -> tuple[Fraction, Fraction]:
        return (Fraction(0), Fraction(0))

    def start(self, clip: Clip) -> None:  # noqa: ARG002
        return None

    def update(self, state: Any, pieces: Row) -> Any:  # noqa: ARG002
        return state

    def apply(self, pieces: Row, span: Span, state: Any) -> Row:  # noqa: ARG002
        """``frames`` and ``face`` of the span's pictures."""
        pictures, rate = pictures_of(pieces, "picture_resize")
        wanted = pictures.within(span)
        size = (self.options.width, self.options.height)
        frames = np.zeros((len(wanted), size[1], size[0], 3), np.uint8)
        for item in range(len(wanted)):
            frames[item] = wanted.data[item].rgb(None, size)
        face = np.ones((len(wanted), 2), np.uint8)
        rest = {key: value.within(span) for key, value in pieces.items() if key != PICTURES}
        return {**rest, "frames": Pieces(frames, rate, wanted.first), "face": Pieces(face, rate, wanted.first)}
