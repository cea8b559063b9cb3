"""Whether an encoder answers what it declares: a plugin's mistake is told where it is made, not where it hurts."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fusion.catalog.faults import guarded
from fusion.contract import Batch, ComponentError, OutputSpec, StreamOutput

_REMEDY = "report it to the encoder's authors; fusion plugins list says who they are"


def answer_of(encoder: nn.Module, batch: Batch, stream: str, *, finite: bool) -> StreamOutput:
    """An encoder's answer to a batch, of the shapes and types and on the device that it should be.

    Args:
        encoder: Of a stream.
        batch: Its rows, at least one.
        stream: The stream's name, for messages.
        finite: Whether to look for NaN and infinity too; in training the loss tells of them for nothing.

    Raises:
        ComponentError: The encoder raises, or answers something else than it declares.
    """
    where = f"stream '{stream}', encoder {type(encoder).__name__}"
    with guarded("fails", where=where, remedy=_REMEDY):
        output: StreamOutput = encoder(batch)
    if not isinstance(output, StreamOutput):
        raise _wrong(f"answers a {type(output).__name__} instead of a StreamOutput", where)
    spec: OutputSpec = encoder.spec  # type: ignore[assignment]
    given = next(iter(batch.values()))
    shapes: dict[str, tuple[int, ...]] = {}
    if spec.dim is not None:
        shapes["embedding"] = (len(given), spec.dim)
    if spec.classes is not None:
        shapes["logits"] = (len(given), len(spec.classes))
    if spec.sequence is not None:
        steps = output.sequence.shape[1] if isinstance(output.sequence, Tensor) and output.sequence.dim() == 3 else 0
        shapes["sequence"] = (len(given), steps, spec.sequence)
        if output.mask is not None:
            shapes["mask"] = (len(given), steps)
    for key, shape in shapes.items():
        _check(key, getattr(output, key), shape, given.device, where, finite=finite)
    return output


def _check(key: str, value: object, shape: tuple[int, ...], device: torch.device, where: str, *, finite: bool) -> None:
    if not isinstance(value, Tensor):
        raise _wrong(f"answers no {key}, which it declares", where)
    if tuple(value.shape) != shape:
        raise _wrong(f"answers {key} of shape {tuple(value.shape)} instead of {shape}", where)
    if value.dtype != torch.bool if key == "mask" else not value.is_floating_point():
        wanted = "bool" if key == "mask" else "a floating one"
        raise _wrong(f"answers {key} of type {value.dtype} instead of {wanted}", where)
    if value.device != device:
        raise _wrong(f"answers {key} on {value.device}, and its batch is on {device}", where)
    if finite and key != "mask" and not bool(torch.isfinite(value).all()):
        raise _wrong(f"answers {key} that holds NaN or infinity", where)


def _wrong(what: str, where: str) -> ComponentError:
    return ComponentError(what, where=where, remedy=_REMEDY)
