"""Moving, stretching and turning the spectrogram."""

from __future__ import annotations

import numpy as np

from fusion_spectrogram import augmentation_options
from fusion_spectrogram.augmenting import FrameAugmentation, Frames, sampled


class CropTop(FrameAugmentation[augmentation_options.CropTop]):
    """The highest rows cut off, the rest stretched to the height there was."""

    def change(self, frames: Frames, rate: float, random: np.random.Generator) -> Frames:  # noqa: ARG002
        rows = frames.shape[1]
        left = max(1, rows - self.options.rows)
        return sampled(frames, np.linspace(0, left - 1, rows), 1)


class Rotate(FrameAugmentation[augmentation_options.Rotate]):
    """The picture turned about its middle by up to ``degrees`` either way; edges are repeated."""

    def change(self, frames: Frames, rate: float, random: np.random.Generator) -> Frames:  # noqa: ARG002
        angle = np.deg2rad(random.uniform(-self.options.degrees, self.options.degrees))
        columns, rows = frames.shape
        across = np.arange(columns)[:, None] - (columns - 1) / 2
        up = np.arange(rows)[None, :] - (rows - 1) / 2
        x = np.clip(across * np.cos(angle) - up * np.sin(angle) + (columns - 1) / 2, 0, columns - 1)
        y = np.clip(across * np.sin(angle) + up * np.cos(angle) + (rows - 1) / 2, 0, rows - 1)
        left, low = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
        right, high = np.minimum(left + 1, columns - 1), np.minimum(low + 1, rows - 1)
        a, b = (x - left).astype(np.float32), (y - low).astype(np.float32)
        lower = frames[left, low] * (1 - a) + frames[right, low] * a
        upper = frames[left, high] * (1 - a) + frames[right, high] * a
        return np.asarray(lower * (1 - b) + upper * b)


class TimeStretch(FrameAugmentation[augmentation_options.TimeStretch]):
    """The frames resampled along time, so that the row lasts ``exp(x)`` times as long."""

    moves_time = True

    def change(self, frames: Frames, rate: float, random: np.random.Generator) -> Frames:  # noqa: ARG002
        factor = np.exp(random.uniform(-self.options.stretch, self.options.stretch))
        if self.options.keep:
            middle = (len(frames) - 1) / 2
            return sampled(frames, middle + (np.arange(len(frames)) - middle) / factor, 0)
        count = max(1, round(len(frames) * factor))
        return sampled(frames, (np.arange(count) + 0.5) * len(frames) / count - 0.5, 0)


class BandShift(FrameAugmentation[augmentation_options.BandShift]):
    """The bands read at ``exp(x) * band + shift``."""

    def change(self, frames: Frames, rate: float, random: np.random.Generator) -> Frames:  # noqa: ARG002
        factor = np.exp(random.uniform(-self.options.stretch, self.options.stretch))
        shift = random.uniform(-self.options.shift, self.options.shift)
        return sampled(frames, np.arange(frames.shape[1]) * factor + shift, 1)


class TimeShift(FrameAugmentation[augmentation_options.TimeShift]):
    """The frames read earlier or later by up to ``share`` of the row."""

    moves_time = True

    def change(self, frames: Frames, rate: float, random: np.random.Generator) -> Frames:  # noqa: ARG002
        shift = random.uniform(-self.options.share, self.options.share) * len(frames)
        return sampled(frames, np.arange(len(frames)) + shift, 0)
