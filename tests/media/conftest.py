from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fusion.contract import PICTURES, SOUND, Clip, Pieces, Track, Want
from fusion.media import open_clip
from fusion.testing.media import write_clip

#: Item k of a numbered clip is a grey of this many levels times k, read back by number_of.
LEVEL = 3


def numbered(size: tuple[int, int], fps: int = 25) -> Callable[[float], Any]:
    """Pictures whose grey tells the number of the frame (at the nominal rate, up to 72)."""

    def picture(seconds: float) -> Any:
        return np.full((size[1], size[0], 3), 20 + LEVEL * int(seconds * fps + 0.5), np.uint8)

    return picture


def number_of(picture: Any) -> int:
    return round((float(picture.grey().mean()) - 20) / LEVEL)


def media_clip(path: Path, **settings: Any) -> Clip:
    return Clip("one", (Track(PICTURES, path), Track(SOUND, path)), **settings)


def read(clip: Clip, *wants: Want, steps: list[Fraction] | None = None, **settings: Any) -> dict[Want, list[Pieces]]:
    """All pieces of a clip, as handed over by advancing in the given steps (the last one repeats)."""
    answers: dict[Want, list[Pieces]] = {want: [] for want in wants}
    steps = list(steps or [Fraction(5)])
    until = Fraction(0)
    with open_clip(clip, wants, **settings) as source:
        while not source.exhausted:
            until += steps.pop(0) if len(steps) > 1 else steps[0]
            for want, pieces in source.advance(until).items():
                answers[want].append(pieces)
    return answers


@pytest.fixture(scope="session")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of numbered pictures, with B-frames, and a tone."""
    path = tmp_path_factory.mktemp("media") / "talking.mp4"
    return write_clip(path, seconds=2.0, size=(64, 48), pictures=numbered((64, 48)), options={"crf": "8"})
