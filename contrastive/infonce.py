"""Symmetric InfoNCE with a learned temperature (van den Oord et al. 2018; Radford et al. 2021)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from contrastive.options import InfoNCE
from contrastive.pairs import PairKind
from contrastive.projection import CosineObjective
from fusion.contract import ObjectiveOutput

#: Highest factor of similarities, as in Radford et al.: beyond it training becomes unstable.
LARGEST_SCALE = 100.0


def infonce(logits: Tensor, kinds: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy of each row's positive among its positive and negatives, added up over rows.

    Args:
        logits: ``[N, M]`` scaled similarities.
        kinds: ``[N, M]`` PairKind; NONE counts neither as positive nor as negative.

    Returns:
        The sum over the rows that have a positive, and their number.
    """
    rows = (kinds == PairKind.POSITIVE).any(dim=1)
    positive = torch.where(kinds == PairKind.POSITIVE, logits, 0).sum(dim=1)
    among = logits.masked_fill(kinds == PairKind.NONE, -torch.inf)
    # A row without any pair would be a logarithm of nothing.
    among = torch.where(rows[:, None], among, torch.zeros_like(among))
    losses = torch.logsumexp(among, dim=1) - positive
    total = torch.where(rows, losses, torch.zeros_like(losses)).sum()
    return total, rows.sum().to(total.dtype)


class InfoNCEObjective(CosineObjective):
    """Each window picks its own among all windows of the batch, in both directions."""

    def __init__(self, options: InfoNCE, dims: Sequence[int]) -> None:
        super().__init__(dims, options.dim, options.hidden)
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / options.temperature)))
        self.leaves_out = frozenset(PairKind[name.upper()] for name in options.leave_out)

    def forward(self, rows: Tensor, columns: Tensor, kinds: Tensor) -> ObjectiveOutput:
        """The loss of one direction, summed over rows."""
        scale = self.log_scale.exp().clamp_max(LARGEST_SCALE)
        return ObjectiveOutput(*infonce(scale * (rows @ columns.T), kinds))
