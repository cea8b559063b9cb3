from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from fusion_video.face_boxes import FaceBoxes, is_looked_at
from fusion_video.options import FaceBoxes as Options
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.contract import DataError, Pieces, Span

WHOLE = Span(Fraction(0), Fraction(9))


@settings(max_examples=30, deadline=None)
@given(
    rate=st.fractions(Fraction(1, 2), 60, max_denominator=12),
    every=st.fractions(Fraction(1, 5), 4, max_denominator=12),
)
def test_the_first_picture_at_or_after_each_multiple_is_looked_at(rate, every):
    expected = {-(-(k * every * rate) // 1) for k in range(700)}
    looked = {index for index in range(60) if is_looked_at(index, rate * every)}
    assert looked == {index for index in expected if index < 60}


def test_faces_are_looked_for_once_a_second_whatever_the_blocks(noise, scripted_detector):
    whole = scripted_detector(lambda _: [(10.0, 10.0, 20.0, 20.0)])
    FaceBoxes(Options(detector=whole)).apply(noise(60), WHOLE, None)
    assert whole.asked == [0, 7, 14, 20, 27, 34, 40, 47, 54]
    blocks = scripted_detector(lambda _: [(10.0, 10.0, 20.0, 20.0)])
    step = FaceBoxes(Options(detector=blocks))
    for start in range(0, 90, 7):
        span = Span(Fraction(start, 10), Fraction(start + 7, 10))
        step.apply({"pictures": noise(60)["pictures"].within(span)}, span, None)
    assert blocks.asked == whole.asked


def test_faces_are_kept_largest_first_and_counted(noise, scripted_detector):
    faces = [(0.0, 0.0, 10.0, 10.0), (50.0, 0.0, 30.0, 30.0), (90.0, 0.0, 20.0, 20.0)]
    row = FaceBoxes(Options(detector=scripted_detector(lambda _: faces), most=2)).apply(noise(8), WHOLE, None)
    assert row["face_count"].data.tolist() == [3, -1, -1, -1, -1, -1, -1, 3]
    np.testing.assert_array_equal(row["faces"].data[0, :, 2], [30, 20])
    assert not row["faces"].data[1].any()
    assert len(row["pictures"]) == 8


def test_pictures_without_faces_count_none(noise, scripted_detector):
    row = FaceBoxes(Options(detector=scripted_detector(lambda _: []))).apply(noise(2), WHOLE, None)
    assert row["face_count"].data.tolist() == [0, -1]
    assert not row["faces"].data.any()


def test_a_row_without_pictures_and_nonsense_seconds_are_refused(scripted_detector):
    detector = scripted_detector(lambda _: [])
    with pytest.raises(DataError, match="no pictures on a grid, only sound"):
        FaceBoxes(Options(detector=detector)).apply({"sound": Pieces(np.zeros(3), Fraction(1))}, WHOLE, None)
    for every in ("0", "-1", "often", "1/0"):
        with pytest.raises(ValueError, match="every is a number of seconds above 0"):
            FaceBoxes(Options(detector=detector, every=every))
