"""The encoder: from a batch of the modality to an embedding and a timed sequence."""

from __future__ import annotations

import torch
from torch import nn

from fusion.contract import Batch, InputSpec, OutputSpec, StreamOutput
from fusion_pulse.options import PulseGRU as Options


class PulseGRU(nn.Module):
    """A recurrent layer and the mean over its steps. Padding comes last and has no influence."""

    def __init__(self, options: Options, spec: InputSpec) -> None:
        super().__init__()
        assert spec.rate is not None
        self.rate = float(spec.rate)
        self.spec = OutputSpec(dim=options.hidden, sequence=options.hidden)
        self.recurrent = nn.GRU(1, options.hidden, batch_first=True)
        self.dropout = nn.Dropout(options.dropout)

    def forward(self, batch: Batch) -> StreamOutput:
        mask = batch["mask"]
        steps, _ = self.recurrent(batch["beats"])
        steps = steps * mask[..., None]
        embedding = steps.sum(1) / mask.sum(1, keepdim=True)
        times = (torch.arange(mask.shape[1], device=mask.device) / self.rate).expand(mask.shape)
        return StreamOutput(embedding=self.dropout(embedding), sequence=steps, mask=mask, times=times)
