"""Layers that rows of unequal length do not harm: padding and batch neighbours never enter a row's answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fusion.contract import ComponentError, InputSpec


def bands_of(input: InputSpec, encoder: str) -> int:  # noqa: A002 (the contract's name)
    """Bands of the frames that an encoder is built for.

    Raises:
        ComponentError: The stream holds raw sound.
    """
    if "frames" not in input.shapes:
        raise ComponentError(
            "this encoder reads frames, but the stream holds raw sound",
            where=encoder,
            remedy="add log_mel or db_spectrogram to the stream's transforms",
        )
    bands = input.shapes["frames"][1]
    assert bands is not None
    return bands


class MaskedGroupNorm(nn.GroupNorm):
    """Group normalisation (Wu and He 2018) of ``[B, C, T, F]`` whose statistics see valid frames only."""

    def forward(self, input: Tensor, mask: Tensor | None = None) -> Tensor:  # noqa: A002 (the base class names it so)
        """Mask: ``[B, 1, T, 1]`` float, 1 where valid; None where every frame is."""
        if mask is None:
            return super().forward(input)
        batch, channels = input.shape[:2]
        size = channels // self.num_groups
        values = input * mask
        count = (mask.sum(dim=(1, 2, 3)) * (values.shape[3] * size)).clamp_min(1.0)[:, None]
        total = values.sum(dim=(2, 3), dtype=torch.float32).view(batch, self.num_groups, size).sum(-1)
        squares = (values * values).sum(dim=(2, 3), dtype=torch.float32).view(batch, self.num_groups, size).sum(-1)
        mean = total / count
        scale = torch.rsqrt((squares / count - mean * mean).clamp_min(0.0) + self.eps)
        scale = scale.repeat_interleave(size, dim=1) * self.weight
        shift = self.bias - mean.repeat_interleave(size, dim=1) * scale
        return values * scale[:, :, None, None].to(values.dtype) + shift[:, :, None, None].to(values.dtype)


class StandardisedConv2d(nn.Conv2d):
    """A convolution whose weights have mean 0 and variance ``1.7 ** 2 / inputs`` for each output, times a gain.

    Scaled weight standardisation (Brock, De and Smith 2021) keeps activations in range without looking at them.
    """

    def __init__(self, before: int, after: int, *size: Any, **settings: Any) -> None:
        super().__init__(before, after, *size, **settings)
        self.gain = nn.Parameter(torch.ones(after, 1, 1, 1))

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        inputs = self.weight[0].numel()
        variance, mean = torch.var_mean(self.weight, dim=(1, 2, 3), keepdim=True)
        weight = (self.weight - mean) * torch.rsqrt(variance * inputs + 1e-6) * (1.7 * self.gain)
        weight = weight.contiguous(memory_format=torch.channels_last)
        return F.conv2d(input, weight, self.bias, self.stride, self.padding)


class NormalisedConv(nn.Module):
    """A convolution and its normalisation: of groups of activations, or of its weights (``groups`` 0)."""

    def __init__(self, before: int, after: int, kernel: tuple[int, int], stride: tuple[int, int], groups: int) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        build: Callable[..., nn.Conv2d] = nn.Conv2d if groups else StandardisedConv2d
        self.convolution = build(before, after, kernel, stride=stride, padding=padding, bias=not groups)
        self.norm = MaskedGroupNorm(groups, after) if groups else None

    def forward(self, frames: Tensor, mask: Tensor | None) -> Tensor:
        """Frames ``[B, C, T, F]`` and the mask of what comes out; what is invalid is not zero yet."""
        values: Tensor = self.convolution(frames)
        return values if self.norm is None else self.norm(values, mask)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al. 2016), pooled where the block has a stride."""

    def __init__(self, before: int, after: int, stride: tuple[int, int], *, groups: int, dropout: float) -> None:
        super().__init__()
        self.stride = stride
        self.first = NormalisedConv(before, after, (3, 3), stride, groups)
        self.second = NormalisedConv(after, after, (3, 3), (1, 1), groups)
        # Without normalised activations a block begins small, or the sum over blocks grows.
        self.share = None if groups else nn.Parameter(torch.tensor(0.2))
        self.dropout = nn.Dropout2d(dropout)
        self.shortcut = nn.Conv2d(before, after, 1, bias=False) if stride != (1, 1) or before != after else None

    def forward(self, frames: Tensor, before: Tensor | None, after: Tensor | None) -> Tensor:
        """Frames ``[B, C, T, F]``; the masks of what comes in and of what goes out, ``[B, 1, T, 1]`` or None."""
        inner = masked(F.relu(self.first(frames, after)), after)
        inner = self.dropout(self.second(inner, after))
        if self.share is not None:
            inner = inner * self.share
        outer = frames if self.stride == (1, 1) else pooled(frames, self.stride, before)
        if self.shortcut is not None:
            outer = self.shortcut(outer)
        return masked(F.relu(inner + outer), after)


