"""Late averaging: each stream decides alone, and their probabilities are averaged, maybe after calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from fusion.contract import HeadOutput, StreamOutput, StreamSpec
from fusion.evaluation.calibration import fit_temperature
from fusion.heads import options as settings
from fusion.heads.streams import stacked_logits


class LateAverage(nn.Module):
    """Mean of the present streams' probabilities or log-probabilities; nothing is fitted unless calibrated."""

    #: By stream, where they are calibrated.
    temperatures: Tensor

    needs_sequence = False
    needs_logits = True

    def __init__(self, options: settings.LateAverage, streams: Sequence[StreamSpec], outputs: int) -> None:
        super().__init__()
        self._options = options
        self._names = tuple(stream.name for stream in streams)
        self._outputs = outputs
        if options.calibrated:
            self.register_buffer("temperatures", torch.ones(len(streams)))
            self.fit = self._fit_temperatures

    @staticmethod
    def suits(options: settings.LateAverage, kind: str) -> bool:
        """Probabilities are of one class a clip; ``values`` does for every target."""
        return (options.of == "values" and not options.calibrated) or kind in ("single", "soft")

    def _fit_temperatures(self, outputs: Mapping[str, StreamOutput], present: Tensor, targets: Tensor) -> None:
        """Each stream's temperature with the least cross-entropy over the windows that have it."""
        logits = stacked_logits(outputs, self._names, present)
        for position in range(len(self._names)):
            shown = present[:, position]
            probabilities = torch.softmax(logits[shown, position].double(), dim=-1)
            self.temperatures[position] = fit_temperature(probabilities.numpy(), targets[shown].double().numpy())

    def forward(self, outputs: Mapping[str, StreamOutput], present: Tensor) -> HeadOutput:
        """Average over present streams. Shapes as in the contract."""
        stream_logits = stacked_logits(outputs, self._names, present)
        if self._options.calibrated:
            stream_logits = stream_logits / self.temperatures[None, :, None]
        weights = present / present.sum(dim=1, keepdim=True).clamp_min(1)
        if self._options.of == "probabilities":
            mean = (weights.unsqueeze(-1) * torch.softmax(stream_logits, dim=-1)).sum(dim=1)
            logits = mean.clamp_min(1e-12).log()
        elif self._options.of == "values":
            logits = (weights.unsqueeze(-1) * stream_logits).sum(dim=1)
        else:
            logits = (weights.unsqueeze(-1) * torch.log_softmax(stream_logits, dim=-1)).sum(dim=1)
        return HeadOutput(logits, weights, stream_logits)
