"""Layers over time in which masked frames have no part."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

#: Keeps the gradient of a deviation finite where nothing varies.
_LEAST_VARIANCE = 1e-4


class MaskedGroupNorm(nn.Module):
    """Group normalisation (Wu and He, 2018) of ``[B, C, T, H, W]`` over the frames that are there.

    Statistics are of one row and of its valid frames alone, so neither neighbours in the batch, the number of
    processes nor padding change an answer.
    """

    def __init__(self, channels: int, groups: int, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.groups = groups
        self.epsilon = epsilon
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Features ``[B, C, T, H, W]``, zero where mask ``[B, T]`` (float, 0 or 1) is; answers the same shape."""
        batch, channels, _, height, width = features.shape
        each = channels // self.groups
        grouped = features.float().reshape(batch, self.groups, -1)
        count = mask.sum(1, keepdim=True).clamp(min=1) * (each * height * width)
        mean = grouped.sum(2) / count
        variance = (grouped.square().sum(2) / count - mean.square()).clamp(min=0)
        scale = (variance + self.epsilon).rsqrt().repeat_interleave(each, 1) * self.weight
        shift = self.bias - mean.repeat_interleave(each, 1) * scale
        view = (batch, channels, 1, 1, 1)
        return torch.addcmul(shift.reshape(view), features.float(), scale.reshape(view))


def masked_mean(sequence: Tensor, mask: Tensor) -> Tensor:
    """Mean of ``[B, T, D]`` over the steps where mask ``[B, T]`` is True: ``[B, D]``; zeros without any."""
    weights = mask.to(sequence.dtype)[:, :, None]
    return (sequence * weights).sum(1) / weights.sum(1).clamp(min=1)


def masked_pool(sequence: Tensor, mask: Tensor, forms: Sequence[str]) -> Tensor:
    """``mean``, ``max`` or ``deviation`` over time, side by side: ``[B, T, D]`` to ``[B, D * forms]``.

    The sequence is not negative (it comes from a rectifier), so that zeros do for what is masked in a maximum.
    """
    mean = masked_mean(sequence, mask)
    there = mask.to(sequence.dtype)[:, :, None]
    pooled = {"mean": mean, "max": (sequence * there).amax(1)}
    if "deviation" in forms:
        pooled["deviation"] = (masked_mean((sequence - mean[:, None]).square(), mask) + _LEAST_VARIANCE).sqrt()
    return torch.cat([pooled[form] for form in forms], dim=1)


def segment_pool(sequence: Tensor, mask: Tensor, forms: Sequence[str], segments: int) -> Tensor:
    """``masked_pool`` over each of some equal parts of a row's time: ``[B, T, D]`` to ``[B, segments * D * forms]``.

    A row reaches from its first step to its last valid one, so that padding behind it does not move the parts. What
    happens when stays in the answer, where a single mean forgets it.
    """
    if segments == 1:
        return masked_pool(sequence, mask, forms)
    steps = torch.arange(mask.shape[1], device=mask.device)
    length = (mask * (steps + 1)).amax(1, keepdim=True).clamp(min=1)
    part = steps[None] * segments // length
    return torch.cat([masked_pool(sequence, mask & (part == k), forms) for k in range(segments)], dim=1)