def masked(values: Tensor, mask: Tensor | None) -> Tensor:
    """Zeros where the mask is 0."""
    return values if mask is None else values * mask


def pooled(frames: Tensor, stride: tuple[int, int], mask: Tensor | None) -> Tensor:
    """Means of cells of ``[B, C, T, F]`` of one or two frames and rows, over the valid ones of each."""
    if mask is None:
        return F.avg_pool2d(frames, stride, ceil_mode=True)
    if stride[0] == 1:
        return F.avg_pool2d(frames, stride, ceil_mode=True)
    # Slices, because the pooling's own arithmetic of sizes cannot be exported with a free T.
    padded, valid = F.pad(frames, (0, 0, 0, 1)), F.pad(mask, (0, 0, 0, 1))
    total = padded[:, :, :-1:2] + padded[:, :, 1::2]
    count = valid[:, :, :-1:2] + valid[:, :, 1::2]
    means = total / count.clamp_min(1.0)
    return means if stride[1] == 1 else F.avg_pool2d(means, (1, stride[1]), ceil_mode=True)


class Recurrent(nn.Module):
    """A bidirectional recurrent layer over rows of unequal length.

    The backward direction reads each row from its own end, by reordering instead of packing, so that it can be
    exported.
    """

    def __init__(self, kind: Literal["gru", "plain", "lstm"], size: int, hidden: int, depth: int) -> None:
        super().__init__()
        layer = {"gru": nn.GRU, "plain": nn.RNN, "lstm": nn.LSTM}[kind]
        sizes = [size, *[2 * hidden] * (depth - 1)]
        self.forwards = nn.ModuleList(layer(before, hidden, batch_first=True) for before in sizes)
        self.backwards = nn.ModuleList(layer(before, hidden, batch_first=True) for before in sizes)

    def forward(self, steps: Tensor, mask: Tensor) -> Tensor:
        """Steps ``[B, T, D]`` with their mask ``[B, T]`` (True in front) to ``[B, T, 2 * hidden]``."""
        last = mask.sum(dim=1, keepdim=True) - 1
        positions = torch.arange(steps.shape[1], device=steps.device)[None, :]
        order = torch.where(positions <= last, last - positions, positions)[:, :, None]
        for onward, back in zip(self.forwards, self.backwards, strict=True):
            turned = torch.take_along_dim(steps, order, dim=1)
            backward = torch.take_along_dim(back(turned)[0], order, dim=1)
            steps = torch.cat([onward(steps)[0], backward], dim=2)
        return steps


class AttentionPooling(nn.Module):
    """Weighted means over time, one for each head's share of the features (Lin et al. 2017)."""

    def __init__(self, size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.score = nn.Sequential(nn.Linear(size, 64), nn.Tanh(), nn.Linear(64, heads))

    def forward(self, steps: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Steps ``[B, T, D]`` and mask ``[B, T]`` to ``[B, D]`` and the heads' mean weights ``[B, T]``."""
        scores = self.score(steps).masked_fill(~mask[:, :, None], float("-inf"))
        weights = torch.softmax(scores, dim=1)
        parts = steps.reshape(*steps.shape[:2], self.heads, -1)
        return (weights[:, :, :, None] * parts).sum(dim=1).flatten(1), weights.mean(dim=2)


class MeanPooling(nn.Module):
    """The mean over valid steps, or over those of each of some equal parts of the row's time."""

    def __init__(self, segments: int = 1) -> None:
        super().__init__()
        self.segments = segments

    def forward(self, steps: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Steps ``[B, T, D]`` and mask ``[B, T]`` to ``[B, segments * D]`` and the equal weights ``[B, T]``."""
        weights = mask.to(steps.dtype)
        equal = weights / weights.sum(dim=1, keepdim=True).clamp_min(1.0)
        if self.segments == 1:
            return (steps * equal[:, :, None]).sum(dim=1), equal
        places = torch.arange(mask.shape[1], device=mask.device)
        part = places[None] * self.segments // mask.sum(dim=1, keepdim=True).clamp_min(1)
        means = []
        for segment in range(self.segments):
            own = weights * (part == segment)
            own = own / own.sum(dim=1, keepdim=True).clamp_min(1.0)
            means.append((steps * own[:, :, None]).sum(dim=1))
        return torch.cat(means, dim=1), equal
