"""Recurrent reading of words."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from fusion.contract import Batch, InputSpec, OutputSpec, StreamOutput
from fusion_text.options import LSTM as LSTMOptions  # noqa: N811


class LSTM(nn.Module):
    """Word embeddings, an optional convolution, a bidirectional LSTM, pooling by attention or mean.

    The LSTM is that of Hochreiter and Schmidhuber (1997), the pooling the additive attention of Bahdanau et al.
    (2015) with one learnt question. Rows are read backwards by turning each one round within its own length, not
    by packing: padding has no influence and the network can be exported by torch.export, for any number of rows of
    one length (an exported LSTM is unrolled over its length, so pad rows to the longest).

    Args:
        options: Sizes.
        spec: The modality's input; ``size`` is the number of symbols.
    """

    def __init__(self, options: LSTMOptions, spec: InputSpec) -> None:
        super().__init__()
        assert spec.size is not None
        self.options = options
        self.symbols = nn.Embedding(spec.size, options.width, padding_idx=0)
        self.convolution = (
            nn.Conv1d(options.width, options.width, options.convolution, padding=options.convolution // 2)
            if options.convolution
            else None
        )
        directions = 2 if options.bidirectional else 1
        state = options.hidden * directions
        self.forwards = nn.ModuleList()
        self.backwards = nn.ModuleList()
        for layer in range(options.layers):
            inputs = options.width if layer == 0 else state
            self.forwards.append(nn.LSTM(inputs, options.hidden, batch_first=True))
            if options.bidirectional:
                self.backwards.append(nn.LSTM(inputs, options.hidden, batch_first=True))
        self.attention = (
            nn.Sequential(nn.Linear(state, options.hidden), nn.Tanh(), nn.Linear(options.hidden, 1, bias=False))
            if options.pooling == "attention"
            else None
        )
        self.output = nn.Linear(state, options.embedding)
        self.dropout = nn.Dropout(options.dropout)
        self.state = state

    @property
    def spec(self) -> OutputSpec:
        return OutputSpec(self.options.embedding, sequence=self.state)

    def forward(self, batch: Batch) -> StreamOutput:
        """Tokens ``[B, T]`` and mask ``[B, T]`` (tokens first) to an embedding and one item for every token.

        There are no times: words of a clip often have none.
        """
        tokens, mask = batch["tokens"], batch["mask"]
        there = mask[:, :, None]
        sequence = self.dropout(self.symbols(tokens)) * there
        if self.convolution is not None:
            sequence = functional.relu(self.convolution(sequence.transpose(1, 2))).transpose(1, 2) * there
        turn = _turned(mask)
        for layer in range(self.options.layers):
            if layer:
                sequence = self.dropout(sequence)
            sequence = self._read(layer, sequence, turn) * there
        if self.attention is not None:
            scores = self.attention(sequence)[:, :, 0].float().masked_fill(~mask, torch.finfo(torch.float32).min)
            weights = torch.softmax(scores, dim=1) * mask
        else:
            weights = mask / mask.sum(1, keepdim=True).clamp(min=1)
        pooled = (sequence * weights[:, :, None]).sum(1)
        return StreamOutput(self.output(self.dropout(pooled)), sequence, mask, attention=weights)

    def _read(self, layer: int, sequence: Tensor, turn: Tensor) -> Tensor:
        """One layer over ``[B, T, D]``, in one or both directions."""
        onward: Tensor = self.forwards[layer](sequence)[0]
        if not self.options.bidirectional:
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
