"""Statistics of frames over a whole row and a small network on them: a voice without its order in time."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fusion.contract import Batch, InputSpec, OutputSpec, StreamOutput
from fusion_spectrogram import encoder_options
from fusion_spectrogram.layers import bands_of

# Centre and spread that each statistic has in standardised frames of speech, so that all enter with about one size.
_TYPICAL = {
    "mean": (0.0, 0.6),
    "deviation": (0.7, 0.2),
    "highest": (1.2, 0.7),
    "lowest": (-1.0, 0.65),
    "slope": (1.5, 0.3),
}
_TYPICAL_LENGTH = (1.0, 0.3)
_BEYOND = 1e4


class Functionals(nn.Module):
    """Frames ``[B, T, F]`` to one embedding a row, through functionals of each band and of the level.

    Mean, deviation, highest and lowest value (of frames smoothed over ``smooth``) and mean absolute slope of each band
    and of the mean over bands, and the logarithm of the row's length in seconds. Functionals of low-level descriptors
    are what speech emotion was recognised by before networks that listen (Schuller, Steidl and Batliner 2009). They
    know no order in time, so they say how much loudness, timbre and length alone give away.
    """

    def __init__(self, options: encoder_options.Functionals, input: InputSpec) -> None:  # noqa: A002 (the contract's name)
        super().__init__()
        bands = bands_of(input, type(self).__name__)
        self.options = options
        self.rate = float(input.rate or 100)
        self.smooth = max(1, round(options.smooth * self.rate) // 2 * 2 + 1)
        centres, spreads = zip(*_TYPICAL.values(), strict=True)
        self.centre: Tensor
        self.spread: Tensor
        for name, sizes, length in (("centre", centres, _TYPICAL_LENGTH[0]), ("spread", spreads, _TYPICAL_LENGTH[1])):
            values = torch.tensor([*[size for size in sizes for _ in range(bands + 1)], length])
            self.register_buffer(name, values, persistent=False)
        self.join = nn.Linear(len(_TYPICAL) * (bands + 1) + 1, options.dim)
        self.dropout = nn.Dropout(options.dropout)

    @property
    def spec(self) -> OutputSpec:
        return OutputSpec(dim=self.options.dim)

    def forward(self, batch: Batch) -> StreamOutput:
        frames = batch["frames"]
        valid = batch.get("mask")
        if valid is None:
            valid = frames.new_ones(frames.shape[:2], dtype=torch.bool)
        features = self.dropout((self._functionals(frames, valid) - self.centre) / self.spread)
        return StreamOutput(embedding=self.dropout(F.gelu(self.join(features))))

    def _functionals(self, frames: Tensor, valid: Tensor) -> Tensor:
        """``[B, 5 * (F + 1) + 1]``; what is invalid has no part in it."""
        mask = valid[:, :, None].to(frames.dtype)
        values = torch.cat([frames, frames.mean(dim=2, keepdim=True)], dim=2) * mask
        count = mask.sum(dim=1).clamp_min(1.0)
        mean = values.sum(dim=1) / count
        deviation = (((values - mean[:, None]) * mask).square().sum(dim=1) / count + 1e-6).sqrt()
        smoothed = _moving_mean(values, mask, self.smooth)
        behind = (1.0 - mask) * _BEYOND
        highest, lowest = (smoothed - behind).amax(dim=1), (smoothed + behind).amin(dim=1)
        both = mask[:, 1:] * mask[:, :-1]
        slope = ((values[:, 1:] - values[:, :-1]).abs() * both).sum(dim=1) / both.sum(dim=1).clamp_min(1.0)
        slope = slope * self.rate / 10  # in a tenth of a second
        length = (count / self.rate).log()
        return torch.cat([mean, deviation, highest, lowest, slope, length], dim=1)


def _moving_mean(values: Tensor, mask: Tensor, width: int) -> Tensor:
    """Means of ``[B, T, F]`` over ``width`` frames around each, over the valid ones of them."""
    means = F.avg_pool1d(values.transpose(1, 2), width, stride=1, padding=width // 2)
    share = F.avg_pool1d(mask.transpose(1, 2), width, stride=1, padding=width // 2)
    return (means / share.clamp_min(1.0 / width)).transpose(1, 2)
