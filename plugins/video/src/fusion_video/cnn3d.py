"""A small 3D-convolutional network from scratch."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from fusion.contract import Batch, InputSpec, OutputSpec, StreamOutput
from fusion_video.encoder_options import CNN3D as CNN3DOptions  # noqa: N811
from fusion_video.masked import MaskedGroupNorm, segment_pool
from fusion_video.modality import rate_of

#: Kernel of the first convolution, in time and space; the others are 3 x 3 x 3.
_FIRST = (3, 5, 5)


class CNN3D(nn.Module):
    """Four 3D convolutions, three 3D max-poolings, two fully connected layers.

    The layout is that of the LbHER framework (2024), which gives no sizes; 3D convolutions for audio-visual pairs
    go back to Torfi et al. (2017). What is ours: group normalisation over the frames that are there, but none after
    the last convolution; features averaged over a grid of cells, so that 60x100, 224x224 and other sizes do; their
    mean and deviation over the steps that hold a face, brought to one scale, which the fully connected layers read.
    Frames that are masked are zeros before every layer, so padding and neighbours do not change an answer, and a
    single frame is a clip of one.

    Args:
        options: Sizes.
        spec: The modality's input; needs ``frames`` ``(None, C, H, W)``.
    """

    def __init__(self, options: CNN3DOptions, spec: InputSpec) -> None:
        super().__init__()
        self.options = options
        channels = spec.shapes["frames"][1]
        assert channels is not None
        widths = (channels, *options.widths)
        self.convolutions = nn.ModuleList()
        self.norms = nn.ModuleList()
        for layer, (inputs, outputs) in enumerate(pairwise(widths)):
            kernel = _FIRST if layer == 0 else (3, 3, 3)
            stride = (options.step, options.stride, options.stride) if layer == 0 else (1, 1, 1)
            padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
            self.convolutions.append(nn.Conv3d(inputs, outputs, kernel, stride, padding, bias=False))
            if layer < len(options.pools):
                self.norms.append(MaskedGroupNorm(outputs, _groups(outputs, options.groups)))
        cells = options.grid[0] * options.grid[1]
        self.features = options.widths[-1] * cells
        pooled = self.features * len(options.pooling) * options.segments
        self.scale = nn.LayerNorm(pooled)
        self.first = nn.Linear(pooled, options.hidden)
        self.second = nn.Linear(options.hidden, options.embedding)
        self.dropout = nn.Dropout(options.dropout)
        # Otherwise four layers shrink what moves until training does not find it.
        for layer in (*self.convolutions, self.first):
            assert isinstance(layer, nn.Conv3d | nn.Linear)
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        self.steps = options.step
        for pool in options.pools:
            self.steps *= pool
        self.seconds = float(self.steps / rate_of(spec))

    @property
    def spec(self) -> OutputSpec:
        return OutputSpec(self.options.embedding, sequence=self.features)

    def forward(self, batch: Batch) -> StreamOutput:
        """Frames ``[B, T, C, H, W]`` and mask ``[B, T]`` to an embedding and a sequence of about T / steps items."""
        mask = batch["mask"]
        features = batch["frames"].transpose(1, 2) * _over(mask, batch["frames"].dtype)
        for layer, convolution in enumerate(self.convolutions):
            features = convolution(features)
            if layer == 0:
                mask = _every(mask, self.options.step)
            features = features * _over(mask, features.dtype)
            if layer < len(self.norms):
                features = self.norms[layer](features, mask.float())
            features = functional.relu(features) * _over(mask, features.dtype)
            if layer < len(self.norms):
                pool = self.options.pools[layer]
                # Features are not negative, so zeros in masked frames never win; a last, shorter step counts.
                features = functional.max_pool3d(features, (pool, 2, 2), ceil_mode=True)
                mask = _every(mask, pool)
        sequence = _cells(features.float(), self.options.grid)
        pooled = self.scale(segment_pool(sequence, mask, self.options.pooling, self.options.segments))
        embedding = self.second(self.dropout(functional.relu(self.first(self.dropout(pooled)))))
        times = torch.arange(sequence.shape[1], device=sequence.device) * self.seconds
        return StreamOutput(embedding, sequence, mask, times[None].expand(sequence.shape[0], -1))


def _groups(channels: int, size: int) -> int:
    """The number of equal groups of at least ``size`` channels each."""
    return next(count for count in range(max(channels // size, 1), 0, -1) if channels % count == 0)


def _over(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """``[B, T]`` to ``[B, 1, T, 1, 1]``."""
    return mask.to(dtype)[:, None, :, None, None]


def _every(mask: Tensor, step: int) -> Tensor:
    """``[B, T]`` to ``[B, ceil(T / step)]``: whether any of each step's frames is there."""
    if step == 1:
        return mask
    return functional.max_pool1d(mask.float()[:, None], step, ceil_mode=True)[:, 0] > 0


def _cells(features: Tensor, grid: tuple[int, int]) -> Tensor:
    """``[B, C, T, H, W]`` to ``[B, T, C * rows * columns]``, averaged over the cells of the grid."""
    batch, channels, steps, height, width = features.shape
    flat = features.transpose(1, 2).reshape(batch * steps, channels, height, width)
    return functional.adaptive_avg_pool2d(flat, grid).reshape(batch, steps, channels * grid[0] * grid[1])
