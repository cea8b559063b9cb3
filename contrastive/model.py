"""The encoders of an experiment and an objective for each pair of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from contrastive.segments import Segments
from contrastive.settings import Pretrain
from fusion.catalog import Catalog
from fusion.contract import Batch, ComponentError, DataError, Objective, OutputSpec
from fusion.data.batches import ClipTable, WindowBatch
from fusion.data.randomness import torch_seed
from fusion.heads.answered import answer_of


class PretrainModel(nn.Module):
    """Encoders by stream, objectives by pair of streams.

    Args:
        encoders: By stream.
        objectives: By pair, in the order of ``pairs``.
        pairs: The pairs of streams.
        segments: Parts of the window that are compared one by one; None where embeddings are.
    """

    def __init__(
        self,
        encoders: Mapping[str, nn.Module],
        objectives: Sequence[nn.Module],
        pairs: Sequence[tuple[str, str]],
        segments: Segments | None = None,
    ) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)
        self.objectives = nn.ModuleList(objectives)
        self.pairs = tuple(pairs)
        self.segments = segments

    def embeddings(self, stream: str, tensors: Batch) -> Tensor:
        """Embeddings ``[B, D]`` of one stream's rows, or ``[B, S, D]`` of their segments, as float32 or wider."""
        # whether they are numbers is looked at where the clips are known
        output = answer_of(self.encoders[stream], tensors, stream, finite=False)
        embedding = output.embedding if self.segments is None else self.segments.of(output, stream)
        assert embedding is not None
        return embedding.float() if embedding.dtype in (torch.bfloat16, torch.float16) else embedding

    def shape(self, stream: str) -> tuple[int, ...]:
        """Shape of a window's embedding: ``(D,)``, or ``(S, D)`` where segments are compared."""
        size = compared_size(self.encoders[stream], stream, segments=self.segments is not None)
        return (size,) if self.segments is None else (self.segments.count, size)

    def projected(self, number: int, embeddings: Tensor, side: int) -> Tensor:
        """Embeddings of one side of a pair of streams as ``[N, E]``, where its objective compares them.

        Raises:
            ComponentError: The objective does not know segments.
        """
        found = cast("Objective", self.objectives[number]).project(embeddings, side)
        if found.dim() != 2:
            raise ComponentError(
                f"projects segments to {found.dim()} dimensions, not to one vector a window",
                where=f"objective of {' and '.join(self.pairs[number])}",
                remedy="leave pretrain.segments out, or take another objective",
            )
        return found

    def states(self) -> dict[str, dict[str, Tensor]]:
        """By stream, the encoder's weights as a stream's weights are saved; projections are left behind."""
        return {
            name: {f"encoder.{key}": value for key, value in encoder.state_dict().items()}
            for name, encoder in self.encoders.items()
        }


def build_objectives(
    settings: Pretrain, encoders: Mapping[str, nn.Module], pairs: Sequence[tuple[str, str]], catalog: Catalog, seed: int
) -> list[nn.Module]:
    """An objective with new weights for each pair of streams."""
    objectives = []
    for pair in pairs:
        dims = [compared_size(encoders[name], name, segments=settings.segments is not None) for name in pair]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(torch_seed(seed, "objective weights", *pair))
            try:
                objectives.append(catalog.build("objective", settings.objective, dims))
            except ComponentError as error:
                of = "sequences" if settings.segments is not None else "embeddings"
                where = (
                    f"{of} of {' and '.join(pair)}: {error.where}" if error.where else f"{of} of {' and '.join(pair)}"
                )
                raise ComponentError(error.what, where=where, remedy=error.remedy) from error
    return objectives


def compared_size(encoder: nn.Module, stream: str, *, segments: bool) -> int:
    """Size of what is compared of an encoder: of its embedding, or of its sequence's items.

    Raises:
        ComponentError: It has none.
    """
    spec: Any = encoder.spec
    assert isinstance(spec, OutputSpec)
    size = spec.sequence if segments else spec.dim
    if size is None:
        what = "no sequence, whose parts could be compared" if segments else "logits without an embedding, which cannot"
        raise ComponentError(
            f"its encoder answers {what}" + ("" if segments else " be compared"),
            where=f"stream {stream!r}",
            remedy="leave it out of pretrain.between",
        )
    return size


def check_finite(answer: Tensor, stream: str, batch: WindowBatch, table: ClipTable) -> None:
    """Whether a stream's embeddings ``[B, ...]`` are numbers. Raises DataError that names stream and clips."""
    finite = torch.isfinite(answer).flatten(1).all(dim=1)
    if bool(finite.all()):
        return
    part = batch.streams[stream]
    assert part is not None
    broken = [int(part.places[row]) for row in (~finite).nonzero()[:, 0].tolist()]
    clips = sorted({table.clips[batch.windows[place].clip].id for place in broken})
    listed = ", ".join(clips[:5]) + (f" and {len(clips) - 5} more" if len(clips) > 5 else "")
    raise DataError(
        f"the encoder of stream {stream!r} answered something that is not a number for {listed}",
        where="pretrain",
        remedy="lower pretrain.learning_rate, or look at these clips with `fusion data inspect`",
    )
