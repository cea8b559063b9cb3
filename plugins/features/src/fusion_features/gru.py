"""Recurrent reading of a sequence of features."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fusion.contract import Batch, InputSpec, OutputSpec, StreamOutput
from fusion_features.options import GRU as GRUOptions  # noqa: N811


class GRU(nn.Module):
    """A gated recurrent network (Cho et al., 2014), in one or both directions, pooled by attention or mean.

    Rows are read backwards by turning each one round within its own length, not by packing: padding has no influence
    and the network can be exported by torch.export, for any number of rows of one length.

    Args:
        options: Sizes and pooling.
        spec: The modality's input.
    """

    def __init__(self, options: GRUOptions, spec: InputSpec) -> None:
        super().__init__()
        width = spec.shapes["features"][1]
        assert width is not None
        self._bidirectional = options.bidirectional
        state = options.hidden * (2 if options.bidirectional else 1)
        inputs = [width, *[state] * (options.layers - 1)]
        self.forwards = nn.ModuleList(nn.GRU(size, options.hidden, batch_first=True) for size in inputs)
        self.backwards = nn.ModuleList(
            nn.GRU(size, options.hidden, batch_first=True) for size in inputs if options.bidirectional
        )
        self.attention = (
            nn.Sequential(nn.Linear(state, options.hidden), nn.Tanh(), nn.Linear(options.hidden, 1, bias=False))
            if options.pooling == "attention"
            else None
        )
        self.output = nn.Linear(state, options.embedding)
        self.dropout = nn.Dropout(options.dropout)
        self.spec = OutputSpec(options.embedding, sequence=state)

    def forward(self, batch: Batch) -> StreamOutput:
        """Features ``[B, T, D]``, mask and times ``[B, T]`` to an embedding and a state for every step."""
        mask = batch["mask"]
        there = mask[:, :, None]
        sequence = batch["features"] * there
        turn = _turned(mask)
        for layer in range(len(self.forwards)):
            if layer:
                sequence = self.dropout(sequence)
            sequence = self._read(layer, sequence, turn) * there
        if self.attention is not None:
            scores = self.attention(sequence)[:, :, 0].float().masked_fill(~mask, torch.finfo(torch.float32).min)
            weights = torch.softmax(scores, dim=1) * mask
        else:
            weights = mask / mask.sum(1, keepdim=True).clamp(min=1)
        pooled = (sequence * weights[:, :, None]).sum(1)
        return StreamOutput(self.output(self.dropout(pooled)), sequence, mask, batch["times"], attention=weights)

    def _read(self, layer: int, sequence: Tensor, turn: Tensor) -> Tensor:
        """One layer over ``[B, T, D]``."""
        onward: Tensor = self.forwards[layer](sequence)[0]
        if not self._bidirectional:
            return onward
        turned = sequence.gather(1, turn[:, :, None].expand(-1, -1, sequence.shape[2]))
        back = self.backwards[layer](turned)[0]
        back = back.gather(1, turn[:, :, None].expand(-1, -1, back.shape[2]))
        return torch.cat([onward, back], dim=2)


def _turned(mask: Tensor) -> Tensor:
    """Indices ``[B, T]`` that turn each row round within its length and leave its padding; its own inverse."""
    places = torch.arange(mask.shape[1], device=mask.device)[None].expand(mask.shape[0], -1)
    lengths = mask.sum(1, keepdim=True)
    return torch.where(mask, lengths - 1 - places, places)
