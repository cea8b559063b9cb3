"""Hiding parts of the spectrogram (SpecAugment, Park et al. 2019)."""

from __future__ import annotations

from typing import Literal

import numpy as np

from fusion_spectrogram import augmentation_options
from fusion_spectrogram.augmenting import FrameAugmentation, Frames


def _fill(frames: Frames, fill: Literal["mean", "minimum"]) -> Frames:
    """``[1, F]``: what stands where something is hidden."""
    return np.asarray(frames.mean(axis=0, keepdims=True) if fill == "mean" else frames.min(axis=0, keepdims=True))


def _stretch(length: int, longest: float, random: np.random.Generator) -> slice:
    width = int(random.uniform(0.0, min(longest, length) + 1))
    start = int(random.uniform(0.0, length - width + 1)) if width < length else 0
    return slice(start, start + width)


class TimeMask(FrameAugmentation[augmentation_options.TimeMask]):
    """Stretches of time get the fill of each band."""

    def change(self, frames: Frames, rate: float, random: np.random.Generator) -> Frames:
        longest = min(self.options.longest * rate, self.options.share * len(frames))
        fill = _fill(frames, self.options.fill)
        for _ in range(self.options.count):
            frames[_stretch(len(frames), longest, random)] = fill
        return frames


class FrequencyMask(FrameAugmentation[augmentation_options.FrequencyMask]):
    """Neighbouring bands get their fill."""

    def change(self, frames: Frames, rate: float, random: np.random.Generator) -> Frames:  # noqa: ARG002
        fill = _fill(frames, self.options.fill)
        for _ in range(self.options.count):
            bands = _stretch(frames.shape[1], self.options.widest, random)
            frames[:, bands] = fill[:, bands]
        return frames
