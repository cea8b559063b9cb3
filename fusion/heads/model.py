"""The model of an experiment: one encoder for each stream, and a fusion head over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from fusion.contract import Batch, ComponentError, HeadOutput, OutputSpec, StreamOutput, StreamSpec
from fusion.data.batches import WindowBatch
from fusion.heads.answered import answer_of


class StreamModel(nn.Module):
    """An encoder with a linear layer to the target's outputs, unless the encoder brings logits of its own.

    Args:
        encoder: The stream's encoder.
        names: The target's outputs, in order.
    """

    def __init__(self, encoder: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.encoder = encoder
        spec: OutputSpec = encoder.spec  # type: ignore[assignment]
        self.classify: nn.Linear | None = None
        self._order: list[int] | None = None
        if spec.classes is None:
            if spec.dim is None:
                raise ComponentError("declares neither an embedding nor logits", where=type(encoder).__name__)
            self.classify = nn.Linear(spec.dim, len(names))
        else:
            missing = [name for name in names if name not in spec.classes]
            if missing:
                raise ComponentError(
                    f"answers {', '.join(spec.classes)}, but the target has {', '.join(missing)} as well",
                    where=f"encoder {type(encoder).__name__}",
                    remedy="name all of the target's classes in the stream, in the target's words",
                )
            self._order = [spec.classes.index(name) for name in names]
        self.spec = replace(spec, classes=tuple(names))

    @property
    def dtype(self) -> torch.dtype:
        """Of its weights, and so of what it answers."""
        return next((weight.dtype for weight in self.parameters() if weight.is_floating_point()), torch.float32)

    def forward(self, batch: Batch) -> StreamOutput:
        """Encode; the answer's logits are ``[B, C]`` in the target's order."""
        return self._classified(self.encoder(batch))

    def answer(self, batch: Batch, stream: str) -> StreamOutput:
        """As ``forward``, for a stream of this name; raises ComponentError where the encoder breaks its word."""
        return self._classified(answer_of(self.encoder, batch, stream, finite=not torch.is_grad_enabled()))

    def _classified(self, output: StreamOutput) -> StreamOutput:
        if self.classify is not None:
            assert output.embedding is not None
            output.logits = self.classify(output.embedding)
        elif output.logits is not None and self._order is not None:
            output.logits = output.logits[:, self._order]
        return output


class SingleStream(nn.Module):
    """The head of a model with one stream: its own logits."""

    needs_sequence = False
    needs_logits = True

    def __init__(self, streams: Sequence[StreamSpec]) -> None:
        super().__init__()
        (stream,) = streams
        self._name = stream.name

    def forward(self, outputs: Mapping[str, StreamOutput], present: Tensor) -> HeadOutput:
        """The stream's logits ``[B, C]``, zero where it is absent."""
        logits = outputs[self._name].logits
        if logits is None:
            raise ComponentError("has no logits", where=f"stream {self._name!r}")
        shown = torch.where(present, logits, torch.zeros_like(logits))
        return HeadOutput(shown, present.to(logits.dtype), shown.unsqueeze(1))


class FusionModel(nn.Module):
    """All streams and a head."""

    def __init__(self, streams: Mapping[str, StreamModel], head: nn.Module) -> None:
        super().__init__()
        self.streams = nn.ModuleDict(streams)
        self.head = head

    def forward(self, batch: WindowBatch, present: Tensor | None = None) -> HeadOutput:
        """The head's answer; ``present`` may hide streams that the batch has."""
        shown = batch.present if present is None else present & batch.present
        return self.head(self.encode(batch), shown)  # type: ignore[no-any-return]

    def encode(self, batch: WindowBatch) -> dict[str, StreamOutput]:
        """By stream, outputs for all B windows; rows where the stream is absent are zeros."""
        return {name: encode_stream(model, batch, name) for name, model in self.streams.items()}  # type: ignore[arg-type]


def stream_specs(streams: Mapping[str, StreamModel]) -> list[StreamSpec]:
    """What a head is built for."""
    return [StreamSpec(name, model.spec) for name, model in streams.items()]


def encode_stream(model: StreamModel, batch: WindowBatch, name: str) -> StreamOutput:
    """One stream's outputs scattered to all B windows. Absent rows never reach the encoder."""
    rows = len(batch.windows)
    part = batch.streams[name]
    if part is None:
        return empty_output(model.spec, rows, batch.present.device, model.dtype)
    output = model.answer(part.tensors, name)
    if len(part.places) == rows:
        return output
    return StreamOutput(
        **{
            key: _scatter(value, part.places, rows)
            for key in StreamOutput.__slots__
            if (value := getattr(output, key)) is not None
        }
    )


def empty_output(spec: OutputSpec, rows: int, device: torch.device, dtype: torch.dtype = torch.float32) -> StreamOutput:
    """Zeros for a stream that no row of a batch has."""

    def zeros(*shape: int, dtype: torch.dtype = dtype) -> Tensor:
        return torch.zeros(rows, *shape, device=device, dtype=dtype)

    return StreamOutput(
        embedding=None if spec.dim is None else zeros(spec.dim),
        sequence=None if spec.sequence is None else zeros(1, spec.sequence),
        mask=None if spec.sequence is None else zeros(1, dtype=torch.bool),
        times=None if spec.sequence is None else zeros(1),
        logits=zeros(len(spec.classes or ())),
    )


def _scatter(values: Tensor, places: Tensor, rows: int) -> Tensor:
    everything = values.new_zeros((rows, *values.shape[1:]))
    return everything.index_copy(0, places, values)
