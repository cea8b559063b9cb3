"""Fully connected layers on a vector of features."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

from fusion.contract import Batch, InputSpec, OutputSpec, StreamOutput
from fusion_features.options import MLP as MLPOptions  # noqa: N811


class MLP(nn.Module):
    """Pooling over the steps, then linear layers with layer norm and GELU.

    Args:
        options: Sizes and pooling.
        spec: The modality's input.
    """

    def __init__(self, options: MLPOptions, spec: InputSpec) -> None:
        super().__init__()
        width = spec.shapes["features"][1]
        assert width is not None
        self._statistics = options.pooling == "statistics"
        sizes = [width * (2 if self._statistics else 1), *options.hidden]
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after), nn.LayerNorm(after), nn.GELU(), nn.Dropout(options.dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], options.embedding))
        self.spec = OutputSpec(options.embedding)

    def forward(self, batch: Batch) -> StreamOutput:
        """Features ``[B, T, D]`` and mask ``[B, T]`` to an embedding."""
        values, there = batch["features"], batch["mask"][:, :, None]
        count = there.sum(1).clamp(min=1)
        pooled = (values * there).sum(1) / count
        if self._statistics:
            variance = ((values - pooled[:, None]) ** 2 * there).sum(1) / count
            # The root has no gradient at 0, where all single steps are.
            pooled = torch.cat([pooled, torch.sqrt(variance + 1e-6)], dim=1)
        return StreamOutput(self.layers(pooled))
