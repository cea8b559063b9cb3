"""Made-up outputs of streams, for checks of heads: what encoders would answer. Imports torch on use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING

from fusion.contract import OutputSpec, StreamOutput, StreamSpec

if TYPE_CHECKING:
    from torch import Tensor

#: Every non-empty subset of three streams, one for each row.
SUBSETS = tuple(subset for subset in product((True, False), repeat=3) if any(subset))
CLASSES = ("calm", "happy", "sad", "angry")
STREAMS = (
    StreamSpec("voice", OutputSpec(6, sequence=5, classes=CLASSES)),
    StreamSpec("face", OutputSpec(4, classes=CLASSES)),
    StreamSpec("words", OutputSpec(3, sequence=3, classes=CLASSES)),
)
LOGITS_ALONE = StreamSpec("scores", OutputSpec(None, classes=CLASSES))
#: The streams of a model of one: a head may not need several.
ONE_STREAM = STREAMS[:1]
_STEPS = 7


def whole(streams: Sequence[StreamSpec] = STREAMS, seed: int = 1, rows: int = len(SUBSETS)) -> dict[str, StreamOutput]:
    """Outputs of streams that every row has."""
    import torch

    numbers = torch.Generator().manual_seed(seed)
    lengths = torch.arange(rows) % 3 + _STEPS - 2
    mask = torch.arange(_STEPS)[None] < lengths[:, None]
    made = {}
    for stream in streams:
        spec, output = stream.output, StreamOutput()
        if spec.dim is not None:
            output.embedding = torch.randn(rows, spec.dim, generator=numbers)
        if spec.sequence is not None:
            output.sequence = torch.randn(rows, _STEPS, spec.sequence, generator=numbers) * mask[:, :, None]
            output.mask, output.times = mask, torch.arange(_STEPS).expand(rows, -1) * 0.25
        output.logits = torch.randn(rows, len(CLASSES), generator=numbers)
        made[stream.name] = output
    return made


def shown(
    outputs: Mapping[str, StreamOutput], present: Tensor, streams: Sequence[StreamSpec]
) -> dict[str, StreamOutput]:
    """The same with zeros in the rows where a stream is absent, as the engine scatters them."""
    answer = {}
    for column, stream in enumerate(streams):
        kept = copied(outputs[stream.name])
        for name in StreamOutput.__slots__:
            value = getattr(kept, name)
            if value is not None:
                value[~present[:, column]] = 0
        answer[stream.name] = kept
    return answer


def subsets() -> Tensor:
    """``[7, 3]``: each row's presence mask."""
    import torch

    return torch.tensor(SUBSETS)


def all_present(rows: int, streams: int = 3) -> Tensor:
    """A presence mask of rows that lack nothing."""
    import torch

    return torch.ones(rows, streams, dtype=torch.bool)


def copied(output: StreamOutput) -> StreamOutput:
    """An output that shares no memory with another."""
    values = {name: getattr(output, name) for name in StreamOutput.__slots__}
    return StreamOutput(**{name: None if value is None else value.clone() for name, value in values.items()})


def some_rows(outputs: Mapping[str, StreamOutput], rows: slice) -> dict[str, StreamOutput]:
    """The outputs of some rows."""
    return {
        stream: StreamOutput(
            **{
                name: None if getattr(output, name) is None else getattr(output, name)[rows]
                for name in StreamOutput.__slots__
            }
        )
        for stream, output in outputs.items()
    }
