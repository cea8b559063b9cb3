"""Weighted sum of embeddings or of logits, with fixed or learned weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from fusion.contract import ComponentError, HeadOutput, StreamOutput, StreamSpec
from fusion.heads import options as settings
from fusion.heads.streams import Projections, masked_softmax, stacked_logits


class WeightedSum(nn.Module):
    """One positive weight for each stream; the weights of the present streams are scaled to sum to 1."""

    needs_sequence = False

    def __init__(self, options: settings.WeightedSum, streams: Sequence[StreamSpec], outputs: int) -> None:
        super().__init__()
        self._of = options.of
        self._names = tuple(stream.name for stream in streams)
        self.needs_logits = options.of == "logits"
        start = torch.log(torch.tensor([_positive(options.weights, name) for name in self._names]))
        if options.learned:
            self.scores = nn.Parameter(start)
        else:
            self.register_buffer("scores", start)
        if options.of == "embeddings":
            self.project = Projections(streams, options.dim)
            self.dropout = nn.Dropout(options.dropout)
            self.classify = nn.Linear(options.dim, outputs)
        elif options.learned:
            # Log-probabilities of unequally sure streams are brought to one scale, and the sum may be sharper
            # than any of them: agreement of independent streams is evidence.
            self.scale = nn.Parameter(torch.zeros(len(self._names)))

    @staticmethod
    def suits(options: settings.WeightedSum, kind: str) -> bool:
        """Logits are compared as log-probabilities of one class a clip; embeddings do for every target."""
        return options.of == "embeddings" or kind in ("single", "soft")

    def forward(self, outputs: Mapping[str, StreamOutput], present: Tensor) -> HeadOutput:
        """Sum over present streams. Shapes as in the contract."""
        weights = masked_softmax(self.scores.expand(present.shape[0], -1), present)
        if self._of == "embeddings":
            embeddings = (weights.unsqueeze(-1) * self.project(outputs, present)).sum(dim=1)
            return HeadOutput(self.classify(self.dropout(torch.relu(embeddings))), weights)
        stream_logits = torch.log_softmax(stacked_logits(outputs, self._names, present), dim=-1)
        if hasattr(self, "scale"):
            stream_logits = stream_logits * self.scale.exp()[None, :, None]
        return HeadOutput((weights.unsqueeze(-1) * stream_logits).sum(dim=1), weights, stream_logits)


def _positive(weights: Mapping[str, float], name: str) -> float:
    value = float(weights.get(name, 1.0))
    if value <= 0:
        raise ComponentError(f"the weight of {name!r} must be positive, not {value}", where="head weighted_sum")
    return value
