"""Small residual CNNs over frames, with and without a recurrent layer."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fusion.contract import Batch, ComponentError, InputSpec, OutputSpec, StreamOutput
from fusion_spectrogram import encoder_options
from fusion_spectrogram.layers import (
    AttentionPooling,
    MeanPooling,
    NormalisedConv,
    Recurrent,
    ResidualBlock,
    bands_of,
    masked,
)


def _frequency_means(before: int, after: int) -> Tensor:
    """Weights ``[after, before]`` of adaptive average pooling."""
    weights = np.zeros((after, before), dtype=np.float32)
    for row in range(after):
        start, stop = row * before // after, -(-(row + 1) * before // after)
        weights[row, start:stop] = 1.0 / (stop - start)
    return torch.from_numpy(weights)


class Cnn(nn.Module):
    """Frames ``[B, T, F]`` to one embedding a row and a sequence of ``T / step`` steps.

    A convolution with a stride, stages of residual blocks, the channels of ``bands`` frequency rows joined and
    projected, a layer along time (a convolution here, recurrent in the other two), pooling.
    """

    def __init__(self, options: encoder_options.Cnn, input: InputSpec) -> None:  # noqa: A002 (the contract's name)
        super().__init__()
        bands = bands_of(input, type(self).__name__)
        halvings = math.log2(options.step / options.stride)
        if halvings != int(halvings) or not 0 <= halvings < options.layers:
            raise ComponentError(
                f"a step of {options.step} frames cannot be reached from a stride of {options.stride}",
                where=type(self).__name__,
                remedy=f"let step be the stride, or 2 to {2 ** (options.layers - 1)} times it",
            )
        self.options = options
        self.step = float(options.step / (input.rate or Fraction(100)))
        groups = options.groups if options.norm == "group" else 0
        channels = [options.width * 2**stage for stage in range(options.layers)]
        kernel = (2 * (options.stride // 2) + 3, 5)
        self.stem = NormalisedConv(2 if options.deltas else 1, channels[0], kernel, (options.stride, 2), groups)
        rows = -(-bands // 2)
        self.body = nn.ModuleList()
        for stage, after in enumerate(channels):
            for block in range(options.blocks):
                first = stage > 0 and block == 0
                stride = (2 if first and stage >= options.layers - halvings else 1, 2 if first else 1)
                before = channels[stage - 1] if first else after
                self.body.append(ResidualBlock(before, after, stride, groups=groups, dropout=options.block_dropout))
                rows = -(-rows // stride[1])
        left = min(options.bands, rows)
        self.frequency_means: Tensor
        self.register_buffer("frequency_means", _frequency_means(rows, left), persistent=False)
        self.join = nn.Linear(channels[-1] * left, options.dim)
        self.join_norm = nn.LayerNorm(options.dim)
        self.dropout = nn.Dropout(options.dropout)
        self.along_time, size = self._along_time(options.dim)
        self.norm = nn.LayerNorm(size)
        attention = options.pooling == "attention"
        self.pooling = AttentionPooling(size, options.heads) if attention else MeanPooling(options.segments)
        self._spec = OutputSpec(dim=size if attention else size * options.segments, sequence=size)
        for parameter in self.parameters():
            if parameter.dim() == 4:  # processors need half as long again with the other layout
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)

    def _along_time(self, size: int) -> tuple[nn.Module, int]:
        """The layer along time for steps of ``size`` features, and the size of what it answers."""
        return TimeConvolution(size), size

    @property
    def spec(self) -> OutputSpec:
        return self._spec

    def forward(self, batch: Batch) -> StreamOutput:
        frames = batch["frames"]
        valid = batch.get("mask")
        if valid is None:
            valid = frames.new_ones(frames.shape[:2], dtype=torch.bool)
        steps, valid = self._steps(frames, valid)
        sequence = self.along_time(steps, valid)
        sequence = self.norm(sequence + steps if sequence.shape[2] == steps.shape[2] else sequence)
        sequence = sequence * valid[:, :, None]
        embedding, weights = self.pooling(sequence, valid)
        times = torch.arange(sequence.shape[1], device=frames.device, dtype=torch.float32) * self.step
        return StreamOutput(
            embedding=self.dropout(embedding),
            sequence=sequence,
            mask=valid,
            times=times[None, :].expand(sequence.shape[:2]),
            attention=weights,
        )

    def _steps(self, frames: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """Frames to steps ``[B, T', dim]`` and their mask; step j is centred at frame j times ``step``."""
        # A batch without padding needs no masks, and is faster without; an exported program must not look.
        whole = not torch.compiler.is_exporting() and bool(valid.all())
        image = self._image(frames, None if whole else valid).contiguous(memory_format=torch.channels_last)
        ends, stride = valid.sum(dim=1, keepdim=True), self.options.stride
        valid = _before(ends, image, stride)
        mask = None if whole else valid[:, None, :, None].to(frames.dtype)
        image = masked(F.relu(self.stem(image, mask)), mask)
        for block in self.body:
            before = mask
            assert isinstance(block, ResidualBlock)
            if block.stride[0] > 1:
                ends, stride = -(-ends // stride), block.stride[0]
                valid = _before(ends, image, stride)
                mask = None if whole else valid[:, None, :, None].to(frames.dtype)
            image = block(image, before, mask)
        rows = torch.matmul(self.frequency_means, image.permute(0, 2, 3, 1)).flatten(2)
        return self.dropout(F.relu(self.join_norm(self.join(rows)))) * valid[:, :, None], valid

    def _image(self, frames: Tensor, valid: Tensor | None) -> Tensor:
        """``[B, 1 or 2, T, F]``: the frames, zero where invalid, and their slopes."""
        if valid is not None:
            frames = frames * valid[:, :, None]
        if not self.options.deltas:
            return frames[:, None]
        slopes = frames[:, 2:] - frames[:, :-2]
        if valid is not None:
            slopes = slopes * valid[:, 2:, None]
        return torch.stack([frames, F.pad(slopes, (0, 0, 1, 1))[:, : frames.shape[1]]], dim=1)


def _before(ends: Tensor, image: Tensor, stride: int) -> Tensor:
    """Which steps ``[B, T']`` of ``[B, C, T, F]`` taken at a stride lie before the rows' ends ``[B, 1]``."""
    count = (image.shape[2] - 1) // stride + 1  # written as convolutions have it, which exporting must see
    return torch.arange(count, device=image.device)[None, :] * stride < ends


class TimeConvolution(nn.Module):
    """A convolution of three steps along time."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(size, size, 3, padding=1)

    def forward(self, steps: Tensor, mask: Tensor) -> Tensor:
        """Steps ``[B, T, D]``, zero where the mask ``[B, T]`` is False, to ``[B, T, D]``."""
        result: Tensor = F.relu(self.convolution(steps.transpose(1, 2))).transpose(1, 2)
        return result * mask[:, :, None]


class CnnLstm(Cnn):
    """The CNN followed by a bidirectional LSTM."""

    options: encoder_options.CnnLstm

    def __init__(self, options: encoder_options.CnnLstm, input: InputSpec) -> None:  # noqa: A002
        super().__init__(options, input)

    def _along_time(self, size: int) -> tuple[nn.Module, int]:
        return Recurrent("lstm", size, self.options.hidden, self.options.depth), 2 * self.options.hidden


class CnnRnn(Cnn):
    """The CNN followed by a bidirectional GRU or plain recurrent layer."""

    options: encoder_options.CnnRnn

    def __init__(self, options: encoder_options.CnnRnn, input: InputSpec) -> None:  # noqa: A002
        super().__init__(options, input)

    def _along_time(self, size: int) -> tuple[nn.Module, int]:
        return Recurrent(self.options.rnn, size, self.options.hidden, self.options.depth), 2 * self.options.hidden
