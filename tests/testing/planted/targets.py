"""Targets, each with one fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fusion.contract import DataError, Example, NoOptions
from tests.testing.planted.planting import planted as plant
from tests.testing.planted.planting import sound


def labelled(folder: Path) -> Sequence[Example]:
    return [Example(labels=[{"mood": "up"}, {"mood": "down"}])]


def planted(check: str, sentence: str) -> Any:
    return plant("target", check, sentence, examples=f"{__name__}:labelled")


@sound("target", examples=f"{__name__}:labelled")
class Good:
    names: Any = ("up", "down")
    kind: Any = "single"

    def __init__(self, options: NoOptions) -> None:
        self.options = options

    def encode(self, labels: Mapping[str, Any]) -> Any:
        if "mood" not in labels:
            return None
        if labels["mood"] not in self.names:
            raise DataError(f"{labels['mood']!r} is neither up nor down", where="label mood")
        return np.array([labels["mood"] == name for name in self.names], np.float32)

    def loss(self, logits: Tensor, targets: Tensor, weights: Tensor | None = None, smoothing: float = 0.0) -> Any:
        smoothed = targets * (1 - smoothing) + smoothing / 2
        losses = -(smoothed * torch.log_softmax(logits, 1)).sum(1)
        return (losses if weights is None else losses * (targets * weights).sum(1)).mean()

    def probabilities(self, logits: Tensor) -> Tensor:
        return torch.softmax(logits, 1)


@planted("builds", "its kind is 'ordinal'; let kind be one of single, soft, several, dimensions")
class Ordinal(Good):
    kind = "ordinal"


@planted("builds", "two of its outputs have one name")
class Doubled(Good):
    names = ("up", "up")


@planted("encodes_labels", "labels become float64, not float32")
class Doubles(Good):
    def encode(self, labels: Mapping[str, Any]) -> Any:
        encoded = super().encode(labels)
        return None if encoded is None else encoded.astype(np.float64)


@planted("encodes_labels", "a single label sums to 2, not to 1")
class Twice(Good):
    def encode(self, labels: Mapping[str, Any]) -> Any:
        encoded = super().encode(labels)
        return None if encoded is None else 2 * encoded


@planted("unlabelled_clips_are_none", "of a clip with the labels {} it makes array")
class Guessing(Good):
    def encode(self, labels: Mapping[str, Any]) -> Any:
        return super().encode({"mood": "up", **labels})


@planted("strange_labels_are_refused", "raise KeyError")
class Looking(Good):
    def encode(self, labels: Mapping[str, Any]) -> Any:
        return (
            None
            if "mood" not in labels
            else {"up": np.eye(2, dtype="f")[0], "down": np.eye(2, dtype="f")[1]}[labels["mood"]]
        )


@planted("strange_labels_are_refused", "it makes array([0., 0.]")
class Tolerant(Good):
    def encode(self, labels: Mapping[str, Any]) -> Any:
        return None if "mood" not in labels else np.array([labels["mood"] == name for name in self.names], np.float32)


@planted("loss_is_a_scalar", "the loss of 2 rows has shape (2,)")
class Many(Good):
    def loss(self, logits: Tensor, targets: Tensor, weights: Tensor | None = None, smoothing: float = 0.0) -> Any:
        return -(targets * torch.log_softmax(logits, 1)).sum(1)


@planted("loss_is_a_scalar", "the loss of 1 row is nan")
class Spread(Good):
    def loss(self, logits: Tensor, targets: Tensor, weights: Tensor | None = None, smoothing: float = 0.0) -> Any:
        return super().loss(logits, targets, weights, smoothing) + 0 * logits.std(0).sum()


@planted("loss_leads_to_the_targets", "200 steps down the loss leave its answers")
class Upside(Good):
    def loss(self, logits: Tensor, targets: Tensor, weights: Tensor | None = None, smoothing: float = 0.0) -> Any:
        return super().loss(logits, 1 - targets, weights, smoothing)


@planted("probabilities_are_some", "probabilities reach from")
class Raw(Good):
    def probabilities(self, logits: Tensor) -> Tensor:
        return logits


@planted("probabilities_are_some", "probabilities sum to")
class Sigmoid(Good):
    def probabilities(self, logits: Tensor) -> Tensor:
        return torch.sigmoid(logits)


@planted("neighbours_do_not_count", "a row's probabilities change with other rows beside it")
class Sociable(Good):
    def probabilities(self, logits: Tensor) -> Tensor:
        return torch.softmax(logits - logits.mean(0), 1)
