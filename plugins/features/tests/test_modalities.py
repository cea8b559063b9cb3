"""Standardising by the training part, and scores as logits."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from fusion_features.modality import Features
from fusion_features.options import Features as FeaturesOptions
from fusion_features.options import Scores as ScoresOptions
from fusion_features.scores import Scores

from fusion.contract import DataError, Pieces, Span

WHOLE = Span(Fraction(0), Fraction(1))


def row(*numbers):
    return {"features": Pieces(np.array([numbers], np.float32), None, times=np.zeros(1), ends=np.full(1, np.inf))}


def test_features_are_standardised_by_the_rows_that_were_fitted():
    modality = Features(FeaturesOptions())
    fitted = modality.fit(iter([row(1, 5, 7), row(3, 5, 9), row(5, 5, 2)]))
    batch = modality.batch([row(7, 5, 6), row(3, 6, 6)], [WHOLE, WHOLE], fitted)
    expected = (np.array([7.0, 3.0]) - 3) / np.std([1, 3, 5])
    assert np.allclose(batch["features"][:, 0, 0], expected)
    assert batch["features"][:, 0, 1].tolist() == [0, 1]  # constant in training: left at its size


def test_files_of_other_widths_are_told():
    modality = Features(FeaturesOptions())
    with pytest.raises(DataError, match="there are 3 features here and 2 elsewhere"):
        modality.fit(iter([row(1, 2), row(1, 2, 3)]))
    fitted = modality.fit(iter([row(1, 2), row(2, 1)]))
    with pytest.raises(DataError, match="there are 1 features here and 2 elsewhere"):
        modality.batch([row(1)], [WHOLE], fitted)


def scores(values, **options):
    return Scores(ScoresOptions(values=values, classes=("x", "y"), **options))


def test_logits_stay_and_probabilities_become_their_logarithms():
    logits = scores("logits").batch([row(2, -1)], [WHOLE], {})["scores"]
    assert logits.tolist() == [[2, -1]]
    given = scores("probabilities").batch([row(0.75, 0.25)], [WHOLE], {})["scores"]
    assert torch.allclose(given.softmax(1), torch.tensor([[0.75, 0.25]]))
    assert torch.isfinite(scores("probabilities").batch([row(1, 0)], [WHOLE], {})["scores"]).all()


def test_values_that_are_called_by_the_wrong_name_are_told():
    with pytest.raises(DataError, match="are no probabilities"):
        scores("probabilities").fit(iter([row(2, -1)]))
    with pytest.raises(DataError, match="as probabilities do"):
        scores("logits").fit(iter([row(0.75, 0.25), row(0.5, 0.5)]))


def test_values_is_required():
    with pytest.raises(TypeError, match="values"):
        ScoresOptions(classes=("x", "y"))  # type: ignore[call-arg]


def test_what_scores_were_made_from_is_said():
    assert "fitted_on: validation" in scores("logits").cautions[0]
    assert "stacking" in scores("logits", origin="out_of_fold").cautions[0]
    assert not scores("logits", origin="elsewhere").cautions
