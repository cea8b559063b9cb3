"""The encoder ``scores``: another model's answer as a stream's own logits."""

from __future__ import annotations

from torch import nn

from fusion.contract import Batch, InputSpec, NoOptions, OutputSpec, StreamOutput


class Given(nn.Module):
    """Hands the scores over; it has neither weights nor an embedding."""

    def __init__(self, options: NoOptions, spec: InputSpec) -> None:
        super().__init__()
        del options
        self.spec = OutputSpec(dim=None, classes=tuple(spec.details["classes"]))

    def forward(self, batch: Batch) -> StreamOutput:
        """Scores ``[B, C]`` as logits."""
        return StreamOutput(logits=batch["scores"])
