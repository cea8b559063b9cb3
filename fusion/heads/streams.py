"""What all heads do first: bring the streams' outputs into one tensor in which absent streams are zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from fusion.contract import ComponentError, StreamOutput, StreamSpec


def stacked_logits(outputs: Mapping[str, StreamOutput], names: Sequence[str], present: Tensor) -> Tensor:
    """Logits ``[B, S, C]``, zero where a stream is absent."""
    columns = []
    for position, name in enumerate(names):
        logits = outputs[name].logits
        if logits is None:
            raise ComponentError("has no logits to average", where=f"stream {name!r}")
        columns.append(torch.where(present[:, position, None], logits, torch.zeros_like(logits)))
    return torch.stack(columns, dim=1)


class Projections(nn.Module):
    """Each stream's embedding to one common size, normalised: ``[B, S, dim]``, zero where a stream is absent.

    A stream that brings logits instead of an embedding is projected from its log-probabilities.
    """

    def __init__(self, streams: Sequence[StreamSpec], dim: int) -> None:
        super().__init__()
        self._names = tuple(stream.name for stream in streams)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(_width(stream), dim), nn.LayerNorm(dim)) for stream in streams
        )

    def forward(self, outputs: Mapping[str, StreamOutput], present: Tensor) -> Tensor:
        """Project all streams."""
        columns = []
        for position, (name, layer) in enumerate(zip(self._names, self.layers, strict=True)):
            output = outputs[name]
            features = output.embedding
            if features is None:
                assert output.logits is not None
                features = torch.log_softmax(output.logits, dim=-1)
            shown = present[:, position, None]
            projected = layer(torch.where(shown, features, torch.zeros_like(features)))
            columns.append(torch.where(shown, projected, torch.zeros_like(projected)))
        return torch.stack(columns, dim=1)


def _width(stream: StreamSpec) -> int:
    if stream.output.dim is not None:
        return stream.output.dim
    if stream.output.classes is not None:
        return len(stream.output.classes)
    raise ComponentError("declares neither an embedding nor logits", where=f"stream {stream.name!r}")


def masked_softmax(scores: Tensor, present: Tensor) -> Tensor:
    """Softmax over the present entries of ``[B, S]``; zeros elsewhere, and all zeros where nothing is present."""
    lowest = torch.finfo(scores.dtype).min
    weights = torch.softmax(scores.masked_fill(~present, lowest), dim=1)
    return weights * present
