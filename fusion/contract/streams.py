"""What flows between modalities, encoders, heads and aggregators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

#: One modality's rows as tensors, every one with the rows along its first axis. Float tensors are inputs;
#: ``mask`` ([B, T] bool, True where there is something) goes with rows of unequal length.
Batch: TypeAlias = "dict[str, Tensor]"

#: What a modality or aggregator fitted on training windows: arrays (saved as safetensors) and JSON values.
Fitted: TypeAlias = "Mapping[str, NDArray[np.generic] | str | int | float | list[Any] | dict[str, Any] | None]"


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What an encoder is built for: shapes without the batch axis, None where they vary.

    Args:
        shapes: By batch key, the shape of one row.
        rate: Steps per second along the first axis of ``shapes``, if it is time.
        size: Number of symbols of an embedding table, for modalities of symbols.
        details: Anything else a modality tells its encoders (JSON values).
    """

    shapes: Mapping[str, tuple[int | None, ...]]
    rate: Fraction | None = None
    size: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """What an encoder will answer, known before any forward pass.

    Args:
        dim: Size D of the embedding; None only where the encoder brings logits instead.
        sequence: Size of the sequence's items, or None without a sequence.
        classes: The classes of the encoder's own logits, or None without logits.
        variable: Whether the answer to a row is independent of padding (inputs of unequal length are welcome).
        exportable: Whether the encoder can be exported by torch.export.
    """

    dim: int | None
    sequence: int | None = None
    classes: tuple[str, ...] | None = None
    variable: bool = True
    exportable: bool = True


@dataclass(slots=True)
class StreamOutput:
    """What an encoder answers for B rows.

    Args:
        embedding: ``[B, D]``.
        sequence: ``[B, T, E]``, with ``mask`` ``[B, T]`` (True where valid) and ``times`` ``[B, T]``
            (seconds from the window's start).
        mask: See sequence.
        times: See sequence.
        logits: ``[B, C]`` in the order of ``OutputSpec.classes`` (the engine adds a linear layer where absent).
        attention: ``[B, T]`` weights over the sequence that explain the embedding, where the encoder has them.
    """

    embedding: Tensor | None = None
    sequence: Tensor | None = None
    mask: Tensor | None = None
    times: Tensor | None = None
    logits: Tensor | None = None
    attention: Tensor | None = None


@dataclass(slots=True)
class HeadOutput:
    """What a fusion head answers for B windows over S streams and C outputs.

    Args:
        logits: ``[B, C]``.
        weights: ``[B, S]`` share of each stream, where the form has one; 0 for absent streams.
        stream_logits: ``[B, S, C]`` each stream's vote, where the form has one.
    """

    logits: Tensor
    weights: Tensor | None = None
    stream_logits: Tensor | None = None


@dataclass(slots=True)
class ObjectiveOutput:
    """What a pretraining objective answers: a sum over pairs or rows, and by how many it is to be divided.

    Args:
        total: A scalar, differentiable.
        count: A scalar without gradient; both are added up over processes before the division.
    """

    total: Tensor
    count: Tensor
