"""The margin loss over pairs (Hadsell et al. 2006; equation 2 of Nukathati et al. 2024, "LbHER")."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from contrastive.options import Margin
from contrastive.pairs import PairKind
from contrastive.segments import changes
from fusion.contract import ComponentError, ObjectiveOutput

#: The root's gradient at 0 is infinite; a floor keeps identical negatives finite.
_FLOOR = 1e-12


def margin_loss(first: Tensor, second: Tensor, kinds: Tensor, margin: float) -> tuple[Tensor, Tensor]:
    """The squared distance of positives and the squared shortfall of negatives from the margin, added up over pairs.

    Args:
        first: ``[N, D]`` embeddings of one stream.
        second: ``[M, D]`` embeddings of the other.
        kinds: ``[N, M]`` PairKind; NONE where two rows are not a pair.
        margin: Distance from which negatives no longer count.

    Returns:
        The sum and the number of pairs; their ratio is the paper's loss.
    """
    row, column = (kinds != PairKind.NONE).nonzero(as_tuple=True)
    squared = (first[row] - second[column]).square().sum(dim=1)
    shortfall = (margin - squared.clamp_min(_FLOOR).sqrt()).clamp_min(0).square()
    positive = kinds[row, column] == PairKind.POSITIVE
    total = torch.where(positive, squared, shortfall).sum()
    return total, torch.tensor(float(len(row)), dtype=total.dtype, device=total.device)


class MarginObjective(nn.Module):
    """The margin loss on the encoders' embeddings themselves: the projections are the identity, as in the paper."""

    pairs = "drawn"
    symmetric = False

    def __init__(self, options: Margin, dims: Sequence[int]) -> None:
        super().__init__()
        if len(set(dims)) != 1:
            raise ComponentError(
                f"compares what is of equal size, not {' and '.join(map(str, dims))}",
                where="objective margin",
                remedy="give both encoders one size of them, or take an objective that projects, such as infonce",
            )
        self._options = options

    def project(self, embedding: Tensor, side: int) -> Tensor:  # noqa: ARG002 (both sides are alike)
        """The embeddings, or the changes between segments; brought to length 1 where that is asked for."""
        if embedding.dim() == 3:
            embedding = changes(embedding, embedding.any(dim=2))
        return functional.normalize(embedding, dim=1) if self._options.normalise else embedding

    def similarity(self, first: Tensor, second: Tensor) -> Tensor:
        """Minus the Euclidean distance."""
        return -torch.cdist(first, second)

    def forward(self, rows: Tensor, columns: Tensor, kinds: Tensor) -> ObjectiveOutput:
        """The loss, summed over pairs."""
        return ObjectiveOutput(*margin_loss(rows, columns, kinds, self._options.margin))
