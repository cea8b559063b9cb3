"""Projections: where objectives compare embeddings. They are dropped after pretraining."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from contrastive.segments import changes


class Projections(nn.Module):
    """One projection for each of two streams, to vectors of length 1.

    Args:
        dims: Embedding sizes of the two streams.
        dim: Size of the projections.
        hidden: Features of a hidden layer; 0 for linear projections.
    """

    def __init__(self, dims: Sequence[int], dim: int, hidden: int) -> None:
        super().__init__()
        self.sides = nn.ModuleList(
            nn.Sequential(nn.Linear(size, hidden), nn.GELU(), nn.Linear(hidden, dim))
            if hidden
            else nn.Linear(size, dim, bias=False)
            for size in dims
        )

    def forward(self, embedding: Tensor, side: int) -> Tensor:
        """``[N, D]`` to ``[N, dim]``; of segments ``[N, S, D]``, all projected alike, the changes ``[N, S * dim]``."""
        projected: Tensor = self.sides[side](embedding)
        if embedding.dim() == 3:
            projected = changes(projected, embedding.any(dim=2))
        return functional.normalize(projected, dim=1)


class CosineObjective(nn.Module):
    """What objectives share that compare learned projections by their cosine, in both directions.

    Args:
        dims: Embedding sizes of the two streams.
        dim: Size of the projections.
        hidden: Features of a hidden layer; 0 for linear projections.
    """

    pairs = "all"
    symmetric = True

    def __init__(self, dims: Sequence[int], dim: int, hidden: int) -> None:
        super().__init__()
        self.projections = Projections(dims, dim, hidden)

    def project(self, embedding: Tensor, side: int) -> Tensor:
        """Learned projections of length 1."""
        projected: Tensor = self.projections(embedding, side)
        return projected

    def similarity(self, first: Tensor, second: Tensor) -> Tensor:
        """The cosine."""
        return first @ second.T
