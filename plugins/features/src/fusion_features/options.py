"""Options of all components of this distribution."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_ID = "{id}"
_CLASS = "{class}"


def _check_source(source: str | None, pattern: str) -> None:
    if source is not None and not re.fullmatch(r"[a-z][a-z0-9_]*", source):
        raise ValueError(f"source is a name as in corpus.attach (features:NAME), not {source!r}")
    if _ID not in pattern:
        raise ValueError(f"id says how a clip is called in the file and contains {_ID}, unlike {pattern!r}")


@dataclass(frozen=True)
class Features:
    """Options of the modality ``features``.

    Args:
        source: Which of several files: the NAME under which ``corpus.attach`` has it (``features:NAME``).
        id: How a clip is called in the file; ``{id}`` stands for its id.
        id_column: The column of a table that holds ids; None where each clip has a table of its own.
        columns: Names of the columns, or patterns with ``*`` and ``?``; all but id_column and times unless given.
        rate: Steps per second of sequences on a grid; a file's first step lies at its second 0.
        times: The column that holds the second of each step, for sequences off a grid.
        extent: ``clip``: everything of the clip with every window; ``window``: the steps that lie in it.
        standardise: Bring every feature to mean 0 and deviation 1, by the training part.
    """

    source: str | None = None
    id: str = _ID
    id_column: str | None = "id"
    columns: tuple[str, ...] | None = None
    rate: float | None = None
    times: str | None = None
    extent: Literal["clip", "window"] = "clip"
    standardise: bool = True

    def __post_init__(self) -> None:
        _check_source(self.source, self.id)
        if self.rate is not None and self.rate <= 0:
            raise ValueError(f"rate is above 0, not {self.rate}")
        if self.rate is not None and self.times is not None:
            raise ValueError("steps have either a rate or a column of times")
        if self.columns is not None and not self.columns:
            raise ValueError("columns names at least one column, or is left out for all")


@dataclass(frozen=True)
class Scores:
    """Options of the modality ``scores``.

    Args:
        values: What the numbers are: ``logits`` (of a softmax) or ``probabilities``.
        classes: The classes, in the target's words; of an array in the order of its numbers.
        columns: The column of each class: a pattern with ``{class}``, or a column for each class in their order.
        origin: How the models that gave the scores relate to the clips. ``elsewhere``: trained on other material and
            other people. ``out_of_fold``: each clip was scored by a model that had not met its speaker, but the
            others. ``unknown``: maybe trained on these very clips.
        source: Which of several files: the NAME under which ``corpus.attach`` has it (``features:NAME``).
        id: How a clip is called in the file; ``{id}`` stands for its id.
        id_column: The column of a table that holds ids; None where each clip has a table of its own.
    """

    values: Literal["logits", "probabilities"]
    classes: tuple[str, ...]
    columns: str | tuple[str, ...] = _CLASS
    origin: Literal["elsewhere", "out_of_fold", "unknown"] = "unknown"
    source: str | None = None
    id: str = _ID
    id_column: str | None = "id"

    def __post_init__(self) -> None:
        _check_source(self.source, self.id)
        if len(self.classes) < 2 or len(set(self.classes)) != len(self.classes):
            raise ValueError("classes are at least two different ones")
        if isinstance(self.columns, str):
            if _CLASS not in self.columns:
                raise ValueError(f"columns contains {_CLASS}, or is a list of a column for each class")
        elif len(set(self.columns)) != len(self.classes):
            raise ValueError(f"there are {len(self.classes)} classes and {len(set(self.columns))} different columns")

    @property
    def named_columns(self) -> tuple[str, ...]:
        """The column of each class."""
        if isinstance(self.columns, str):
            return tuple(self.columns.replace(_CLASS, name) for name in self.classes)
        return self.columns


def _check_sizes(dropout: float, *sizes: int) -> None:
    if min(sizes) < 1:
        raise ValueError("sizes are at least 1")
    if not 0 <= dropout <= 1:
        raise ValueError(f"dropout lies in 0 to 1, not at {dropout}")


@dataclass(frozen=True)
class MLP:
    """Options of the encoder ``mlp``.

    Args:
        hidden: Sizes of the hidden layers, each with layer norm; none for a linear layer alone.
        embedding: Outputs.
        pooling: How steps become one vector: their ``mean``, or ``statistics``: mean and deviation.
        dropout: Before every layer but the first.
    """

    hidden: tuple[int, ...] = (64,)
    embedding: int = 64
    pooling: Literal["mean", "statistics"] = "mean"
    dropout: float = 0.3

    def __post_init__(self) -> None:
        _check_sizes(self.dropout, self.embedding, *self.hidden)


@dataclass(frozen=True)
class GRU:
    """Options of the encoder ``gru``.

    Args:
        hidden: Size of the state, in each direction.
        layers: Recurrent layers.
        bidirectional: Read backwards as well.
        pooling: ``attention`` (learnt weights) or ``mean`` over the steps.
        embedding: Outputs.
        dropout: Between layers and before the output.
    """

    hidden: int = 32
    layers: int = 1
    bidirectional: bool = True
    pooling: Literal["attention", "mean"] = "attention"
    embedding: int = 64
    dropout: float = 0.3

    def __post_init__(self) -> None:
        _check_sizes(self.dropout, self.hidden, self.layers, self.embedding)
