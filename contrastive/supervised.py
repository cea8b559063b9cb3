"""Supervised contrastive loss across two streams (Khosla et al. 2020, arXiv 2004.11362)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from contrastive.options import SupervisedContrastive
from contrastive.pairs import PairKind
from contrastive.projection import CosineObjective
from fusion.contract import ObjectiveOutput

#: What counts as belonging together.
PARTNERS = (PairKind.POSITIVE, PairKind.SAME_EMOTION, PairKind.SAME_CLIP_SHIFTED)


def supervised_contrastive(logits: Tensor, kinds: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy of each row's positives among all its pairs, mean over positives, added up over rows (L_out).

    The positives are a window's own partner, other windows of its clip, and all windows of the same emotion.

    Args:
        logits: ``[N, M]`` scaled similarities.
        kinds: ``[N, M]`` PairKind; NONE counts nowhere.

    Returns:
        The sum over the rows that have a positive, and their number.
    """
    positives = sum((kinds == kind for kind in PARTNERS), torch.zeros_like(kinds, dtype=torch.bool))
    count = positives.sum(dim=1)
    rows = count > 0
    among = logits.masked_fill(kinds == PairKind.NONE, -torch.inf)
    # A row without any pair would be a logarithm of nothing.
    among = torch.where(rows[:, None], among, torch.zeros_like(among))
    mean = torch.where(positives, logits, 0).sum(dim=1) / count.clamp_min(1)
    losses = torch.logsumexp(among, dim=1) - mean
    total = torch.where(rows, losses, torch.zeros_like(losses)).sum()
    return total, rows.sum().to(total.dtype)


class SupervisedContrastiveObjective(CosineObjective):
    """Windows of one emotion are drawn together across streams, in both directions."""

    partners = PARTNERS

    def __init__(self, options: SupervisedContrastive, dims: Sequence[int]) -> None:
        super().__init__(dims, options.dim, options.hidden)
        self._scale = 1 / options.temperature

    def forward(self, rows: Tensor, columns: Tensor, kinds: Tensor) -> ObjectiveOutput:
        """The loss of one direction, summed over rows."""
        return ObjectiveOutput(*supervised_contrastive(self._scale * (rows @ columns.T), kinds))
