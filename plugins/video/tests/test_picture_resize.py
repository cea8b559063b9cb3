from __future__ import annotations

from fractions import Fraction

import numpy as np
from fusion_video.options import PictureResize as Options
from fusion_video.picture_resize import PictureResize

from fusion.contract import Span


def test_whole_pictures_are_resized_and_count_as_a_face(noise):
    pieces = noise(20)
    span = Span(Fraction(1), Fraction(2))
    row = PictureResize(Options(width=16, height=12)).apply(pieces, span, None)
    assert row["frames"].first == 7
    assert row["frames"].data.shape == (7, 12, 16, 3)
    assert row["face"].data.tolist() == [[1, 1]] * 7
    expected = pieces["pictures"].data[7].image.astype(float).reshape(12, 10, 16, 10, 3).mean((1, 3))
    np.testing.assert_allclose(row["frames"].data[0], expected, atol=1)


def test_no_pictures_are_no_frames(noise):
    row = PictureResize(Options()).apply(noise(0), Span(Fraction(0), Fraction(1)), None)
    assert row["frames"].data.shape == (0, 100, 60, 3)
