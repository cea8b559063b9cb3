"""Small cases with which the components are checked (``fusion plugins check video``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fusion.contract import Example

_RESIZED: tuple[Mapping[str, Any], ...] = ({"name": "picture_resize", "width": 24, "height": 32},)


def video(folder: Path) -> Sequence[Example]:
    """Whole pictures, every view of them, and heads that were looked for."""
    return [
        Example("pictures", transforms=_RESIZED),
        Example(
            "views", options={"normalise": ["standard", "difference", "motion"], "grey": True}, transforms=_RESIZED
        ),
        Example("heads", transforms=({"name": "face_boxes", "every": "1/2"}, {"name": "face_crop", "width": 20})),
    ]


def face_boxes(folder: Path) -> Sequence[Example]:
    return [Example(options={"every": "1/3", "most": 2})]


def face_crop(folder: Path) -> Sequence[Example]:
    return [
        Example(
            options={"width": 20, "height": 30, "smooth": "3/5"}, transforms=[{"name": "face_boxes", "every": "1/3"}]
        )
    ]


def picture_resize(folder: Path) -> Sequence[Example]:
    return [Example(options={"width": 20, "height": 30})]


def cnn3d(folder: Path) -> Sequence[Example]:
    sizes = {"widths": [4, 4, 6, 6], "groups": 2, "grid": [2, 1], "hidden": 8, "embedding": 6}
    return [
        Example("deviation", options=sizes),
        Example("segments", options={**sizes, "step": 1, "pooling": ["mean", "max"], "segments": 2}),
    ]


def x3d(folder: Path) -> Sequence[Example]:
    return [Example(options={"width": 0.5, "depth": 0.3, "embedding": 6})]


def slow_r50(folder: Path) -> Sequence[Example]:
    return [Example(options={"width": 4, "embedding": 6})]
