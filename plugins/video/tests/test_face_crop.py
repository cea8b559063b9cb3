from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from fusion_video.face_boxes import FaceBoxes
from fusion_video.face_crop import FaceCrop
from fusion_video.haar import Haar
from fusion_video.options import FaceBoxes as BoxesOptions
from fusion_video.options import FaceCrop as Options
from fusion_video.options import Haar as HaarOptions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fusion.contract import DataError, Pieces, Span
from fusion.testing.faces import face_picture

RATE = Fraction(20, 3)
WHOLE = Span(Fraction(0), Fraction(6))
SMALL = Options(width=6, height=10)


def walking(index: int):
    """One face that goes right by 2 pixels a picture, and is lost once."""
    return [] if index == 14 else [(10.0 + 2 * index, 40.0, 20.0, 20.0)]


def boxes_of(noise, scripted_detector, faces, count=40):
    return FaceBoxes(BoxesOptions(detector=scripted_detector(faces))).apply(noise(count), WHOLE, None)


def test_the_box_moves_on_a_line_between_looks_and_has_the_heads_aspect(noise, scripted_detector):
    row = boxes_of(noise, scripted_detector, lambda index: [(10.0 + 2 * index, 40.0, 20.0, 20.0)])
    FaceCrop(Options(width=6, height=10, smooth="1", enlarge=1.5)).apply(row, WHOLE, None)
    boxes = [picture.boxes[0] for picture in row["pictures"].data]
    left, top, width, height = boxes[17]
    assert (width, height) == pytest.approx((30, 50))
    assert top + height / 2 == pytest.approx(50)
    assert left + width / 2 == pytest.approx(20 + 2 * 17, abs=0.5)
    assert len(boxes) == 40


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.fractions(0, 6, max_denominator=20), max_size=6), smooth=st.sampled_from(["1", "5/4", "2"]))
def test_crops_do_not_depend_on_where_windows_begin(noise, scripted_detector, cuts, smooth):
    row = boxes_of(noise, scripted_detector, walking)
    step = FaceCrop(Options(width=6, height=10, smooth=smooth))
    whole = step.apply(row, WHOLE, None)
    edges = [Fraction(0), *sorted(cuts), Fraction(6)]
    for start, end in pairwise(edges):
        span = Span(start, end)
        around = {key: pieces.within(span.extended(*step.context)) for key, pieces in row.items()}
        part = step.apply(around, span, None)
        for key in ("frames", "face"):
            np.testing.assert_array_equal(part[key].data, whole[key].within(span).data)
            assert not len(part[key]) or part[key].first == whole[key].within(span).first


def test_a_look_that_misses_is_bridged_and_no_face_is_no_crop(noise, scripted_detector):
    bridged = FaceCrop(SMALL).apply(boxes_of(noise, scripted_detector, walking), WHOLE, None)
    assert bridged["face"].data[:, 0].all()
    gone = FaceCrop(SMALL).apply(
        boxes_of(noise, scripted_detector, lambda index: walking(index) if index < 7 else []), WHOLE, None
    )
    found = gone["face"].data[:, 0]
    assert found[:9].all()
    assert not found[9:].any()
    assert not gone["frames"].data[9:].any()


def test_the_largest_face_is_followed_and_another_does_not_take_over_at_once(noise, scripted_detector):
    def faces(index: int):
        # The passer-by is larger in one look only.
        passing = 46.0 if index == 20 else 16.0
        return [(20.0, 40.0, 40.0, 40.0), (110.0, 40.0, passing, passing)]

    row = boxes_of(noise, scripted_detector, faces)
    result = FaceCrop(Options(width=6, height=10, smooth="2")).apply(row, WHOLE, None)
    middles = [picture.boxes[0][0] + picture.boxes[0][2] / 2 for picture in row["pictures"].data]
    np.testing.assert_allclose(middles, 40, atol=0.01)
    assert (result["face"].data[:, 1] == 2).all()


def test_two_faces_in_one_look_are_never_joined(noise, scripted_detector):
    def faces(index: int):
        # In later looks another face stands in front of the first one's shoulder.
        return [(20.0, 40.0, 40.0, 40.0), (32.0, 56.0, 36.0, 36.0)][: 1 if index == 0 else 2]

    row = boxes_of(noise, scripted_detector, faces)
    FaceCrop(Options(width=6, height=10, enlarge=1.0)).apply(row, WHOLE, None)
    assert all(picture.boxes[0][2] == pytest.approx(40) for picture in row["pictures"].data)


def test_black_pictures_show_no_face(noise, scripted_detector):
    row = boxes_of(noise, scripted_detector, walking)
    row["pictures"].data[3].image = np.zeros_like(row["pictures"].data[3].image)
    assert FaceCrop(SMALL).apply(row, WHOLE, None)["face"].data[:5, 0].tolist() == [1, 1, 1, 0, 1]


def test_a_drawn_head_fills_the_crop(array_picture):
    pictures = Pieces([array_picture(face_picture((320, 240), right=0.4))] * 3, RATE)
    boxes = FaceBoxes(BoxesOptions(detector=Haar(HaarOptions()))).apply({"pictures": pictures}, WHOLE, None)
    row = FaceCrop(Options()).apply(boxes, WHOLE, None)
    assert row["frames"].data.shape == (3, 100, 60, 3)
    assert row["frames"].data.dtype == np.uint8
    assert row["face"].data.tolist() == [[1, 1]] * 3
    assert set(row) == {"frames", "face"}


def test_without_a_search_there_is_no_crop(noise):
    with pytest.raises(DataError, match="no faces were looked for; place the transform face_boxes"):
        FaceCrop(SMALL).apply(noise(3), WHOLE, None)
