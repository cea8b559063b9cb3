"""Sounds that behave like speech, and ways to cut them, for the tests of this distribution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from fusion.contract import SOUND, Clip, Pieces, Row, Span


def made_speech(seconds: float, rate: int, seed: int = 0) -> np.ndarray:
    """Syllables of a gliding voice with pauses, over a little noise."""
    random = np.random.Generator(np.random.Philox(seed))
    time = np.arange(round(seconds * rate)) / rate
    pitch = 120 + 30 * np.sin(2 * np.pi * 0.7 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    voice = sum(np.sin(k * phase) / k**1.5 for k in range(1, 20) if k * 150 < rate / 2)
    syllables = np.clip(np.sin(2 * np.pi * 2.3 * time), 0, None) * (np.sin(2 * np.pi * 0.4 * time) > -0.6)
    return (0.2 * voice * syllables + 0.003 * random.standard_normal(len(time))).astype(np.float32)


def sound_row(samples: np.ndarray, rate: int | Fraction = 16000, first: int = 0) -> Row:
    return {SOUND: Pieces(np.asarray(samples, np.float32), Fraction(rate), first)}


def run_over(transform: Any, row: Row, cuts: Sequence[Fraction], folds: Sequence[Fraction] = ()) -> Row:
    """Apply a transform span by span with its declared context, as the engine does, and join the answers."""
    end = row[SOUND].span.end
    state = transform.start(Clip("clip", ()))
    if transform.scope == "clip":
        edges = [Fraction(0), *sorted(folds), end]
        for start, stop in pairwise(edges):
            state = transform.update(state, {SOUND: row[SOUND].within(Span(start, stop))})
    edges = [Fraction(0), *sorted(cuts), end]
    parts: dict[str, list[Pieces]] = {}
    for start, stop in pairwise(edges):
        span = Span(start, stop)
        wide = {SOUND: row[SOUND].within(span.extended(*transform.context))}
        for name, pieces in transform.apply(wide, span, state).items():
            parts.setdefault(name, []).append(pieces)
    joined = {}
    for name, pieces in parts.items():
        held = [piece for piece in pieces if len(piece)] or pieces[:1]
        for earlier, later in pairwise(held):
            assert later.first == earlier.first + len(earlier)
        joined[name] = Pieces(np.concatenate([piece.data for piece in held]), held[0].rate, held[0].first)
    return joined


@pytest.fixture(scope="session")
def speech() -> Callable[..., np.ndarray]:
    return made_speech


@pytest.fixture(scope="session")
def sound() -> Callable[..., Row]:
    return sound_row


@pytest.fixture(scope="session")
def over() -> Callable[..., Row]:
    return run_over
