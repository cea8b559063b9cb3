from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from fusion_video.modality import Video
from fusion_video.options import Video as Options

from fusion.contract import DataError, Pieces, Span

WINDOW = Span(Fraction(0), Fraction(3))


def frames_of(row, options, span=WINDOW):
    batch = Video(options).batch([row], [span], {})
    return batch["frames"][0].numpy(), batch["mask"][0].numpy()


def test_twenty_pictures_in_three_seconds_exactly():
    assert Video(Options()).needs["pictures"].rate == Fraction(20, 3)
    assert Video(Options(frames=5, seconds="20/3")).needs["pictures"].rate == Fraction(3, 4)
    with pytest.raises(ValueError, match="seconds is a number of seconds above 0"):
        Video(Options(seconds="three"))


def test_a_batch_is_padded_and_masked_by_faces(crops):
    long, short = crops(5, [1, 0, 1, 1, 1]), crops(3)
    batch = Video(Options()).batch([long, short], [WINDOW, WINDOW], {})
    assert batch["frames"].shape == (2, 5, 3, 10, 6)
    assert batch["frames"].dtype == torch.float32
    assert batch["mask"].tolist() == [[True, False, True, True, True], [True, True, True, False, False]]
    expected = np.moveaxis(short["frames"].data, 3, 1) / 255
    np.testing.assert_allclose(batch["frames"][1, :3], expected, atol=1e-6)
    assert not batch["frames"][1, 3:].any()


def test_pictures_that_begin_late_keep_their_place(crops):
    frames, mask = frames_of(crops(4, first=9), Options(), Span(Fraction(1), Fraction(4)))
    assert mask.tolist() == [False, False, True, True, True, True]
    assert frames.shape[0] == 6
    assert not frames[:2].any()


def test_views_are_what_they_are_called(crops):
    row = crops(6, [1, 1, 0, 1, 1, 1])
    plain, mask = frames_of(row, Options())
    standard, _ = frames_of(row, Options(normalise=("standard",)))
    assert standard[mask].mean() == pytest.approx(0, abs=1e-5)
    assert standard[mask].std() == pytest.approx(1, abs=1e-5)
    difference, _ = frames_of(row, Options(normalise=("difference",)))
    np.testing.assert_allclose(difference[mask].mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(difference[1] - difference[0], 2 * (standard[1] - standard[0]), atol=1e-5)
    motion, _ = frames_of(row, Options(normalise=("motion",)))
    np.testing.assert_allclose(motion[1], 3 * (standard[1] - standard[0]), atol=1e-5)
    assert not motion[[0, 2, 3]].any()
    both, _ = frames_of(row, Options(normalise=("none", "motion")))
    np.testing.assert_array_equal(both, np.concatenate([plain, motion], axis=1))
    for view in (standard, difference, motion):
        assert not view[~mask].any()


def test_grey_is_one_channel_of_luma(crops):
    row = crops(2)
    grey, _ = frames_of(row, Options(grey=True))
    assert grey.shape == (2, 1, 10, 6)
    np.testing.assert_allclose(grey[:, 0], row["frames"].data @ np.array([0.299, 0.587, 0.114]) / 255, atol=1e-5)


def test_a_still_picture_stays_finite_in_every_view(crops):
    row = {**crops(3), "frames": Pieces(np.full((3, 10, 6, 3), 128, np.uint8), Fraction(20, 3))}
    frames, _ = frames_of(row, Options(normalise=("standard", "difference", "motion")))
    np.testing.assert_allclose(frames, 0, atol=1e-5)


def test_the_input_is_described_as_it_is_batched(crops):
    modality = Video(Options(grey=True, normalise=("difference", "motion")))
    spec = modality.input(crops(4), {})
    assert spec.shapes["frames"] == (None, 2, 10, 6)
    assert spec.rate == Fraction(20, 3)
    assert modality.batch([crops(4)], [WINDOW], {})["frames"].shape[2:] == (2, 10, 6)


def test_absence_has_a_reason(crops):
    modality = Video(Options())
    assert modality.absence(crops(20, [1] * 5 + [0] * 15)) is None
    assert modality.absence(crops(20, [1] * 4 + [0] * 16)) == "no face found in this window"
    assert Video(Options(least=0.0)).absence(crops(3, [0, 0, 0])) == "no face found in this window"
    assert Video(Options(least=0.1)).absence(crops(20, [1] * 4 + [0] * 16)) is None
    assert modality.absence(crops(0)) == "no pictures in this window"


def test_rows_that_cannot_be_batched_say_why(crops):
    modality = Video(Options())
    with pytest.raises(DataError, match="6x10 and 8x10 in one batch; end the chain with face_crop"):
        modality.batch([crops(2), crops(2, size=(8, 10))], [WINDOW, WINDOW], {})
    with pytest.raises(DataError, match="has pictures where frames and face are needed"):
        modality.absence({"pictures": crops(2)["frames"]})


def test_several_faces_are_noted_with_the_number_of_pictures(crops):
    row = crops(20)
    assert Video(Options()).notes(row) == ()
    row["face"].data[5:17, 1] = 2
    assert Video(Options()).notes(row) == ("2 faces in 12 of 20 pictures; the largest was followed",)
    row["face"].data[5, 1] = 3
    assert Video(Options()).notes(row) == ("up to 3 faces in 12 of 20 pictures; the largest was followed",)
