"""What is predicted: classes (one, a distribution, several) or continuous dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from fusion.contract import DataError, NoOptions
from fusion.heads import options as settings


class Classes:
    """Emotion classes: one a clip, a distribution over them, or any number of them."""

    def __init__(self, options: settings.Classes) -> None:
        if len(options.classes) < 2 or len(set(options.classes)) != len(options.classes):
            raise DataError("a target needs at least two different classes", where="target.classes")
        self._options = options
        self._index = {name: position for position, name in enumerate(options.classes)}

    @property
    def names(self) -> tuple[str, ...]:
        return self._options.classes

    @property
    def kind(self) -> Literal["single", "soft", "several", "dimensions"]:
        return self._options.kind

    def encode(self, labels: Mapping[str, Any]) -> NDArray[np.float32] | None:
        """One-hot, a distribution that sums to 1, or several ones, as ``[C]``."""
        value = labels.get(self._options.label)
        if value is None:
            return None
        encoded = np.zeros(len(self.names), dtype=np.float32)
        if isinstance(value, Mapping):
            for name, weight in value.items():
                encoded[self._position(name)] = float(weight)
            if self._options.kind == "several":
                return (encoded > 0).astype(np.float32)
            total = encoded.sum()
            if total <= 0:
                return None
            encoded /= total
        else:
            names = [value] if isinstance(value, str) else list(value)
            for name in names:
                encoded[self._position(name)] = 1.0
            if self._options.kind != "several" and len(names) > 1:
                encoded /= len(names)
        if self._options.kind == "single" and np.count_nonzero(encoded == encoded.max()) == 1:
            encoded = (encoded == encoded.max()).astype(np.float32)
        elif self._options.kind == "single":
            raise DataError(
                f"{value!r} names more than one class",
                where=f"label {self._options.label!r}",
                remedy="use kind: soft or kind: several",
            )
        return encoded

    def _position(self, name: str) -> int:
        if name not in self._index:
            raise DataError(
                f"{name!r} is not among the target's classes ({', '.join(self.names)})",
                where=f"label {self._options.label!r}",
                remedy="map it under the corpus's `labels` (null drops such clips)",
            )
        return self._index[name]

    def loss(self, logits: Tensor, targets: Tensor, weights: Tensor | None = None, smoothing: float = 0.0) -> Tensor:
        """Cross-entropy against a distribution, or binary cross-entropy for several classes."""
        if self._options.kind == "several":
            smoothed = targets * (1 - smoothing) + smoothing / 2
            losses = functional.binary_cross_entropy_with_logits(logits, smoothed, reduction="none")
            return (losses if weights is None else losses * weights).mean()
        smoothed = targets * (1 - smoothing) + smoothing / targets.shape[1]
        losses = -(smoothed * torch.log_softmax(logits, dim=1)).sum(dim=1)
        if weights is None:
            return losses.mean()
        rows = (targets * weights).sum(dim=1)
        return (losses * rows).sum() / rows.sum().clamp_min(1e-8)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Softmax, or a sigmoid for each of several classes."""
        return torch.sigmoid(logits) if self._options.kind == "several" else torch.softmax(logits, dim=1)


class Nothing:
    """No target: for corpora without labels, which can be prepared and pretrained on."""

    kind: Literal["single", "soft", "several", "dimensions"] = "single"

    def __init__(self, options: NoOptions) -> None:
        del options

    @property
    def names(self) -> tuple[str, ...]:
        return ()

    def encode(self, labels: Mapping[str, Any]) -> NDArray[np.float32] | None:
        """An empty row: every clip will do."""
        del labels
        return np.zeros(0, dtype=np.float32)

    def loss(self, logits: Tensor, targets: Tensor, weights: Tensor | None = None, smoothing: float = 0.0) -> Tensor:
        """There is none. Raises DataError."""
        del targets, weights, smoothing
        raise DataError(f"nothing is predicted, so {tuple(logits.shape)} logits have no loss", where="target none")

    def probabilities(self, logits: Tensor) -> Tensor:
        """The logits as they are, of which there are none."""
        return logits


class Dimensions:
    """Continuous ratings such as valence, arousal and dominance, scaled to -1 .. 1 inside."""

    def __init__(self, options: settings.Dimensions) -> None:
        if options.highest <= options.lowest:
            raise DataError("highest must lie above lowest", where="target.highest")
        self._options = options
        self._middle = (options.highest + options.lowest) / 2
        self._half = (options.highest - options.lowest) / 2

    @property
    def names(self) -> tuple[str, ...]:
        return self._options.labels

    @property
    def kind(self) -> Literal["single", "soft", "several", "dimensions"]:
        return "dimensions"

    def encode(self, labels: Mapping[str, Any]) -> NDArray[np.float32] | None:
        """The ratings as ``[C]`` on their own scale; None unless all are there."""
        values = [labels.get(name) for name in self.names]
        if any(value is None for value in values):
            return None
        try:
            return np.array([float(value) for value in values if value is not None], dtype=np.float32)
        except (TypeError, ValueError):
            raise DataError(f"{values!r} are not numbers", where=f"labels {', '.join(self.names)}") from None

    def loss(self, logits: Tensor, targets: Tensor, weights: Tensor | None = None, smoothing: float = 0.0) -> Tensor:
        """One minus the concordance correlation over the batch (Lin 1989), mean over dimensions.

        A batch of one, in which no correlation exists, is fitted by its squared error.
        """
        del smoothing
        scaled = (targets - self._middle) / self._half
        if len(logits) < 2:
            return functional.mse_loss(logits, scaled)
        losses = 1 - concordance(logits, scaled)
        return losses.mean() if weights is None else (losses * weights).sum() / weights.sum()

    def probabilities(self, logits: Tensor) -> Tensor:
        """The ratings themselves, on their own scale."""
        return logits * self._half + self._middle


def concordance(predicted: Tensor, true: Tensor) -> Tensor:
    """Concordance correlation coefficient of each column of ``[B, C]`` (Lin 1989)."""
    predicted_mean, true_mean = predicted.mean(dim=0), true.mean(dim=0)
    covariance = ((predicted - predicted_mean) * (true - true_mean)).mean(dim=0)
    spread = predicted.var(dim=0, unbiased=False) + true.var(dim=0, unbiased=False)
    return 2 * covariance / (spread + (predicted_mean - true_mean) ** 2 + 1e-8)
