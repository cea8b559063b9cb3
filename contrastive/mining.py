"""Mining: of a kind of negatives only the nearest ones inside the planned batch."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from contrastive.pairs import PairKind


@torch.no_grad()
def nearest_only(kinds: Tensor, similarity: Tensor, counts: Mapping[PairKind, int]) -> Tensor:
    """The kinds with each row's negatives of some kinds cut down to the nearest.

    Rows of one process meet the columns of all, so what is mined does not depend on the number of processes.

    Args:
        kinds: ``[N, M]`` PairKind.
        similarity: ``[N, M]``, larger is nearer.
        counts: By kind, how many negatives of it each row keeps.

    Returns:
        ``[N, M]``; negatives of these kinds that are farther away are no pair any more.
    """
    mined = kinds.clone()
    for kind, count in counts.items():
        candidates = kinds == kind
        ranked = similarity.masked_fill(~candidates, -torch.inf)
        chosen = ranked.topk(min(count, ranked.shape[1]), dim=1).indices
        kept = torch.zeros_like(candidates).scatter_(1, chosen, True) & candidates
        mined[candidates & ~kept] = int(PairKind.NONE)
    return mined
