"""Random changes of a window's crops, in training only; every picture of a window is changed alike.

Alike, so that what moves between pictures is the face and nothing else. Every augmentation draws all its numbers
whether it uses them or not, from the generator it is given.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fusion.contract import Row, Span
from fusion_video.augmentation_options import BrightnessContrast as BrightnessContrastOptions
from fusion_video.augmentation_options import Erase as EraseOptions
from fusion_video.augmentation_options import Flip as FlipOptions
from fusion_video.augmentation_options import ShiftCrop as ShiftCropOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Flip:
    """Mirrors left and right; expressions keep their meaning."""

    def __init__(self, options: FlipOptions) -> None:
        self.options = options

    def __call__(self, pieces: Row, span: Span, random: np.random.Generator) -> Row:  # noqa: ARG002
        flipped = random.random() < self.options.chance
        frames = _frames(pieces)
        return _with(pieces, np.ascontiguousarray(frames[:, :, ::-1])) if flipped and frames.size else pieces


class ShiftCrop:
    """Shifts, zooms and tilts; what comes in from outside repeats the edge."""

    def __init__(self, options: ShiftCropOptions) -> None:
        self.options = options

    def __call__(self, pieces: Row, span: Span, random: np.random.Generator) -> Row:  # noqa: ARG002
        chance, (right, down, zoom, tilt) = random.random(), random.uniform(-1, 1, 4)
        frames = _frames(pieces)
        if chance >= self.options.chance or frames.size == 0:
            return pieces
        import cv2

        height, width = frames.shape[1:3]
        scale = math.exp(zoom * math.log1p(self.options.zoom))
        move = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), tilt * self.options.tilt, scale)
        move[:, 2] += (right * self.options.shift * width, down * self.options.shift * height)
        moved = [
            cv2.warpAffine(frame, move, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            for frame in np.ascontiguousarray(frames)
        ]
        return _with(pieces, np.stack(moved))


class BrightnessContrast:
    """Changes the light: an exponent, a contrast about the middle grey, and an offset."""

    def __init__(self, options: BrightnessContrastOptions) -> None:
        self.options = options

    def __call__(self, pieces: Row, span: Span, random: np.random.Generator) -> Row:  # noqa: ARG002
        chance, (brightness, contrast, gamma) = random.random(), random.uniform(-1, 1, 3)
        frames = _frames(pieces)
        if chance >= self.options.chance or frames.size == 0:
            return pieces
        levels = np.linspace(0, 1, 256) ** math.exp(gamma * self.options.gamma)
        levels = (levels - 0.5) * (1 + contrast * self.options.contrast) + 0.5 + brightness * self.options.brightness
        table = np.clip(np.rint(levels * 255), 0, 255).astype(np.uint8)
        return _with(pieces, table[frames])


class Erase:
    """Covers one rectangle with the window's mean colour (random erasing, Zhong et al., 2020)."""

    def __init__(self, options: EraseOptions) -> None:
        self.options = options

    def __call__(self, pieces: Row, span: Span, random: np.random.Generator) -> Row:  # noqa: ARG002
        chance, (tall, wide, top, left) = random.random(), random.random(4)
        frames = _frames(pieces)
        if chance >= self.options.chance or frames.size == 0:
            return pieces
        height, width = frames.shape[1:3]
        reach = self.options.most - self.options.least
        tall = max(round((self.options.least + tall * reach) * height), 1)
        wide = max(round((self.options.least + wide * reach) * width), 1)
        top, left = int(top * (height - tall + 1)), int(left * (width - wide + 1))
        erased = np.array(frames)
        erased[:, top : top + tall, left : left + wide] = np.rint(frames.mean((0, 1, 2)))
        return _with(pieces, erased)


def _frames(pieces: Row) -> NDArray[np.uint8]:
    """The crops ``[N, H, W, 3]``; an empty array where a row has none."""
    frames = pieces.get("frames")
    return np.zeros((0, 1, 1, 3), np.uint8) if frames is None else np.asarray(frames.data)


def _with(pieces: Row, frames: NDArray[Any]) -> Row:
    """The row with other crops; pictures without a face stay as black as they were."""
    changed = replace(pieces["frames"], data=frames)
    face = pieces.get("face")
    if face is not None:
        frames[np.asarray(face.data)[:, 0] == 0] = 0
    return {**pieces, "frames": changed}
