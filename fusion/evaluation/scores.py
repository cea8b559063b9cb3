"""Scores of predictions, from probabilities and targets as arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["single", "soft", "several", "dimensions"]
_Array = NDArray[np.floating[Any]]


def accuracy(probabilities: _Array, targets: _Array) -> float:
    """Share of rows whose likeliest class is the target's."""
    return float((probabilities.argmax(axis=1) == targets.argmax(axis=1)).mean())


def one_against_rest_accuracy(probabilities: _Array, targets: _Array) -> float:
    """Mean over classes of (TP + TN) / all, each class against the rest: 1 - 2 * (1 - accuracy) / C of C classes.

    Some papers print it as accuracy. Of four classes it is 1 - error / 2, and chance is 0.625.
    """
    return float((decisions(probabilities) == decisions(targets)).mean())


def recalls(probabilities: _Array, targets: _Array) -> NDArray[np.float64]:
    """Recall of each class; NaN for classes without a row."""
    predicted, true = probabilities.argmax(axis=1), targets.argmax(axis=1)
    return np.array(
        [float((predicted[true == c] == c).mean()) if (true == c).any() else np.nan for c in range(targets.shape[1])]
    )


def unweighted_average_recall(probabilities: _Array, targets: _Array) -> float:
    """Mean recall over the classes that occur."""
    return float(np.nanmean(recalls(probabilities, targets)))


def f_scores(predicted: NDArray[np.bool_], true: NDArray[np.bool_]) -> NDArray[np.float64]:
    """F1 of each column of ``[N, C]`` decisions; 0 where a class is neither predicted nor true."""
    hits = (predicted & true).sum(axis=0)
    total = predicted.sum(axis=0) + true.sum(axis=0)
    return np.asarray(np.where(total > 0, 2 * hits / np.maximum(total, 1), 0.0))


def decisions(probabilities: _Array) -> NDArray[np.bool_]:
    """One-hot rows of the likeliest class."""
    return np.asarray(np.eye(probabilities.shape[1], dtype=bool)[probabilities.argmax(axis=1)])


def weighted_f1(probabilities: _Array, targets: _Array) -> float:
    """Mean F1 over classes, weighted by how often they occur."""
    true = decisions(targets)
    return float(np.average(f_scores(decisions(probabilities), true), weights=true.sum(axis=0)))


def macro_f1_several(probabilities: _Array, targets: _Array, threshold: float = 0.5) -> float:
    """Mean F1 over classes where a row may have several."""
    return float(f_scores(probabilities >= threshold, targets > 0).mean())


def concordance(predicted: _Array, true: _Array) -> NDArray[np.float64]:
    """Concordance correlation coefficient of each column (Lin 1989)."""
    means = predicted.mean(axis=0) - true.mean(axis=0)
    covariance = ((predicted - predicted.mean(axis=0)) * (true - true.mean(axis=0))).mean(axis=0)
    return np.asarray(2 * covariance / (predicted.var(axis=0) + true.var(axis=0) + means**2 + 1e-12), dtype=np.float64)


def main_score(kind: Kind, probabilities: _Array, targets: _Array) -> float:
    """The score that chooses epochs and heads: unweighted average recall, macro F1, or mean concordance."""
    if kind == "several":
        return macro_f1_several(probabilities, targets)
    if kind == "dimensions":
        return float(concordance(probabilities, targets).mean())
    return unweighted_average_recall(probabilities, targets)


def negative_log_likelihood(kind: Kind, probabilities: _Array, targets: _Array) -> float:
    """Mean loss of clip probabilities: cross-entropy, binary cross-entropy, or one minus concordance."""
    if kind == "dimensions":
        return float(1 - concordance(probabilities, targets).mean())
    safe = np.clip(probabilities, 1e-7, 1 - 1e-7)
    if kind == "several":
        return float(-(targets * np.log(safe) + (1 - targets) * np.log(1 - safe)).mean())
    return float(-(targets * np.log(safe)).sum(axis=1).mean())


@dataclass(frozen=True, slots=True)
class Additive:
    """A score that depends on sums over clips alone, so that a bootstrap draw is a weighted sum.

    Args:
        statistics: From probabilities and targets ``[N, C]`` to the K sums by class, ``[N, K, C]``.
        score: From sums ``[..., K, C]`` to scores ``[...]``.
    """

    statistics: Callable[[_Array, _Array], NDArray[np.float64]]
    score: Callable[[NDArray[np.float64]], NDArray[np.float64]]

    def __call__(self, probabilities: _Array, targets: _Array) -> float:
        """The score of all clips."""
        return float(self.score(self.statistics(probabilities, targets).sum(axis=0)))


def additive(kind: Kind) -> Additive:
    """The main score of a kind, in sums."""
    if kind == "several":
        return Additive(_decision_statistics, _mean_f1)
    if kind == "dimensions":
        return Additive(_moments, _mean_concordance)
    return Additive(_hit_statistics, _mean_recall)


def additive_accuracy() -> Additive:
    """``accuracy`` in sums."""
    return Additive(_hit_statistics, lambda sums: sums[..., 0, :].sum(axis=-1) / sums[..., 1, :].sum(axis=-1))


def _hit_statistics(probabilities: _Array, targets: _Array) -> NDArray[np.float64]:
    true = decisions(targets)
    return np.stack([true & decisions(probabilities), true], axis=1).astype(np.float64)


def _mean_recall(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    hits, clips = sums[..., 0, :], sums[..., 1, :]
    there = clips > 0
    return np.asarray((hits / np.where(there, clips, 1)).sum(axis=-1) / there.sum(axis=-1))


def _decision_statistics(probabilities: _Array, targets: _Array) -> NDArray[np.float64]:
    said, true = probabilities >= 0.5, targets > 0
    return np.stack([said & true, said.astype(int) + true], axis=1).astype(np.float64)


def _mean_f1(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    hits, total = sums[..., 0, :], sums[..., 1, :]
    return np.asarray(np.where(total > 0, 2 * hits / np.maximum(total, 1), 0.0).mean(axis=-1))


def _moments(predicted: _Array, true: _Array) -> NDArray[np.float64]:
    x, y = np.asarray(predicted, dtype=np.float64), np.asarray(true, dtype=np.float64)
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=1)


def _mean_concordance(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    count, x, y, xx, yy, xy = (sums[..., k, :] for k in range(6))
    mean_x, mean_y = x / count, y / count
    spread = xx / count - mean_x**2 + yy / count - mean_y**2
    values = 2 * (xy / count - mean_x * mean_y) / (spread + (mean_x - mean_y) ** 2 + 1e-12)
    return np.asarray(values.mean(axis=-1))
