"""Changes of the values of frames."""

from __future__ import annotations

import numpy as np

from fusion_spectrogram import augmentation_options
from fusion_spectrogram.augmenting import FrameAugmentation, Frames


class Gain(FrameAugmentation[augmentation_options.Gain]):
    """One random number for the row, and a random slope over its bands."""

    def change(self, frames: Frames, rate: float, random: np.random.Generator) -> Frames:  # noqa: ARG002
        gain = self.options.deviation * random.standard_normal()
        slope = self.options.tilt * random.standard_normal()
        return frames + np.linspace(gain - slope, gain + slope, frames.shape[1], dtype=np.float32)


class Noise(FrameAugmentation[augmentation_options.Noise]):
    """A random number for every value, their deviation drawn for the row."""

    def change(self, frames: Frames, rate: float, random: np.random.Generator) -> Frames:  # noqa: ARG002
        deviation = np.float32(random.uniform(0.0, self.options.deviation))
        return frames + deviation * random.standard_normal(frames.shape, dtype=np.float32)
