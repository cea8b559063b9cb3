"""What is stored of pictures changes only with a version; ``python test_golden.py`` rewrites the outputs."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fusion_video import options, plugin
from fusion_video.face_boxes import FaceBoxes
from fusion_video.face_crop import FaceCrop
from fusion_video.haar import Haar
from fusion_video.picture_resize import PictureResize

from fusion.contract import PICTURES, Pieces, Row, Span
from fusion.testing.faces import face_picture
from fusion.testing.golden import changed, rewrite

FILE = Path(__file__).with_suffix(".json")
RATE = Fraction(20, 3)
SPAN = Span(Fraction(0), Fraction(9, 5))


def pictures(kind: Any) -> Row:
    """1.8 s of a drawn head that moves to the right and smiles."""
    drawn = [
        face_picture((240, 180), identity=3, emotion="happy", strength=k / 12, right=0.03 * k - 0.2, scale=0.8)
        for k in range(12)
    ]
    return {PICTURES: Pieces([kind(image, k) for k, image in enumerate(drawn)], RATE)}


def with_boxes(kind: Any) -> Row:
    """The same with two faces written beside every seventh picture, so that no detector has a say."""
    faces, counts = np.zeros((12, 4, 5), np.float32), np.full(12, -1, np.int16)
    for place in (0, 7):
        faces[place, :2] = [(60 + 5 * place, 40, 90, 90, 1), (10, 10, 30, 30, 1)]
        counts[place] = 2
    return {**pictures(kind), "faces": Pieces(faces, RATE), "face_count": Pieces(counts, RATE)}


def answer(name: str, kind: Any) -> tuple[dict[str, int], Row]:
    """The versions that decide an output, and the output; ``kind`` makes a Picture of an array and its index."""
    detector = Haar(options.Haar())
    if name == "haar":
        detections = detector.detect(pictures(kind)[PICTURES].data[6])
        return {name: Haar.version}, {"boxes": Pieces(np.array([(*d.box, d.score) for d in detections]), RATE)}
    if name == "face_boxes":
        row = FaceBoxes(options.FaceBoxes(detector=detector)).apply(pictures(kind), SPAN, None)
        del row[PICTURES]  # handed on as they came
        return {name: FaceBoxes.version, "haar": Haar.version}, row
    if name == "face_crop":
        return {name: FaceCrop.version}, FaceCrop(options.FaceCrop()).apply(with_boxes(kind), SPAN, None)
    assert name == "picture_resize"
    resized = PictureResize(options.PictureResize()).apply(pictures(kind), SPAN, None)
    return {name: PictureResize.version}, resized


def announced() -> list[str]:
    """Everything that shapes what is stored."""
    names: list[str] = []
    for hook in (plugin.register_detectors, plugin.register_transforms):
        hook(lambda name, target, **_: names.append(name))
    return names


@pytest.mark.parametrize("name", announced())
def test_the_output_changes_only_with_the_version(name, array_picture):
    problem = changed(FILE, name, *answer(name, array_picture))
    assert problem is None, problem


if __name__ == "__main__":
    from conftest import ArrayPicture

    rewrite(FILE, {name: (lambda name=name: answer(name, ArrayPicture)) for name in announced()})
