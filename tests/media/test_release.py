from __future__ import annotations

import gc
from fractions import Fraction
from pathlib import Path

from av.video.frame import VideoFrame

from fusion.contract import PICTURES, Clip, Track, Want
from fusion.media import open_clip
from fusion.testing.media import write_clip


def test_pictures_that_nobody_holds_are_released_at_once(tmp_path: Path) -> None:
    """Without waiting for the garbage collector, which does not see how large they are."""
    path = write_clip(tmp_path / "clip.mp4", seconds=4, rotation=90)
    clip = Clip("clip", (Track(PICTURES, path),))
    gc.collect()
    gc.disable()
    try:
        with open_clip(clip, (Want(PICTURES, Fraction(25)),)) as source:
            for second in range(1, 4):
                assert sum(len(pieces) for pieces in source.advance(Fraction(second)).values()) == 25
            held = sum(type(thing) is VideoFrame for thing in gc.get_objects())
    finally:
        gc.enable()
    assert held < 10
