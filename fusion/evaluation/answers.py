"""From the probabilities of windows to the probabilities of clips."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fusion.contract import Aggregator, Fitted
from fusion.data.plan import Window

_Array = NDArray[np.float64]


def clip_probabilities(  # noqa: PLR0917 - arrays, and what joins them
    probabilities: _Array,
    answered: NDArray[np.bool_],
    windows: Sequence[Window],
    clips: int,
    aggregator: Aggregator,
    fitted: Fitted,
    prior: _Array,
) -> tuple[_Array, NDArray[np.bool_]]:
    """Aggregate windows by clip.

    Args:
        probabilities: ``[W, C]``.
        answered: ``[W]``: whether any stream was present; other windows do not count.
        windows: The W windows.
        clips: Number N of clips.
        aggregator: From windows to the clip's answer.
        fitted: What it fitted.
        prior: ``[C]`` answer for clips without a single answered window.

    Returns:
        ``[N, C]`` and, ``[N]``, whether the clip had an answered window.
    """
    owners = np.array([window.clip for window in windows], dtype=np.int64)
    seconds = np.array([float(window.span.seconds) for window in windows])
    answers = np.tile(prior, (clips, 1))
    has = np.zeros(clips, dtype=bool)
    usable = np.flatnonzero(answered)
    for clip in np.unique(owners[usable]):
        own = usable[owners[usable] == clip]
        answers[clip] = aggregator(probabilities[own], seconds[own], fitted)
        has[clip] = True
    return answers, has
