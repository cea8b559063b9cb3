"""Strokes, curves and tones of the drawn faces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fusion.corpora.demo.look import Colour

Points = NDArray[np.float64]
Image = NDArray[np.uint8]

#: Size of the head's own canvas in its units; the face's centre line is x = 100, the eyes lie at y = 118.
CANVAS = (200.0, 262.0)
MIDDLE = 100.0
EYES = 118.0
MOUTH = 178.0
CHIN = 210.0
_SUBPIXEL = 4


@dataclass(frozen=True, slots=True)
class Brush:
    """Draws on an image with four channels, in the head's units, with smooth edges; what it draws is opaque."""

    image: Image
    #: Pixels per unit.
    unit: float

    def _whole(self, points: Points) -> NDArray[np.int32]:
        whole: NDArray[np.int32] = np.round(points * self.unit * 2**_SUBPIXEL).astype(np.int32)
        return whole

    def polygon(self, points: Points, colour: Sequence[float]) -> None:
        """A filled shape."""
        cv2.fillPoly(self.image, [self._whole(points)], (*colour[:3], 255), cv2.LINE_AA, _SUBPIXEL)

    def line(self, points: Points, colour: Sequence[float], thickness: float) -> None:
        """A line through the points, at least a pixel thick."""
        pixels = max(1, round(thickness * self.unit))
        cv2.polylines(self.image, [self._whole(points)], False, (*colour[:3], 255), pixels, cv2.LINE_AA, _SUBPIXEL)

    def disc(self, x: float, y: float, radius: float, colour: Sequence[float]) -> None:
        """A filled circle."""
        one = self.unit * 2**_SUBPIXEL
        centre = (round(x * one), round(y * one))
        cv2.circle(self.image, centre, round(radius * one), (*colour[:3], 255), -1, cv2.LINE_AA, _SUBPIXEL)


def darker(colour: Sequence[float], factor: float) -> Colour:
    """The colour times a factor, which may be above 1."""
    red, green, blue = (min(255, round(value * factor)) for value in colour[:3])
    return red, green, blue


def lip_colour(skin: Colour) -> Colour:
    """Lips that go with a skin."""
    return round(skin[0] * 0.82 + 6), round(skin[1] * 0.58), round(skin[2] * 0.58 + 4)


def ellipse(x: float, y: float, wide: float, high: float) -> Points:
    """A closed ellipse."""
    around = np.linspace(0, 2 * math.pi, 28, endpoint=False)
    return np.column_stack([x + wide * np.cos(around), y + high * np.sin(around)])


def band(x: Points, upper: Points, lower: Points) -> Points:
    """The area between two lines over the same x."""
    return np.concatenate([np.column_stack([x, upper]), np.column_stack([x, lower])[::-1]])


def mirrored(outer: Points, inner: Points | None = None) -> Points:
    """A shape that is alike on both sides of the middle, from half contours given as distances from it."""
    right = np.column_stack([MIDDLE + outer[:, 0], outer[:, 1]])
    left = np.column_stack([MIDDLE - outer[::-1, 0], outer[::-1, 1]])
    if inner is None:
        return np.concatenate([right, left])
    hairline = np.concatenate(
        [
            np.column_stack([MIDDLE + inner[:, 0], inner[:, 1]]),
            np.column_stack([MIDDLE - inner[::-1, 0], inner[::-1, 1]]),
        ]
    )
    return np.concatenate([left, right, hairline])


def curve(points: Sequence[tuple[float, float]], steps: int = 6) -> Points:
    """A Catmull-Rom spline through the points."""
    known = np.array(points, float)
    padded = np.concatenate([2 * known[:1] - known[1:2], known, 2 * known[-1:] - known[-2:-1]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    parts = []
    for a, b, c, d in zip(padded[:-3], padded[1:-2], padded[2:-1], padded[3:], strict=True):
        parts.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.concatenate([*parts, known[-1:]])
