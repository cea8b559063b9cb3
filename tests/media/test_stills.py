"""Single pictures in files of their own: clips of one picture."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from fusion.contract import PICTURES, Clip, DataError, Region, Track, Want
from fusion.media import probe
from tests.media.conftest import read

WANT = Want(PICTURES, Fraction(20, 3))


def still(path: Path) -> Path:
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:, 30:] = 200
    assert cv2.imwrite(str(path), picture)
    return path


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "webp"])
def test_a_still_is_one_picture(tmp_path: Path, suffix: str) -> None:
    path = still(tmp_path / f"face.{suffix}")
    assert probe(path).kinds == ("pictures",)
    assert probe(path).pictures[0].size == (60, 40)
    clip = Clip("one", (Track(PICTURES, path, region=Region(left=0.5)),))
    (pieces,) = read(clip, WANT)[WANT]
    assert len(pieces) == 1
    picture = pieces.data[0]
    assert picture.size == (30, 40)
    assert picture.grey().mean() == pytest.approx(200, abs=4)


def test_a_name_is_never_a_pattern(tmp_path: Path) -> None:
    """Image sequences name other files: a still is that one file, whatever its name."""
    still(tmp_path / "face_1.png")
    path = tmp_path / "face_%d.png"
    path.write_bytes((tmp_path / "face_1.png").read_bytes()[:100])
    with pytest.raises(DataError):
        read(Clip("one", (Track(PICTURES, path),)), WANT)
