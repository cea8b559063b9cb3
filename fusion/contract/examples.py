"""Examples: how a plugin says with which small cases its components are to be checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from fusion.contract.clips import Clip, Track
from fusion.contract.pieces import Row

#: A component as a config names it: its name, or a mapping with ``name`` and options.
Named: TypeAlias = "str | Mapping[str, Any]"


@dataclass(frozen=True, slots=True)
class Example:
    """A small case with which ``fusion.testing`` checks a component. What is left out, the kit makes itself.

    A component names its examples by the argument ``examples`` of ``register``: a function that takes a folder
    (``pathlib.Path``), may write files into it, and answers a sequence of these.

    Args:
        name: Told in messages where a component has several examples.
        options: The component's options, as in a config; sizes as small as they go.
        modality: Of encoders, augmentations and transforms: the modality that makes their input, with its options.
            By default the one that they were registered for, with the options of its first example.
        transforms: Of modalities, encoders, augmentations and transforms: the steps before them. By default those of
            the modality's first example.
        rows: Of modalities and what follows them: pieces by media kind that take the place of those the kit makes, at
            least three clips of different lengths, each from second 0.
        tracks: Of decoders: the tracks of one small clip of at least two seconds.
        root: Of corpora: where a small tree of two speakers or more lies.
        labels: Of targets: labels of clips that it encodes, at least two different ones. Of corpora: the labels that
            its clips must have, by order of their ids, where every clip has the ones that are to be expected.
        clips: Of protocols: the clips to split, in place of the kit's own (24 speakers in 12 groups).
        known_failures: Names of checks that fail with this example, each with its reason. Such a check must fail:
            when it passes, its name is to be struck out.
    """

    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    modality: Named | None = None
    transforms: Sequence[Named] | None = None
    rows: Sequence[Row] | None = None
    tracks: Sequence[Track] = ()
    root: Path | None = None
    labels: Sequence[Mapping[str, Any]] | None = None
    clips: Sequence[Clip] | None = None
    known_failures: Mapping[str, str] = field(default_factory=dict)
