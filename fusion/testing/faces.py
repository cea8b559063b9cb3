"""Pictures of a face for tests: drawn, never a person's, and found by OpenCV's frontal Haar cascade."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def face_picture(
    size: tuple[int, int] = (240, 180),
    *,
    identity: int = 0,
    female: bool = True,
    emotion: str = "neutral",
    strength: float = 1.0,
    mouth: float = 0.0,
    tilt: float = 0.0,
    right: float = 0.0,
    down: float = 0.0,
    scale: float = 1.0,
) -> NDArray[np.uint8]:
    """One drawn face before a plain wall, uint8 RGB ``[height, width, 3]``.

    Args:
        size: (width, height) in pixels; at least about 120 x 90 for a detector to find the face.
        identity: Which invented person; each has proportions, tones and hair of its own.
        female: Which proportions to start from.
        emotion: ``neutral``, ``happy``, ``sad`` or ``angry``.
        strength: Of the expression, 0 to about 1.2.
        mouth: How far the mouth is open, 0 to 1.
        tilt: Degrees of head tilt.
        right: Shift to the right in head heights (0.5 is about half the picture's height).
        down: Shift downwards in head heights.
        scale: Size of the head relative to one that fills the picture's height.
    """
    from fusion.corpora.demo.face import draw_face
    from fusion.corpora.demo.look import Look, Pose, expression_of
    from fusion.data.randomness import generator

    look = Look.drawn(generator("face_picture", identity), index=identity, female=female)
    pose = Pose(right=right, down=down, tilt=tilt, scale=scale)
    return draw_face(look, expression_of(emotion, strength, mouth), pose, size=size)
