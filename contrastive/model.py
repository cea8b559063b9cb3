"""The encoders of an experiment and an objective for each pair of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from contrastive.settings import Pretrain
from fusion.catalog import Catalog
from fusion.contract import Batch, ComponentError, DataError, OutputSpec
from fusion.data.batches import ClipTable, WindowBatch
from fusion.data.randomness import torch_seed
from fusion.heads.answered import answer_of


class PretrainModel(nn.Module):
    """Encoders by stream, objectives by pair of streams.

    Args:
        encoders: By stream.
        objectives: By pair, in the order of ``pairs``.
        pairs: The pairs of streams.
    """

    def __init__(
        self, encoders: Mapping[str, nn.Module], objectives: Sequence[nn.Module], pairs: Sequence[tuple[str, str]]
    ) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)
        self.objectives = nn.ModuleList(objectives)
        self.pairs = tuple(pairs)

    def embeddings(self, stream: str, tensors: Batch) -> Tensor:
        """Embeddings ``[B, D]`` of one stream's rows, as float32 or wider."""
        # whether they are numbers is looked at where the clips are known
        embedding = answer_of(self.encoders[stream], tensors, stream, finite=False).embedding
        assert embedding is not None
        return embedding.float() if embedding.dtype in (torch.bfloat16, torch.float16) else embedding

    def dim(self, stream: str) -> int:
        """Size of a stream's embedding."""
        return embedding_size(self.encoders[stream], stream)

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
        dims = [embedding_size(encoders[name], name) for name in pair]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(torch_seed(seed, "objective weights", *pair))
            objectives.append(catalog.build("objective", settings.objective, dims))
    return objectives


def embedding_size(encoder: nn.Module, stream: str) -> int:
    """Size of an encoder's embedding. Raises ComponentError where it has none."""
    spec: Any = encoder.spec
    assert isinstance(spec, OutputSpec)
    if spec.dim is None:
        raise ComponentError(
            "its encoder answers logits without an embedding, which cannot be compared",
            where=f"stream {stream!r}",
            remedy="leave it out of pretrain.between",
        )
    return spec.dim


def check_finite(answer: Tensor, stream: str, batch: WindowBatch, table: ClipTable) -> None:
    """Whether a stream's embeddings ``[B, D]`` are numbers. Raises DataError that names stream and clips."""
    finite = torch.isfinite(answer).all(dim=1)
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
