"""Aggregators, each with one fault."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from fusion.contract import Fitted, NoOptions
from tests.testing.planted.planting import planted as plant
from tests.testing.planted.planting import sound


def planted(check: str, sentence: str) -> Any:
    return plant("aggregator", check, sentence)


@sound("aggregator")
class Good:
    """The mean of windows by their seconds, and of what training clips looked like."""

    def __init__(self, options: NoOptions) -> None:
        self.options = options

    def fit(self, clips: Sequence[tuple[Any, Any]]) -> Fitted:
        return {"clips": float(len(clips))}

    def __call__(self, probabilities: Any, seconds: Any, fitted: Fitted) -> Any:
        return np.average(probabilities, axis=0, weights=seconds)


@planted("builds", "it has no fit")
class Fitless(Good):
    fit: Any = None


@planted("builds", "it suits no kind of target")
class Unsuited(Good):
    @staticmethod
    def suits(options: Any, kind: str) -> bool:
        return False


@planted("answers_probabilities", "it makes a sum of")
class Summing(Good):
    def __call__(self, probabilities: Any, seconds: Any, fitted: Fitted) -> Any:
        return probabilities.max(axis=0) / 2


@planted("answers_probabilities", "it makes NaN or infinity; guard logarithms")
class Logarithmic(Good):
    def __call__(self, probabilities: Any, seconds: Any, fitted: Fitted) -> Any:
        with np.errstate(all="ignore"):
            powers = np.exp(np.log(probabilities).mean(axis=0))
            return powers / powers.sum()


@planted("answers_probabilities", "it makes (1, 4), not (4,)")
class Kept(Good):
    def __call__(self, probabilities: Any, seconds: Any, fitted: Fitted) -> Any:
        return probabilities.mean(axis=0, keepdims=True)


@planted("equal_windows_agree", "five equal windows give")
class Counting(Good):
    def __call__(self, probabilities: Any, seconds: Any, fitted: Fitted) -> Any:
        powers = np.prod(probabilities + 1e-9, axis=0)
        return powers / powers.sum()


@planted("the_unit_of_seconds_does_not_count", "changes when all windows last seven times as long")
class Absolute(Good):
    def __call__(self, probabilities: Any, seconds: Any, fitted: Fitted) -> Any:
        powers = np.exp(seconds)
        return np.average(probabilities, axis=0, weights=powers)


@planted("fitted_survives_saving", "what it fits cannot be saved")
class Unsavable(Good):
    def fit(self, clips: Sequence[tuple[Any, Any]]) -> Fitted:
        return {"model": object()}  # type: ignore[dict-item]


@planted("fits_on_little", "fitting on no clips ends in ZeroDivisionError")
class Dividing(Good):
    def fit(self, clips: Sequence[tuple[Any, Any]]) -> Fitted:
        return {"mean": sum(len(windows) for windows, _ in clips) / len(clips)}


@planted("leaves_everything_as_it_was", "it changes the global state of random")
class Drawing(Good):
    def fit(self, clips: Sequence[tuple[Any, Any]]) -> Fitted:
        return {"chance": random.random()}


@planted("leaves_everything_as_it_was", "fitting changes the windows that it is given")
class Writing(Good):
    def fit(self, clips: Sequence[tuple[Any, Any]]) -> Fitted:
        for windows, _ in clips:
            windows *= 0.5
        return {}
