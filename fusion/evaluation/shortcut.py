"""The baseline that hears nothing but how loud and how long a clip is.

Where it does well, so may a network that has learnt the recording level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple

import numpy as np
from numpy.typing import NDArray

from fusion.evaluation.predictions import RowPredictions
from fusion.evaluation.wording import LOUDNESS_AND_LENGTH
from fusion.store.levels import Level

_Array = NDArray[np.float64]


def loudness_and_length(
    known: Sequence[Level | None], targets: NDArray[np.float32], tested: Sequence[Level | None], *, kind: str
) -> RowPredictions | None:
    """Fit on the training part and answer the test part; nothing is tuned.

    Logistic regression, classes weighted alike, of one class or (one by one) of several; ridge regression of
    dimensions. A tested clip without sound gets the mean target of the training part.

    Args:
        known: Levels of the N training clips of the evaluated corpus.
        targets: ``[N, C]``.
        tested: Levels of the M test clips.
        kind: Of the target.

    Returns:
        ``[M, C]``; None where no tested clip has sound, or the training part shows no two targets with sound.
    """
    heard = np.array([level is not None for level in known], dtype=bool)
    answered = np.array([level is not None for level in tested], dtype=bool)
    true = np.asarray(targets, dtype=np.float64)[heard]
    if not answered.any() or len(np.unique(true, axis=0)) < 2:
        return None
    probabilities = np.tile(np.asarray(targets, dtype=np.float64).mean(axis=0), (len(tested), 1))
    probabilities[answered] = _answers(kind, _features(known), true, _features(tested))
    return RowPredictions(LOUDNESS_AND_LENGTH, None, (), probabilities, answered)


def _features(levels: Sequence[Level | None]) -> _Array:
    return np.array([astuple(level) for level in levels if level is not None], dtype=np.float64)


def _answers(kind: str, known: _Array, true: _Array, tested: _Array) -> _Array:
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if kind == "dimensions":
        answers = make_pipeline(StandardScaler(), Ridge()).fit(known, true).predict(tested)
        return np.asarray(answers, dtype=np.float64).reshape(len(tested), true.shape[1])
    if kind == "several":
        columns = [_probabilities(known, true[:, c] > 0.5, tested, 2)[:, 1] for c in range(true.shape[1])]
        return np.stack(columns, axis=1)
    return _probabilities(known, true.argmax(axis=1), tested, true.shape[1])


def _probabilities(known: _Array, true: NDArray[np.integer | np.bool_], tested: _Array, count: int) -> _Array:
    """``[M, count]``; classes that the training part lacks get 0."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probabilities = np.zeros((len(tested), count))
    classes = np.unique(true).astype(np.int64)
    if len(classes) == 1:
        probabilities[:, classes[0]] = 1.0
        return probabilities
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000))
    probabilities[:, classes] = model.fit(known, true).predict_proba(tested)
    return probabilities
