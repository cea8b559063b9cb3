from __future__ import annotations

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fusion.contract import Region
from fusion.media.picture import FramePicture
from fusion.media.shrinking import halved, power_of_two, snapped, surrounded

SIZE = (640, 360)
ANSWER = (30, 50)


def smooth_picture() -> NDArray[np.uint8]:
    """Colours that change slowly, so that a fraction of a pixel of the answer changes little."""
    x, y = np.meshgrid(np.arange(SIZE[0]) / SIZE[0], np.arange(SIZE[1]) / SIZE[1])
    layers = [0.5 + 0.4 * np.sin(3 * x + y), 0.2 + 0.6 * y, 0.5 + 0.4 * np.cos(4 * x * y)]
    return np.asarray(np.stack(layers, axis=2) * 255, np.uint8)


def frame_of(pixel_format: str) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(smooth_picture(), format="rgb24").reformat(format=pixel_format)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuvj420p"])
@pytest.mark.parametrize("region", [None, Region(0.1, 0.15, 0.9, 0.95)])
@pytest.mark.parametrize("box", [(101, 33, 240, 300), (-80.5, -60.2, 330.0, 500.0), (430, 60, 400, 301)])
def test_a_small_picture_of_a_large_box_is_that_of_its_pixels(
    pixel_format: str, region: Region | None, box: tuple[float, float, float, float]
) -> None:
    picture = FramePicture(frame_of(pixel_format), region)
    pixels = picture.rgb()
    left, top = round(box[0]), round(box[1])
    rows = np.clip(np.arange(top, round(box[1] + box[3])), 0, pixels.shape[0] - 1)
    columns = np.clip(np.arange(left, round(box[0] + box[2])), 0, pixels.shape[1] - 1)
    expected = cv2.resize(pixels[rows][:, columns], ANSWER, interpolation=cv2.INTER_AREA)
    assert picture._shrunk((0, 0, 400, 400), ANSWER) is not None
    np.testing.assert_allclose(picture.rgb(box, ANSWER).astype(int), expected.astype(int), atol=4)


def test_a_box_shrunk_less_takes_every_pixel_as_it_is() -> None:
    picture = FramePicture(frame_of("yuv420p"))
    assert picture._shrunk((0, 0, 119, 199), ANSWER) is None
    assert picture._shrunk((700, 0, 400, 400), ANSWER) is None  # beside the picture


def test_the_parts_of_a_plane() -> None:
    plane = np.arange(48, dtype=np.uint8).reshape(6, 8)
    part = surrounded(plane, (-2, 4, 6, 14), (2, 0, 10, 12), (1, 1))
    np.testing.assert_array_equal(part, plane[[2, 3, 4, 5, 5]][:, [1, 1, 1, 2]])
    assert surrounded(plane, (0, 0, 2, 2), (4, 0, 8, 12), (1, 1)) is None
    np.testing.assert_array_equal(halved(plane, (4, 2)), cv2.resize(plane, (2, 3), interpolation=cv2.INTER_AREA))
    assert [power_of_two(number) for number in (0.3, 1, 1.9, 2, 5.3, 8)] == [1, 1, 1, 2, 4, 8]
    assert snapped((-3, 1, 5, 2), 4) == (-4, 0, 4, 4)
