"""How well pretrained streams find each other: retrieval, distances, alignment and uniformity, collapse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from contrastive.pairs import PairKind

#: Ranks at which recall is reported.
RANKS = (1, 5, 10)
#: Mean cosine of different windows from which on an embedding counts as collapsed: all point one way.
COLLAPSED = 0.99
#: Share of its dimensions that an embedding uses (participation ratio) under which it counts as collapsed.
FLATTENED = 0.01


@dataclass(frozen=True)
class Retrieval:
    """How often a window's partner is among the nearest of N.

    Args:
        recall: By rank.
        chance: The same of a guess.
        ranks: ``[N]`` rank of each window's partner, from 0; windows and partners in order.
    """

    recall: Mapping[int, float]
    chance: Mapping[int, float]
    ranks: Tensor


def retrieval(similarity: Tensor, kinds: Tensor) -> Retrieval:
    """Rank each row's positive among its pairs.

    Args:
        similarity: ``[N, M]``, larger is nearer; each row has one positive.
        kinds: ``[N, M]`` PairKind. False negatives (NONE) are left out: finding a twin is no mistake.

    Returns:
        Recall, chance and ranks; of equals the positive comes last, so that a constant answer finds nothing, and
        neither does what is not a number.
    """
    positive = kinds == PairKind.POSITIVE
    own = similarity[positive][:, None]
    others = (kinds != PairKind.NONE) & ~positive
    ranks = (~(similarity < own) & others).sum(dim=1)
    among = others.sum(dim=1).double() + 1
    return Retrieval(
        {rank: float((ranks < rank).double().mean()) for rank in RANKS},
        {rank: float((rank / among).clamp_max(1).mean()) for rank in RANKS},
        ranks,
    )


def distances(first: Tensor, second: Tensor, kinds: Tensor) -> dict[PairKind, float]:
    """Mean Euclidean distance of the pairs of each kind that occurs; ``[N, E]``, ``[M, E]``, ``[N, M]``."""
    distance = torch.cdist(first.double(), second.double())
    return {
        kind: float(distance[kinds == kind].mean())
        for kind in PairKind
        if kind is not PairKind.NONE and bool((kinds == kind).any())
    }


def alignment(first: Tensor, second: Tensor) -> float:
    """Mean squared distance of partners ``[N, E]`` on the sphere (Wang and Isola 2020); 0 is best."""
    one, other = functional.normalize(first.double(), dim=1), functional.normalize(second.double(), dim=1)
    return float((one - other).square().sum(dim=1).mean())


def uniformity(embeddings: Tensor) -> float:
    """Logarithm of the mean Gaussian potential of ``[N, E]`` on the sphere (Wang and Isola 2020); lower is better."""
    if len(embeddings) < 2:
        return 0.0
    return float(torch.pdist(functional.normalize(embeddings.double(), dim=1)).square().mul(-2).exp().mean().log())


def collapse(embeddings: Tensor) -> str | None:
    """What is wrong with embeddings ``[N, E]`` that hardly tell windows apart; None where they do."""
    values = embeddings.double()
    if len(values) < 3:
        return None
    centred = values - values.mean(dim=0)
    spread = centred.square().sum(dim=0)
    if float(spread.sum()) <= 1e-12 * float(values.square().sum()) + 1e-30:
        return "all windows have one embedding"
    directions = functional.normalize(values, dim=1)
    cosine = float((directions.sum(dim=0).square().sum() - len(values)) / (len(values) * (len(values) - 1)))
    if cosine > COLLAPSED:
        return f"the mean cosine of different windows is {cosine:.3f}"
    variances = torch.linalg.svdvals(centred).square()
    used = float(variances.sum().square() / variances.square().sum())
    if used < max(FLATTENED * min(values.shape), 1.05):
        return f"windows differ along {used:.1f} of {values.shape[1]} dimensions"
    return None
