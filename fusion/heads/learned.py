"""Learned fusion: concatenation, gates, or attention over the streams' timed sequences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from fusion.contract import HeadOutput, StreamOutput, StreamSpec
from fusion.heads import options as settings
from fusion.heads.streams import Projections, masked_softmax


class Learned(nn.Module):
    """A network over all streams that does with any non-empty subset of them."""

    needs_logits = False

    def __init__(self, options: settings.Learned, streams: Sequence[StreamSpec], outputs: int) -> None:
        super().__init__()
        self._form = options.form
        self.needs_sequence = options.form == "attention"
        count = len(streams)
        if options.form == "attention":
            self.attend = _SequenceAttention(streams, options.dim, options.heads)
            width = options.dim
        else:
            self.project = Projections(streams, options.dim)
            width = options.dim * count if options.form == "concatenate" else options.dim
        if options.form == "concatenate":
            self.absent = nn.Parameter(torch.zeros(count, options.dim))
        elif options.form == "gated":
            self.gate = nn.ModuleList(nn.Linear(options.dim, 1) for _ in streams)
        layers: list[nn.Module] = [nn.Dropout(options.dropout)]
        if options.hidden:
            layers += [nn.Linear(width, options.hidden), nn.GELU(), nn.Dropout(options.dropout)]
        layers.append(nn.Linear(options.hidden or width, outputs))
        self.classify = nn.Sequential(*layers)

    def forward(self, outputs: Mapping[str, StreamOutput], present: Tensor) -> HeadOutput:
        """Combine present streams. Shapes as in the contract."""
        if self._form == "attention":
            features, weights = self.attend(outputs, present)
            return HeadOutput(self.classify(features), weights)
        projected = self.project(outputs, present)
        if self._form == "concatenate":
            filled = torch.where(present.unsqueeze(-1), projected, self.absent)
            return HeadOutput(self.classify(filled.flatten(1)))
        scores = torch.cat([gate(projected[:, position]) for position, gate in enumerate(self.gate)], dim=1)
        weights = masked_softmax(scores, present)
        return HeadOutput(self.classify((weights.unsqueeze(-1) * projected).sum(dim=1)), weights)


class _SequenceAttention(nn.Module):
    """A learned query over the items of all streams' sequences, each told its stream and its time.

    A stream without a sequence takes part with its embedding, at the middle of the window.
    """

    def __init__(self, streams: Sequence[StreamSpec], dim: int, heads: int) -> None:
        super().__init__()
        self._names = tuple(stream.name for stream in streams)
        self._dim = dim
        self._sequences = tuple(stream.output.sequence is not None for stream in streams)
        self.project = nn.ModuleList()
        for stream in streams:
            width = stream.output.sequence or stream.output.dim or len(stream.output.classes or ())
            self.project.append(nn.Sequential(nn.Linear(width, dim), nn.LayerNorm(dim)))
        self.stream = nn.Parameter(torch.randn(len(streams), dim) * 0.02)
        self.query = nn.Parameter(torch.randn(dim) * 0.02)
        self.attention = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.norm = nn.LayerNorm(dim)

    def forward(self, outputs: Mapping[str, StreamOutput], present: Tensor) -> tuple[Tensor, Tensor]:
        items, masks, owners = [], [], []
        for position, name in enumerate(self._names):
            values, mask, times = self._items(outputs[name], self._sequences[position])
            mask = mask & present[:, position, None]
            projected = self.project[position](torch.where(mask.unsqueeze(-1), values, torch.zeros_like(values)))
            items.append(projected + self.stream[position] + _time_code(times, self._dim))
            masks.append(mask)
            owners += [position] * values.shape[1]
        everything, valid = torch.cat(items, dim=1), torch.cat(masks, dim=1)
        # A row in which nothing is valid would give NaN: let it look at zeros instead.
        nothing = ~valid.any(dim=1, keepdim=True)
        everything = torch.where(valid.unsqueeze(-1), everything, torch.zeros_like(everything))
        query = self.query.expand(len(everything), 1, -1)
        attended, weights = self.attention(query, everything, everything, key_padding_mask=~(valid | nothing))
        shares = torch.zeros(len(everything), len(self._names), dtype=weights.dtype, device=weights.device)
        owner = torch.tensor(owners, device=weights.device).expand(len(everything), -1)
        shares = shares.scatter_add(1, owner, weights[:, 0]) * present
        return self.norm(attended[:, 0]), shares

    @staticmethod
    def _items(output: StreamOutput, sequence: bool) -> tuple[Tensor, Tensor, Tensor]:
        if sequence and output.sequence is not None:
            rows, steps = output.sequence.shape[:2]
            device = output.sequence.device
            mask = torch.ones(rows, steps, dtype=torch.bool, device=device) if output.mask is None else output.mask
            times = torch.zeros(rows, steps, device=device) if output.times is None else output.times
            return output.sequence, mask, times
        features = output.embedding if output.embedding is not None else output.logits
        assert features is not None
        mask = torch.ones(len(features), 1, dtype=torch.bool, device=features.device)
        return features.unsqueeze(1), mask, torch.zeros(len(features), 1, device=features.device)


def _time_code(times: Tensor, dim: int) -> Tensor:
    """Sines and cosines of seconds, at periods from about 0.1 s to 100 s (Vaswani et al. 2017, section 3.5)."""
    half = dim // 2
    rates = torch.exp(
        torch.linspace(math.log(2 * math.pi / 0.1), math.log(2 * math.pi / 100.0), half, device=times.device)
    )
    angles = times.unsqueeze(-1) * rates
    code = torch.cat([angles.sin(), angles.cos()], dim=-1)
    return nn.functional.pad(code, (0, dim - code.shape[-1]))
