"""Options of the augmentations of crops. Chances are per window."""

from __future__ import annotations

from dataclasses import dataclass

from fusion_video.checks import require_least, require_share


@dataclass(frozen=True)
class Flip:
    """Options of ``flip``: its chance."""

    chance: float = 0.5

    def __post_init__(self) -> None:
        require_share(self.chance, "chance")


@dataclass(frozen=True)
class ShiftCrop:
    """Options of ``shift_crop``.

    Args:
        shift: Largest shift either way, as a share of the width and of the height.
        zoom: Largest change of scale either way, as a share.
        tilt: Largest rotation either way, in degrees.
        chance: Of doing it at all.
    """

    shift: float = 0.06
    zoom: float = 0.05
    tilt: float = 3.0
    chance: float = 1.0

    def __post_init__(self) -> None:
        require_share(self.chance, "chance")
        require_least(0, shift=self.shift, zoom=self.zoom, tilt=self.tilt)


@dataclass(frozen=True)
class BrightnessContrast:
    """Options of ``brightness_contrast``.

    Args:
        brightness: Largest change either way, as a share of full scale.
        contrast: Largest change of contrast either way, as a share.
        gamma: Largest natural logarithm of the exponent either way.
        chance: Of doing it at all.
    """

    brightness: float = 0.1
    contrast: float = 0.2
    gamma: float = 0.15
    chance: float = 1.0

    def __post_init__(self) -> None:
        require_share(self.chance, "chance")
        require_least(0, brightness=self.brightness, contrast=self.contrast, gamma=self.gamma)


@dataclass(frozen=True)
class Erase:
    """Options of ``erase``.

    Args:
        least: Smallest side of the rectangle, as a share of the picture's.
        most: Largest side, likewise.
        chance: Of doing it at all.
    """

    least: float = 0.15
    most: float = 0.4
    chance: float = 0.3

    def __post_init__(self) -> None:
        require_share(self.chance, "chance")
        require_share(self.most, "most")
        require_share(self.least, "least")
        require_least(self.least, most=self.most)
