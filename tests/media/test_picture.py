"""Colour, depth, rotation, odd sizes, regions and boxes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from av.video.frame import VideoFrame

from fusion.contract import PICTURES, Clip, DataError, Region, Track, Want
from fusion.media.picture import FramePicture
from fusion.testing.media import write_clip

from .conftest import read

COLOURS = {"red": (200, 40, 30), "green": (30, 180, 60), "blue": (40, 60, 210), "grey": (128, 128, 128)}


def quarters(size: tuple[int, int]) -> Any:
    """Four colours in the four quarters of the picture: no symmetry is left."""
    width, height = size
    image = np.empty((height, width, 3), np.uint8)
    red, green, blue, grey = COLOURS.values()
    image[: height // 2, : width // 2], image[: height // 2, width // 2 :] = red, green
    image[height // 2 :, : width // 2], image[height // 2 :, width // 2 :] = blue, grey
    return lambda _seconds: image


def first_picture(path: Path, region: Region | None = None) -> Any:
    want = Want(PICTURES, Fraction(1))
    return read(Clip("one", (Track(PICTURES, path, region=region),)), want)[want][0].data[0]


def write(path: Path, size: tuple[int, int] = (64, 48), **settings: Any) -> Path:
    return write_clip(
        path, seconds=0.2, size=size, pictures=quarters(size), sound=None, options={"crf": "2"}, **settings
    )


@pytest.mark.parametrize("bt709", [False, True])
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p", "yuv422p", "yuv420p10le"])
def test_colours_survive_every_matrix_range_and_depth(
    tmp_path: Path, bt709: bool, full_range: bool, pixel_format: str
) -> None:
    path = write(tmp_path / "a.mp4", bt709=bt709, full_range=full_range, pixel_format=pixel_format)
    picture = first_picture(path)
    image = picture.rgb().astype(int)
    expected = quarters((64, 48))(0).astype(int)
    assert image.shape == expected.shape
    for y, x in ((8, 8), (8, 50), (40, 8), (40, 50)):
        assert np.abs(image[y, x] - expected[y, x]).max() <= 4
    weights = (0.2126, 0.7152, 0.0722) if bt709 else (0.299, 0.587, 0.114)
    grey = picture.grey().astype(float)
    for y, x in ((8, 8), (8, 50), (40, 8), (40, 50)):
        assert grey[y, x] == pytest.approx(np.dot(weights, expected[y, x]), abs=2.5)
    for size in ((32, 24), (128, 96)):
        assert picture.rgb(None, size).shape == (size[1], size[0], 3)
        assert picture.grey(size).shape == size[::-1]
        assert np.abs(picture.rgb(None, size)[3, 3].astype(int) - expected[0, 0]).max() <= 4


def test_planes_give_what_a_whole_conversion_gives() -> None:
    random = np.random.default_rng(1)
    smooth = cv2.resize(random.integers(90, 160, (8, 10, 3), np.uint8), (160, 120), interpolation=cv2.INTER_CUBIC)
    frame = VideoFrame.from_ndarray(smooth, "rgb24").reformat(
        format="yuv420p", dst_colorspace="ITU601", dst_color_range="MPEG"
    )
    frame.colorspace, frame.color_range = 5, 1
    picture = FramePicture(frame)
    whole = frame.reformat(format="rgb24", src_colorspace="ITU601", src_color_range="MPEG").to_ndarray()
    assert np.abs(picture.rgb().astype(int) - whole).mean() < 1.5
    box = (31.0, 17.0, 53.0, 41.0)
    assert np.abs(picture.rgb(box).astype(int) - whole[17:58, 31:84]).mean() < 1.6
    half = cv2.resize(whole, (80, 60), interpolation=cv2.INTER_AREA)
    assert np.abs(picture.rgb(None, (80, 60)).astype(int) - half).mean() < 1.5
    opencv = cv2.cvtColor(whole, cv2.COLOR_RGB2GRAY)
    assert np.abs(picture.grey().astype(int) - opencv).mean() < 2


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotated_pictures_stand_upright(tmp_path: Path, rotation: int) -> None:
    path = write(tmp_path / "turned.mp4", size=(64, 48), rotation=rotation)
    with av.open(str(path)) as container:
        stored = container.streams.video[0].codec_context
        assert (stored.width, stored.height) == ((64, 48) if rotation % 180 == 0 else (48, 64))
    picture = first_picture(path)
    assert picture.size == (64, 48)
    expected = quarters((64, 48))(0)
    assert np.abs(picture.rgb()[4::8, 4::8].astype(int) - expected[4::8, 4::8]).max() <= 4
    assert np.abs(picture.rgb(None, (32, 24))[4, 4].astype(int) - COLOURS["red"]).max() <= 4
    assert np.abs(picture.rgb((40, 4, 16, 12)).astype(int).mean((0, 1)) - COLOURS["green"]).max() <= 4
    assert picture.rgb((40, 4, 16, 12), (10, 20)).shape == (20, 10, 3)
    assert picture.grey((30, 20)).shape == (20, 30)
    left = first_picture(path, Region.named("left"))
    assert left.size == (32, 48)
    assert np.abs(left.rgb((0, 30, 30, 16)).astype(int).mean((0, 1)) - COLOURS["blue"]).max() <= 4
    right = first_picture(path, Region.named("right"))
    assert right.grey()[40:].mean() == pytest.approx(128, abs=3)


def test_a_mirroring_matrix_is_undone(tmp_path: Path) -> None:
    size = (64, 48)
    path = tmp_path / "mirrored.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "2"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.set_display_rotation(0, hflip=True)
        for _ in range(3):
            mirrored = np.ascontiguousarray(quarters(size)(0)[:, ::-1])
            container.mux(stream.encode(VideoFrame.from_ndarray(mirrored, "rgb24")))
        container.mux(stream.encode(None))
    picture = first_picture(path)
    assert np.abs(picture.rgb()[8, 8].astype(int) - COLOURS["red"]).max() <= 6
    assert np.abs(picture.rgb((40, 4, 10, 10)).mean((0, 1)) - COLOURS["green"]).max() <= 6


@pytest.mark.parametrize(
    ("codec", "pixel_format"), [("libx264", "yuv420p"), ("mpeg4", "yuv420p"), ("ffv1", "yuv422p"), ("ffv1", "bgr0")]
)
def test_odd_sizes_and_unusual_formats(tmp_path: Path, codec: str, pixel_format: str) -> None:
    suffix = "mkv" if codec == "ffv1" else "mp4"
    size = (65, 47)
    path = write_clip(
        tmp_path / f"odd.{suffix}",
        seconds=0.2,
        size=size,
        pictures=quarters(size),
        sound=None,
        video_codec=codec,
        pixel_format=pixel_format,
        options={"crf": "2"} if codec == "libx264" else {"qscale": "1"} if codec == "mpeg4" else {},
    )
    picture = first_picture(path)
    assert picture.size == size
    assert picture.rgb().shape == (47, 65, 3)
    assert picture.grey().shape == (47, 65)
    assert picture.rgb((60, 40, 5, 7)).shape == (7, 5, 3)
    for corner, colour in zip(((3, 3), (3, 60), (43, 3), (43, 62)), COLOURS.values(), strict=True):
        assert np.abs(picture.rgb()[corner].astype(int) - colour).max() <= 10
    region = first_picture(path, Region(0.51, 0.51, 0.9, 0.99))
    assert region.size == (round(0.9 * 65) - round(0.51 * 65), round(0.99 * 47) - round(0.51 * 47))


def test_parts_of_a_box_outside_repeat_the_edge(tmp_path: Path) -> None:
    picture = first_picture(write(tmp_path / "a.mp4"))
    whole = picture.rgb()
    padded = cv2.copyMakeBorder(whole, 6, 0, 9, 0, cv2.BORDER_REPLICATE)
    assert np.array_equal(picture.rgb((-9, -6, 29, 26)), padded[:26, :29])
    far = picture.rgb((1000, 1000, 4, 4))
    assert np.array_equal(far, np.broadcast_to(whole[-1, -1], (4, 4, 3)))
    wide = picture.rgb((-10, -10, 84, 68), (60, 100))
    assert wide.shape == (100, 60, 3)
    inner = first_picture(write(tmp_path / "b.mp4"), Region.named("left"))
    assert np.abs(inner.rgb((0, 0, 64, 20))[10, -1].astype(int) - inner.rgb()[10, -1]).max() == 0


@pytest.mark.parametrize("box", [(0, 0, 0, 5), (0, 0, 5, -1), (float("nan"), 0, 5, 5), (0, 0, 1e9, 1e9)])
def test_a_box_without_pixels_or_beyond_the_limit_is_refused(tmp_path: Path, box: Any) -> None:
    picture = first_picture(write(tmp_path / "a.mp4"))
    with pytest.raises(ValueError, match="box"):
        picture.rgb(box)


def test_a_picture_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fusion.media.picture.LARGEST_PICTURE", 100)
    with pytest.raises(DataError, match="LARGEST_PICTURE"):
        FramePicture(VideoFrame(20, 20, "yuv420p"))
