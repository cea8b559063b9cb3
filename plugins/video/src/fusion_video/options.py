"""Options of the modality, the detector and the transforms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from fusion.contract import component
from fusion_video.checks import exact_seconds, require_least, require_share

#: How a picture is shown to the encoder; see ``fusion_video.modality``.
View = Literal["none", "standard", "difference", "motion"]


@dataclass(frozen=True)
class Video:
    """Options of the modality ``video``.

    Args:
        frames: Pictures in ``seconds``.
        seconds: See frames; a number of seconds as text, or a fraction ("20/3").
        normalise: The view, or several that are stacked as channels: ``none`` (0 to 1), ``standard`` (the window's
            pictures minus their mean, by their spread), ``difference`` (twice ``standard`` minus the window's mean
            picture, which takes most of the identity out), ``motion`` (three times ``standard`` minus the
            picture before).
        grey: One grey channel in place of three colours.
        least: Least share of a window's pictures that must show a face.
    """

    frames: int = 20
    seconds: str = "3"
    normalise: tuple[View, ...] = ("none",)
    grey: bool = False
    least: float = 0.25

    def __post_init__(self) -> None:
        require_least(1, frames=self.frames)
        require_share(self.least, "least")
        exact_seconds(self.seconds, "seconds")
        if not self.normalise:
            raise ValueError("normalise names at least one view")


@dataclass(frozen=True)
class Haar:
    """Options of the detector ``haar``.

    Args:
        width: Pictures are made at most so wide before the search.
        step: Ratio of neighbouring sizes that are tried.
        neighbours: Overlapping hits that make a face; more is stricter.
        smallest: Smallest face, as a share of the picture's shorter side.
    """

    width: int = 320
    step: float = 1.1
    neighbours: int = 5
    smallest: float = 0.15

    def __post_init__(self) -> None:
        require_least(20, width=self.width)
        require_least(0, neighbours=self.neighbours)
        require_share(self.smallest, "smallest")
        if not self.step > 1:
            raise ValueError(f"step is above 1, not {self.step}")


@dataclass(frozen=True)
class FaceBoxes:
    """Options of the transform ``face_boxes``.

    Args:
        detector: The detector, by name, with its options.
        every: Seconds between detections, a number or fraction as text; they lie at 0, every, 2 every ... of the clock.
        most: Most faces that are kept of a picture, largest first.
    """

    detector: Any = component("detector", "haar")  # noqa: RUF009
    every: str = "1"
    most: int = 4

    def __post_init__(self) -> None:
        require_least(1, most=self.most)
        exact_seconds(self.every, "every")


@dataclass(frozen=True)
class FaceCrop:
    """Options of the transform ``face_crop``.

    Args:
        width: Pixels of the crop.
        height: Pixels of the crop.
        enlarge: Width of the crop in widths of the detected box.
        lower: How far the crop lies below the centre of the box, in heights of the box.
        smooth: Seconds on either side that the box at a time is smoothed over; also how long a face that is not
            found any more is taken to be where it was. A little over the distance of looks bridges one that missed it.
    """

    width: int = 60
    height: int = 100
    enlarge: float = 1.4
    lower: float = 0.0
    smooth: str = "5/4"

    def __post_init__(self) -> None:
        require_least(1, width=self.width, height=self.height)
        require_least(0.1, enlarge=self.enlarge)
        exact_seconds(self.smooth, "smooth")


@dataclass(frozen=True)
class PictureResize:
    """Options of the transform ``picture_resize``: width and height in pixels."""

    width: int = 60
    height: int = 100

    def __post_init__(self) -> None:
        require_least(1, width=self.width, height=self.height)
