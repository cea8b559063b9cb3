"""The margin loss over pairs (Hadsell et al. 2006; equation 2 of Nukathati et al. 2024, "LbHER")."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from contrastive.options import Margin
from contrastive.pairs import PairKind
from fusion.contract import ComponentError, ObjectiveOutput


def margin_loss(first: Tensor, second: Tensor, kinds: Tensor, margin: float) -> Tensor:
    """Mean over pairs of the squared distance of positives and the squared shortfall of negatives from the margin.

    Args:
        first: ``[N, D]`` embeddings of one stream.
        second: ``[M, D]`` embeddings of the other.
        kinds: ``[N, M]`` PairKind; NONE where two rows are not a pair.
        margin: Distance from which negatives no longer count.

    Returns:
        A scalar; 0 where there is no pair.
    """
    squared = (first.unsqueeze(1) - second.unsqueeze(0)).square().sum(dim=-1)
    # The root's gradient at 0 is infinite; a floor keeps identical negatives finite.
    distance = squared.clamp_min(1e-12).sqrt()
    positive = kinds == PairKind.POSITIVE
    negative = (kinds != PairKind.NONE) & ~positive
    total = (squared * positive).sum() + ((margin - distance).clamp_min(0).square() * negative).sum()
    return total / (kinds != PairKind.NONE).sum().clamp_min(1)


class MarginObjective(nn.Module):
    """The margin loss on the encoders' embeddings themselves: the projections are the identity, as in the paper."""

    def __init__(self, options: Margin, dims: Sequence[int]) -> None:
        super().__init__()
        if len(set(dims)) != 1:
            raise ComponentError(
                f"compares embeddings of equal size, not {' and '.join(map(str, dims))}",
                where="objective margin",
                remedy="give both encoders one embedding size",
            )
        self._margin = options.margin

    def forward(self, first: Tensor, second: Tensor, kinds: Tensor) -> ObjectiveOutput:
        """The loss, and the mean distance of each kind of pair that occurs."""
        loss = margin_loss(first, second, kinds, self._margin)
        with torch.no_grad():
            distance = torch.cdist(first, second)
            figures = {
                f"distance_{kind.name.lower()}": float(distance[kinds == kind].mean())
                for kind in PairKind
                if kind is not PairKind.NONE and bool((kinds == kind).any())
            }
        return ObjectiveOutput(loss, figures)
