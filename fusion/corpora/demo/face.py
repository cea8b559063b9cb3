"""A drawn face that a face detector finds: shaded once per person, features drawn anew for every frame.

The head is painted at twice its size on the picture and brought there by one affine warp, which also smooths its
edges; only brows, lids, irises and mouth are drawn per frame (about a millisecond at 240 x 180).
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from fusion.corpora.demo.features import draw_brows, draw_eyes, draw_mouth
from fusion.corpora.demo.head import paint_head, paint_wall
from fusion.corpora.demo.look import Expression, Look, Pose
from fusion.corpora.demo.shapes import CANVAS, CHIN, MIDDLE, Brush, Image, Points

#: Share of the picture's height that the canvas takes.
HEAD_SHARE = 0.92


def draw_face(
    look: Look | None = None,
    expression: Expression | None = None,
    pose: Pose | None = None,
    *,
    size: tuple[int, int] = (240, 180),
) -> Image:
    """One picture of a face, uint8 ``[height, width, 3]`` RGB; size is (width, height) in pixels."""
    return Portrait(look or Look(), size).frame(expression or Expression(), pose or Pose())


class Portrait:
    """One person before one wall: everything that does not move is painted on construction.

    Args:
        look: Who.
        size: (width, height) of the pictures in pixels.
    """

    def __init__(self, look: Look, size: tuple[int, int]) -> None:
        self.look = look
        self.size = size
        #: Pixels on the picture, and on the twice as large canvas, per unit of the head.
        self._scale = size[1] * HEAD_SHARE / CANVAS[1]
        self._unit = 2 * self._scale
        self._wall = paint_wall(look, size, self._scale)
        self._head = paint_head(look, self._unit)

    def frame(self, expression: Expression, pose: Pose, light: float = 1.0) -> Image:
        """The picture ``[height, width, 3]`` uint8 RGB; ``light`` is a factor of its brightness."""
        head = self._head.copy()
        brush = Brush(head, self._unit)
        draw_eyes(brush, self.look, expression)
        draw_brows(brush, self.look, expression)
        draw_mouth(brush, self.look, expression)
        width, height = self.size
        moved = cv2.warpAffine(head, self._placement(pose), (width, height), flags=cv2.INTER_LINEAR)
        around = cv2.cvtColor(255 - moved[:, :, 3], cv2.COLOR_GRAY2RGB)
        behind = cv2.multiply(self._wall, around, scale=1 / 255)
        picture: Image = cv2.add(behind, cv2.cvtColor(moved, cv2.COLOR_RGBA2RGB))
        return picture if light == 1.0 else cv2.convertScaleAbs(picture, alpha=light)

    def _placement(self, pose: Pose) -> Points:
        """Canvas to picture: about the neck, so that a tilt moves the head and not the shoulders."""
        width, height = self.size
        angle = math.radians(pose.tilt)
        factor = 0.5 * pose.scale
        cosine, sine = factor * math.cos(angle), factor * math.sin(angle)
        pivot = (MIDDLE * self._unit, (CHIN + 20) * self._unit)
        head = CANVAS[1] * self._scale
        target = (width / 2 + pose.right * head, height * 0.87 + pose.down * head)
        return np.array(
            [
                [cosine, -sine, target[0] - cosine * pivot[0] + sine * pivot[1]],
                [sine, cosine, target[1] - sine * pivot[0] - cosine * pivot[1]],
            ]
        )
