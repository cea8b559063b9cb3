"""Small cases with which heads, aggregators and targets are checked (``fusion plugins check engine``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fusion.contract import Example


def late_average(folder: Path) -> Sequence[Example]:
    """Everything that can be averaged."""
    return [Example(of, options={"of": of}) for of in ("probabilities", "log_probabilities", "values")]


def weighted_sum(folder: Path) -> Sequence[Example]:
    """Embeddings and logits, with learned and with fixed weights."""
    return [
        Example("logits"),
        Example("fixed", options={"learned": False, "weights": {"voice": 2.0}}),
        Example("embeddings", options={"of": "embeddings", "dim": 8}),
        Example("fixed embeddings", options={"of": "embeddings", "dim": 8, "learned": False}),
    ]


def learned(folder: Path) -> Sequence[Example]:
    """All forms, with and without the layer before the output."""
    sizes = {"dim": 8, "hidden": 6, "heads": 2}
    return [
        *(Example(form, options={**sizes, "form": form}) for form in ("concatenate", "gated", "attention")),
        Example("no hidden layer", options={**sizes, "hidden": 0}),
    ]


def classes(folder: Path) -> Sequence[Example]:
    """One class, a distribution, several classes."""
    names = ["calm", "happy", "sad"]
    votes: list[dict[str, Any]] = [{"emotion": {"calm": 3, "sad": 1}}, {"emotion": {"happy": 1.0}}, {"emotion": "sad"}]
    several: list[dict[str, Any]] = [{"emotion": ["calm", "sad"]}, {"emotion": ["happy"]}, {"emotion": "sad"}]
    return [
        Example("single", options={"classes": names}, labels=[{"emotion": name} for name in names]),
        Example("soft", options={"classes": names, "kind": "soft"}, labels=votes),
        Example("several", options={"classes": names, "kind": "several"}, labels=several),
    ]


def dimensions(folder: Path) -> Sequence[Example]:
    """Two dimensions on a scale from 1 to 5."""
    labels = [{"valence": 1.5, "arousal": 4.0}, {"valence": 3.0, "arousal": 2.5}, {"valence": 4.5, "arousal": 1.0}]
    return [Example(options={"labels": ["valence", "arousal"]}, labels=labels)]
