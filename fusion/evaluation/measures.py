"""All measures of one row of a table, as JSON values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusion.evaluation import scores
from fusion.evaluation.calibration import calibration_error

_Array = NDArray[np.float64]


def measures(kind: scores.Kind, names: Sequence[str], probabilities: _Array, targets: _Array) -> dict[str, Any]:
    """The measures that fit a kind of target.

    Args:
        kind: The target's kind.
        names: Its C outputs.
        probabilities: ``[N, C]``.
        targets: ``[N, C]``.
    """
    if kind == "dimensions":
        values = scores.concordance(probabilities, targets)
        errors = np.sqrt(((probabilities - targets) ** 2).mean(axis=0))
        return {
            "concordance": float(values.mean()),
            "by_dimension": {
                name: {"concordance": float(value), "root_mean_square_error": float(error)}
                for name, value, error in zip(names, values, errors, strict=True)
            },
        }
    predicted = probabilities >= 0.5 if kind == "several" else scores.decisions(probabilities)
    true = true_classes(kind, targets)
    by_class = _by_class(names, predicted, probabilities, true)
    result: dict[str, Any] = {
        "by_class": by_class,
        "macro_f1": float(scores.f_scores(predicted, true).mean()),
        "roc_area": _mean(by_class, "roc_area"),
        "precision_recall_area": _mean(by_class, "precision_recall_area"),
    }
    if kind == "several":
        return result
    confusion = np.zeros((len(names), len(names)), dtype=int)
    np.add.at(confusion, (targets.argmax(axis=1), probabilities.argmax(axis=1)), 1)
    return {
        "accuracy": scores.accuracy(probabilities, targets),
        "unweighted_average_recall": scores.unweighted_average_recall(probabilities, targets),
        "weighted_f1": scores.weighted_f1(probabilities, targets),
        "calibration_error": calibration_error(probabilities, targets),
        **result,
        "confusion": confusion.tolist(),
    }


def true_classes(kind: scores.Kind, targets: _Array) -> NDArray[np.bool_]:
    """Which classes each clip has, ``[N, C]``; of a distribution the likeliest."""
    return targets > 0 if kind == "several" else scores.decisions(targets)


def main_measure(kind: scores.Kind) -> str:
    """Name of the measure that rows are compared by."""
    return {"several": "macro_f1", "dimensions": "concordance"}.get(kind, "unweighted_average_recall")


def _by_class(
    names: Sequence[str], predicted: NDArray[np.bool_], probabilities: _Array, true: NDArray[np.bool_]
) -> dict[str, Any]:
    from sklearn.metrics import average_precision_score, roc_auc_score

    f1 = scores.f_scores(predicted, true)
    answer = {}
    for column, name in enumerate(names):
        hits = int((predicted[:, column] & true[:, column]).sum())
        said, is_so = int(predicted[:, column].sum()), int(true[:, column].sum())
        both = 0 < is_so < len(true)
        answer[name] = {
            "precision": hits / said if said else None,
            "recall": hits / is_so if is_so else None,
            "f1": float(f1[column]),
            "roc_area": float(roc_auc_score(true[:, column], probabilities[:, column])) if both else None,
            "precision_recall_area":
                float(average_precision_score(true[:, column], probabilities[:, column])) if both else None,
            "clips": is_so,
        }  # fmt: skip
    return answer


def _mean(by_class: Mapping[str, Mapping[str, Any]], key: str) -> float | None:
    known = [values[key] for values in by_class.values() if values[key] is not None]
    return float(np.mean(known)) if known else None


def curves(names: Sequence[str], probabilities: _Array, true: NDArray[np.bool_]) -> dict[str, Any]:
    """One-against-rest ROC and precision-recall curves as points, of classes that some clips have and some have not."""
    from sklearn.metrics import precision_recall_curve, roc_curve

    answer: dict[str, Any] = {}
    for column, name in enumerate(names):
        is_so, score = true[:, column], probabilities[:, column]
        if not is_so.any() or is_so.all():
            continue
        false_rate, hit_rate, _ = roc_curve(is_so, score)
        precision, recall, _ = precision_recall_curve(is_so, score)
        answer[name] = {"roc": _thinned(false_rate, hit_rate), "precision_recall": _thinned(recall, precision)}
    return answer


def _thinned(x: _Array, y: _Array, most: int = 60) -> list[list[float]]:
    keep = np.unique(np.linspace(0, len(x) - 1, min(len(x), most)).round().astype(int))
    return [[round(float(x[k]), 4), round(float(y[k]), 4)] for k in keep]


def by_group(
    kind: scores.Kind, groups: Sequence[str | None], probabilities: _Array, targets: _Array
) -> Mapping[str, dict[str, float]]:
    """The main score and accuracy of each known group (speaker, sex)."""
    answer: dict[str, dict[str, float]] = {}
    for group in sorted({group for group in groups if group is not None}):
        rows = np.array([place for place, value in enumerate(groups) if value == group])
        answer[group] = {
            "clips": float(len(rows)),
            "score": scores.main_score(kind, probabilities[rows], targets[rows]),
        }
        if kind in ("single", "soft"):
            answer[group]["accuracy"] = scores.accuracy(probabilities[rows], targets[rows])
    return answer
