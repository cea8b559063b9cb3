from __future__ import annotations

from fractions import Fraction

import pytest
from fusion_video import augmentation_options, encoder_options, options
from fusion_video.checks import exact_seconds


def test_seconds_are_exact():
    assert [exact_seconds(text, "x") for text in ("3", "0.1", "20/3")] == [3, Fraction(1, 10), Fraction(20, 3)]


@pytest.mark.parametrize(
    ("make", "values", "message"),
    [
        (options.Video, {"frames": 0}, "frames is at least 1, not 0"),
        (options.Video, {"normalise": ()}, "at least one view"),
        (options.Video, {"least": 1.5}, "least lies in 0 to 1"),
        (options.Haar, {"step": 1.0}, "step is above 1"),
        (options.FaceBoxes, {"every": "0"}, "every is a number of seconds"),
        (options.FaceCrop, {"smooth": "-1"}, "smooth is a number of seconds"),
        (options.FaceCrop, {"enlarge": 0.0}, "enlarge is at least"),
        (options.PictureResize, {"width": 0}, "width is at least 1"),
        (augmentation_options.Flip, {"chance": 2}, "chance lies in 0 to 1"),
        (augmentation_options.ShiftCrop, {"zoom": -1}, "zoom is at least 0"),
        (augmentation_options.Erase, {"least": 0.5, "most": 0.2}, "most is at least 0.5"),
        (encoder_options.CNN3D, {"pools": (1, 0, 1)}, "pools is at least 1"),
        (encoder_options.CNN3D, {"pooling": ()}, "at least one form"),
        (encoder_options.X3D, {"deviation": 0.0}, "above 0"),
        (encoder_options.SlowR50, {"dropout": -0.1}, "dropout lies in 0 to 1"),
    ],
)
def test_values_out_of_range_are_refused(make, values, message):
    with pytest.raises(ValueError, match=message):
        make(**values)
