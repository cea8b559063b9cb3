"""Pretrained transformers as encoders of text."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Self

import torch
from torch import nn

from fusion.contract import Batch, ComponentError, InputSpec, OutputSpec, StreamOutput
from fusion_text.options import Transformer as TransformerOptions
from fusion_text.pretrained import build_model, load_model


class Transformer(nn.Module):
    """A model of the BERT family (Devlin et al., 2019), or any AutoModel with a last hidden state, pooled.

    Args:
        options: Where the model lies, how its states are pooled.
        spec: The modality's input, which must have used a transformer's tokeniser.

    Raises:
        ComponentError: The modality's symbols are not the model's.
    """

    def __init__(self, options: TransformerOptions, spec: InputSpec) -> None:
        super().__init__()
        if spec.details.get("tokeniser") != "transformer":
            raise ComponentError(
                "the model does not know the symbols of a fitted vocabulary",
                where="encoder transformer",
                remedy=f"give the modality text the options tokeniser: transformer and path: {options.path}",
            )
        self.options = options
        self.model = (
            load_model(options.path or "") if options.architecture is None else build_model(options.architecture)
        )
        known = int(self.model.config.vocab_size)
        if spec.size is None or spec.size > known:
            raise ComponentError(
                f"the tokeniser has {spec.size} symbols and the model knows {known}",
                where="encoder transformer",
                remedy="give modality and encoder the same path",
            )
        self.hidden = int(self.model.config.hidden_size)
        if options.freeze:
            self.model.requires_grad_(False)
        elif getattr(self.model, "pooler", None) is not None:
            self.model.pooler.requires_grad_(False)  # states are pooled here: it would wait for gradients in vain
        self.output = None if options.embedding is None else nn.Linear(self.hidden, options.embedding)
        self.dropout = nn.Dropout(options.dropout)

    @property
    def portable(self) -> dict[str, Any]:
        """Options that build the same network without the pretrained weights."""
        architecture = json.loads(self.model.config.to_json_string(use_diff=False))
        architecture.pop("_name_or_path", None)  # where it lay on somebody's machine
        return {**asdict(self.options), "path": None, "architecture": architecture}

    @property
    def spec(self) -> OutputSpec:
        return OutputSpec(self.options.embedding or self.hidden, sequence=self.hidden, exportable=False)

    def train(self, mode: bool = True) -> Self:
        """As usual, but a frozen model stays in evaluation mode: its answers have no dropout."""
        super().train(mode)
        if self.options.freeze:
            self.model.eval()
        return self

    def forward(self, batch: Batch) -> StreamOutput:
        """Tokens ``[B, T]`` and mask ``[B, T]`` to an embedding and one state for every token."""
        tokens, mask = batch["tokens"], batch["mask"]
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.options.freeze):
            sequence = self.model(input_ids=tokens, attention_mask=mask.long()).last_hidden_state
        there = mask.to(sequence.dtype)[:, :, None]
        pooled = (
            sequence[:, 0] if self.options.pooling == "cls" else (sequence * there).sum(1) / there.sum(1).clamp(min=1)
        )
        embedding = self.dropout(pooled) if self.output is None else self.output(self.dropout(pooled))
        return StreamOutput(embedding, sequence * there, mask)
