"""Pictures from arrays, and moving faces, for the tests of this distribution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import cv2
import numpy as np
import pytest

from fusion.contract import PICTURES, Detection, Pieces, Row

RATE = Fraction(20, 3)


class ArrayPicture:
    """A Picture over an RGB array; remembers the boxes that were converted."""

    def __init__(self, image: np.ndarray, index: int = 0) -> None:
        self.image = image
        self.index = index
        self.boxes: list[tuple[float, float, float, float] | None] = []

    @property
    def size(self) -> tuple[int, int]:
        return self.image.shape[1], self.image.shape[0]

    def grey(self, size: tuple[int, int] | None = None) -> np.ndarray:
        grey = cv2.cvtColor(self.image, cv2.COLOR_RGB2GRAY)
        return grey if size is None else cv2.resize(grey, size, interpolation=cv2.INTER_AREA)

    def rgb(self, box=None, size=None) -> np.ndarray:
        self.boxes.append(box)
        left, top, width, height = (0, 0, *self.size) if box is None else box
        columns = np.clip(np.arange(round(left), round(left + width)), 0, self.size[0] - 1)
        rows = np.clip(np.arange(round(top), round(top + height)), 0, self.size[1] - 1)
        crop = np.ascontiguousarray(self.image[rows][:, columns])
        return crop if size is None else cv2.resize(crop, size, interpolation=cv2.INTER_AREA)


class ScriptedDetector:
    """Answers what a function of the picture's index says."""

    version = 1

    def __init__(self, faces: Callable[[int], Sequence[tuple[float, float, float, float]]]) -> None:
        self.faces = faces
        self.asked: list[int] = []

    def detect(self, picture: ArrayPicture) -> Sequence[Detection]:
        self.asked.append(picture.index)
        return [Detection(box, 1.0) for box in self.faces(picture.index)]


def noise_pictures(count: int, size: tuple[int, int] = (160, 120), first: int = 0) -> Row:
    """Pictures that differ from place to place and from time to time."""
    random = np.random.Generator(np.random.Philox(7))
    images = random.integers(0, 256, (count, size[1], size[0], 3), dtype=np.uint8)
    return {PICTURES: Pieces([ArrayPicture(image, first + k) for k, image in enumerate(images)], RATE, first)}


def crop_row(count: int, found: Sequence[int] | None = None, size: tuple[int, int] = (6, 10), first: int = 0) -> Row:
    """A row as face_crop hands it on, with noise for crops."""
    random = np.random.Generator(np.random.Philox(count))
    face = np.zeros((count, 2), np.uint8)
    face[:, :] = 1
    if found is not None:
        face[:, 0] = found
    frames = random.integers(0, 256, (count, size[1], size[0], 3), dtype=np.uint8)
    frames[face[:, 0] == 0] = 0
    return {"frames": Pieces(frames, RATE, first), "face": Pieces(face, RATE, first)}


@pytest.fixture
def array_picture() -> type[ArrayPicture]:
    return ArrayPicture


@pytest.fixture
def scripted_detector() -> type[ScriptedDetector]:
    return ScriptedDetector


@pytest.fixture
def noise() -> Callable[..., Row]:
    return noise_pictures


@pytest.fixture
def crops() -> Callable[..., Row]:
    return crop_row
