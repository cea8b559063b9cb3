"""Options of pretraining objectives; light, so that reading a config loads no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Kinds of pairs by their names in configs; see ``contrastive.pairs.PairKind``.
PairName = Literal["positive", "other_emotion", "same_emotion", "same_clip_shifted"]
NegativeName = Literal["other_emotion", "same_emotion", "same_clip_shifted"]


@dataclass(frozen=True, slots=True)
class Margin:
    """Options of the objective ``margin``.

    Args:
        margin: Distance from which negatives no longer count (eta); the paper gives no value.
        normalise: Bring embeddings to length 1 first, so that the margin has one meaning for all encoders; the paper
            compares them as they are.
    """

    margin: float = 1.0
    normalise: bool = False

    def __post_init__(self) -> None:
        if self.margin <= 0:
            raise ValueError("margin is larger than 0")


@dataclass(frozen=True, slots=True)
class InfoNCE:
    """Options of the objective ``infonce``.

    Args:
        dim: Size in which embeddings are compared.
        hidden: Features of a hidden layer of the projections; 0 for linear ones.
        temperature: What the temperature begins at; it is learned.
        leave_out: Kinds that never count as negatives.
    """

    dim: int = 128
    hidden: int = 0
    temperature: float = 0.07
    leave_out: tuple[NegativeName, ...] = ()

    def __post_init__(self) -> None:
        if min(self.dim, self.hidden + 1) < 1:
            raise ValueError("dim is at least 1, hidden at least 0")
        if self.temperature <= 0:
            raise ValueError("temperature is larger than 0")


@dataclass(frozen=True, slots=True)
class SupervisedContrastive:
    """Options of the objective ``supervised_contrastive``.

    Args:
        dim: Size in which embeddings are compared.
        hidden: Features of a hidden layer of the projections; 0 for linear ones.
        temperature: Of the softmax; fixed.
    """

    dim: int = 128
    hidden: int = 0
    temperature: float = 0.1

    def __post_init__(self) -> None:
        if min(self.dim, self.hidden + 1) < 1:
            raise ValueError("dim is at least 1, hidden at least 0")
        if self.temperature <= 0:
            raise ValueError("temperature is larger than 0")
