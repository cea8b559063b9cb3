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
#: Groups of speakers of whom each is answered by the others.
GROUPS = 5


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


def loudness_and_length_of_strangers(
    levels: Sequence[Level | None], targets: NDArray[np.float32], speakers: Sequence[str | None], *, kind: str
) -> RowPredictions | None:
    """The same where there is no training part of the corpus: each speaker's clips by the clips of the others.

    Args:
        levels: Of the M clips.
        targets: ``[M, C]``.
        speakers: Who speaks in each; clips of unknown speakers are taken one by one.
        kind: Of the target.

    Returns:
        ``[M, C]``; None where no clip has sound, fewer than two speak, or others show no two targets with sound.
    """
    owners = [speaker or f"clip {place}" for place, speaker in enumerate(speakers)]
    names = sorted(set(owners))
    group = {name: place % GROUPS for place, name in enumerate(names)}
    groups = np.array([group[owner] for owner in owners])
    probabilities = np.zeros(np.shape(targets), dtype=np.float64)
    answered = np.zeros(len(levels), dtype=bool)
    for one in range(min(GROUPS, len(names))):
        tested, known = (np.flatnonzero(where).tolist() for where in (groups == one, groups != one))
        if not known:
            return None
        row = loudness_and_length([levels[k] for k in known], targets[known], [levels[k] for k in tested], kind=kind)
        if row is None and any(levels[k] is not None for k in tested):
            return None
        probabilities[tested] = np.asarray(targets[known]).mean(axis=0) if row is None else row.probabilities
        answered[tested] = False if row is None else row.answered
    if not answered.any():
        return None
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
