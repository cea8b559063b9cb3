"""From the windows of a clip to its answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fusion.contract import Fitted, NoOptions
from fusion.heads import options as settings

_Array = NDArray[np.float64]


class Mean:
    """Mean of the windows' probabilities, weighted by their seconds."""

    def __init__(self, options: NoOptions) -> None:
        del options

    def fit(self, clips: Sequence[tuple[_Array, _Array]]) -> Fitted:
        """Nothing is fitted."""
        del clips
        return {}

    def __call__(self, probabilities: _Array, seconds: _Array, fitted: Fitted) -> _Array:
        """``[W, C]`` to ``[C]``."""
        del fitted
        return np.asarray(np.average(probabilities, axis=0, weights=seconds))


def _one_class(kind: str) -> bool:
    return kind in ("single", "soft")


class LogMean(Mean):
    """Mean of log-probabilities, renormalised: windows are taken as independent evidence of one answer."""

    @staticmethod
    def suits(options: object, kind: str) -> bool:
        """For targets of one class a clip."""
        del options
        return _one_class(kind)

    def __call__(self, probabilities: _Array, seconds: _Array, fitted: Fitted) -> _Array:
        """``[W, C]`` to ``[C]``."""
        mean = super().__call__(np.log(np.clip(probabilities, 1e-12, None)), seconds, fitted)
        powers = np.exp(mean - mean.max())
        return np.asarray(powers / powers.sum())


class Vote(Mean):
    """Share of the clip's time in which each class is the likeliest."""

    @staticmethod
    def suits(options: object, kind: str) -> bool:
        """For targets of one class a clip."""
        del options
        return _one_class(kind)

    def __call__(self, probabilities: _Array, seconds: _Array, fitted: Fitted) -> _Array:
        """``[W, C]`` to ``[C]``."""
        votes = np.eye(probabilities.shape[1])[probabilities.argmax(axis=1)]
        return super().__call__(votes, seconds, fitted)


class Attention:
    """Weights windows by a learned score of how they look: their surest probability, entropy and each class's share.

    The scorer is linear; it is fitted on training clips by gradient descent on their log-likelihood.
    """

    def __init__(self, options: settings.Attention) -> None:
        self._options = options

    @staticmethod
    def suits(options: object, kind: str) -> bool:
        """For targets of one class a clip."""
        del options
        return _one_class(kind)

    def fit(self, clips: Sequence[tuple[_Array, _Array]]) -> Fitted:
        """Fit the scorer on (probabilities ``[W, C]``, target ``[C]``) of training clips with several windows."""
        several = [(p, t) for p, t in clips if len(p) > 1]
        if not several:
            return {}
        weights = np.zeros(_features(several[0][0]).shape[1])
        momentum = np.zeros_like(weights)
        for _ in range(self._options.steps):
            gradient = self._options.penalty * weights
            for probabilities, target in several:
                gradient -= _gradient(probabilities, target, weights) / len(several)
            momentum = 0.9 * momentum - 0.1 * gradient
            weights = weights + momentum
        return {"weights": weights}

    def __call__(self, probabilities: _Array, seconds: _Array, fitted: Fitted) -> _Array:
        """``[W, C]`` to ``[C]``."""
        weights = fitted.get("weights")
        if weights is None:
            return np.asarray(np.average(probabilities, axis=0, weights=seconds))
        shares = _shares(_features(probabilities) @ np.asarray(weights, dtype=np.float64)) * seconds
        return np.asarray(np.average(probabilities, axis=0, weights=shares))


def _features(probabilities: _Array) -> _Array:
    safe = np.clip(probabilities, 1e-12, 1)
    entropy = -(safe * np.log(safe)).sum(axis=1, keepdims=True) / np.log(safe.shape[1])
    return np.concatenate([safe.max(axis=1, keepdims=True), entropy, safe], axis=1)


def _shares(scores: _Array) -> _Array:
    powers = np.exp(scores - scores.max())
    return np.asarray(powers / powers.sum())


def _gradient(probabilities: _Array, target: _Array, weights: _Array) -> _Array:
    """Gradient of the clip's log-likelihood with respect to the scorer's weights."""
    features = _features(probabilities)
    shares = _shares(features @ weights)
    mixture = np.clip(shares @ probabilities, 1e-12, None)
    by_window = probabilities @ (target / mixture)
    return np.asarray(((by_window - shares @ by_window) * shares) @ features)
