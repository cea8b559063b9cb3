"""OpenCV's cascade of Haar features as a detector of frontal faces."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from fusion.contract import ComponentError, Detection, Picture
from fusion_video.options import Haar as HaarOptions


class Haar:
    """Frontal faces by a cascade of boosted Haar features (Viola and Jones, 2001), as OpenCV 4 bundles it.

    The picture is made at most ``width`` pixels wide first. A face's score is the number of overlapping hits.
    """

    version = 1

    def __init__(self, options: HaarOptions) -> None:
        self.options = options

    def detect(self, picture: Picture) -> Sequence[Detection]:
        """All frontal faces of the picture, in its own pixels; none in a picture too small to hold one."""
        width, height = picture.size
        scale = min(1.0, self.options.width / width)
        small = (max(round(width * scale), 1), max(round(height * scale), 1))
        side = max(round(self.options.smallest * min(small)), 20)
        if side > min(small):
            return []
        boxes, hits = _cascade().detectMultiScale2(
            picture.grey(small), self.options.step, self.options.neighbours, minSize=(side, side)
        )
        horizontal, vertical = width / small[0], height / small[1]
        return [
            Detection(
                (
                    float(left) * horizontal,
                    float(top) * vertical,
                    float(across) * horizontal,
                    float(down) * vertical,
                ),
                float(count),
            )
            for (left, top, across, down), count in zip(boxes, hits, strict=True)
        ]


@lru_cache(maxsize=1)
def _cascade() -> Any:
    """The cascade, read once in each process.

    Raises:
        ComponentError: OpenCV 5 no longer has cascades.
    """
    import cv2

    if not hasattr(cv2, "CascadeClassifier"):
        raise ComponentError(
            f"OpenCV {cv2.__version__} has no Haar cascades",
            where="detector haar",
            remedy="install opencv-python-headless>=4.10,<5",
        )
    # Processes work side by side already, and results must not depend on how many threads there are.
    cv2.setNumThreads(1)
    file = Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_default.xml"
    cascade = cv2.CascadeClassifier(str(file))
    if cascade.empty():
        raise ComponentError(
            f"{file} is not a cascade", where="detector haar", remedy="install opencv-python-headless>=4.10,<5 anew"
        )
    return cascade
