"""How windows lie on a clip's clock."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

from fusion.contract import Span

if TYPE_CHECKING:
    import numpy as np

    from fusion.config.models import WindowSettings

#: Starts of drawn windows are multiples of this, in seconds.
GRAIN = Fraction(1, 1000)


def full_window(index: int, settings: WindowSettings) -> Span:
    """The index-th evaluation window of a clip that is long enough for it."""
    assert settings.seconds != "clip"
    start = index * (settings.hop or settings.seconds)
    return Span(start, start + settings.seconds)


def windows_of(duration: Fraction, settings: WindowSettings) -> tuple[Span, ...]:
    """The windows of a clip for evaluation and prediction.

    From 0, a hop apart. What is left at the end becomes a shorter window if it has at least half a window's
    length and reaches beyond the last whole one, or if it is the whole clip.

    Args:
        duration: Seconds of the clip; a clip of 0 seconds has no windows.
        settings: Length and hop.
    """
    if duration <= 0:
        return ()
    if settings.seconds == "clip" or duration <= settings.seconds:
        return (Span(Fraction(0), duration),)
    spans = [full_window(0, settings)]
    while (following := full_window(len(spans), settings)).end <= duration:
        spans.append(following)
    if spans[-1].end < duration and 2 * (duration - following.start) >= settings.seconds:
        spans.append(Span(following.start, duration))
    return tuple(spans)


def draw_window(duration: Fraction, settings: WindowSettings, random: np.random.Generator) -> Span:
    """One window for training: uniformly anywhere in the clip; the whole clip where that is not longer.

    Args:
        duration: Seconds of the clip.
        settings: Length of the window.
        random: The draw's own generator.
    """
    if settings.seconds == "clip" or duration <= settings.seconds:
        return Span(Fraction(0), max(duration, Fraction(0)))
    places = math.floor((duration - settings.seconds) / GRAIN) + 1
    start = int(random.integers(places)) * GRAIN
    return Span(start, start + settings.seconds)
