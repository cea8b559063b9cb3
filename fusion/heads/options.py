"""Options of the engine's heads, targets and aggregators; light, so that reading a config loads no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class LateAverage:
    """Options of ``late_average``.

    Args:
        of: What is averaged over the present streams: probabilities (arithmetic mean), log-probabilities (geometric
            mean, renormalised), or the values as they are, for targets of several classes and of dimensions.
        calibrated: Divide each stream's logits by a temperature first (Guo et al. 2017), fitted for that stream alone
            on the part that heads are fitted on. Validation is the part for it: streams are too sure of training clips.
    """

    of: Literal["probabilities", "log_probabilities", "values"] = "log_probabilities"
    calibrated: bool = False


@dataclass(frozen=True, slots=True)
class WeightedSum:
    """Options of ``weighted_sum``.

    Args:
        of: Embeddings after a projection to a common size, or the streams' logits.
        learned: Learn the weights; otherwise ``weights`` are used as they are (equal unless given).
        weights: Fixed weights, or where learning starts, by stream name; positive.
        dim: Size of the common space of embeddings.
        dropout: Dropout on projected embeddings.
    """

    of: Literal["embeddings", "logits"] = "logits"
    learned: bool = True
    weights: Mapping[str, float] = field(default_factory=dict)
    dim: int = 64
    dropout: float = 0.2


@dataclass(frozen=True, slots=True)
class Learned:
    """Options of ``learned``.

    Args:
        form: ``concatenate`` (all projected embeddings side by side), ``gated`` (a learned gate for each stream from
            its own embedding) or ``attention`` (a query attends over the timed sequences of all streams).
        dim: Size that every stream is projected to.
        hidden: Size of the fully connected layer before the output; 0 leaves it out.
        heads: Attention heads (``attention`` only).
        dropout: Dropout before the fully connected layers.
    """

    form: Literal["concatenate", "gated", "attention"] = "concatenate"
    dim: int = 64
    hidden: int = 64
    heads: int = 4
    dropout: float = 0.2


@dataclass(frozen=True, slots=True)
class Classes:
    """Options of the target ``classes``.

    Args:
        classes: The classes, in the order of the outputs.
        label: The clips' label that holds them.
        kind: ``single`` (one class a clip), ``soft`` (a distribution, as from votes) or ``several`` (any number).
    """

    classes: tuple[str, ...]
    label: str = "emotion"
    kind: Literal["single", "soft", "several"] = "single"


@dataclass(frozen=True, slots=True)
class Dimensions:
    """Options of the target ``dimensions``.

    Args:
        labels: The clips' labels that hold the dimensions, in the order of the outputs.
        lowest: Lower end of the rating scale.
        highest: Upper end of the rating scale.
    """

    labels: tuple[str, ...] = ("valence", "arousal", "dominance")
    lowest: float = 1.0
    highest: float = 5.0


@dataclass(frozen=True, slots=True)
class Attention:
    """Options of the aggregator ``attention``.

    Args:
        steps: Steps of the fit on training clips.
        penalty: Ridge penalty on the scorer.
    """

    steps: int = 200
    penalty: float = 0.01
