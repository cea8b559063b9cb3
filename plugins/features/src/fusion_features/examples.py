"""Small cases with which the components are checked (``fusion plugins check features``)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from fusion.contract import Example, Pieces, Row, Track

_RATE = Fraction(10)
_CLASSES = ["calm", "happy", "sad", "angry"]


def decoded(folder: Path) -> Sequence[Example]:
    """A table of two clips, ten steps a second."""
    file = folder / "features.csv"
    lines = [f"{name},{math.sin(k)},{k / 7}" for name in ("kit", "other") for k in range(25)]
    file.write_text("\n".join(["id,first,second", *lines]) + "\n", encoding="utf-8")
    return [Example(tracks=[Track("features", file, shared=True)])]


def features(folder: Path) -> Sequence[Example]:
    """Sequences on a grid, whole and in windows, steps with times, and one vector a clip."""
    del folder
    single = [_vector("features", 3, seed) for seed in range(3)]
    timed = [_timed(steps, seed) for seed, steps in enumerate((16, 13, 7))]
    return [
        Example("grid", options={"rate": 10}, rows=_sequences()),
        Example("window", options={"rate": 10, "extent": "window"}, rows=_sequences()),
        Example("times", options={"times": "second", "standardise": False}, rows=timed),
        Example("vector", rows=single),
    ]


def scores(folder: Path) -> Sequence[Example]:
    """Logits and probabilities."""
    del folder
    rows = [_vector("features:others", len(_CLASSES), seed) for seed in range(3)]
    return [
        Example("logits", options=_scores("logits"), rows=rows),
        Example("probabilities", options=_scores("probabilities"), rows=[_softened(row) for row in rows]),
    ]


def mlp(folder: Path) -> Sequence[Example]:
    """Both poolings."""
    del folder
    sizes = {"hidden": [6], "embedding": 5}
    return [Example(pooling, options={**sizes, "pooling": pooling}) for pooling in ("mean", "statistics")]


def gru(folder: Path) -> Sequence[Example]:
    """Both directions and one, attention and mean."""
    del folder
    sizes = {"hidden": 6, "embedding": 5}
    return [
        Example("attention", options={**sizes, "layers": 2}),
        Example("mean", options={**sizes, "bidirectional": False, "pooling": "mean"}),
    ]


def _sequences() -> list[Row]:
    return [{"features": Pieces(_numbers(steps, 3, seed), _RATE)} for seed, steps in enumerate((16, 13, 7))]


def _timed(steps: int, seed: int) -> Row:
    return {"features": Pieces(_numbers(steps, 3, seed), None, times=np.arange(steps) / 9 + 0.01)}


def _vector(kind: str, width: int, seed: int) -> Row:
    return {kind: Pieces(_numbers(1, width, seed), None, times=np.zeros(1), ends=np.full(1, 1.6 - seed / 3))}


def _softened(row: Row) -> Row:
    pieces = row["features:others"]
    raised = np.exp(np.asarray(pieces.data))
    softened = np.asarray(raised / raised.sum(), np.float32)
    return {"features:others": Pieces(softened, None, times=pieces.times, ends=pieces.ends)}


def _numbers(steps: int, width: int, seed: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    drawn = np.random.Generator(np.random.Philox(seed)).standard_normal((steps, width))
    return (3 * drawn + np.arange(width)).astype(np.float32)


def _scores(values: str) -> dict[str, Any]:
    return {"values": values, "classes": _CLASSES, "source": "others"}
