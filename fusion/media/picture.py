"""One decoded picture, converted only as far as asked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple, cast

import cv2
import numpy as np
from av.sidedata.sidedata import SideData, Type
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from fusion.contract import DataError, Region
from fusion.media.limits import LARGEST_PICTURE
from fusion.media.shrinking import halved, power_of_two, snapped, surrounded

#: Kr and Kb of the matrices by FFmpeg's number (ITU-T H.273): BT.709, FCC, BT.601 twice, SMPTE 240M, BT.2020 twice.
_MATRICES = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}
#: Untagged pictures taller than this are taken for BT.709, as players do.
_STANDARD_DEFINITION = 576
_FULL_RANGE = 2
_UNTAGGED = 2

_Box = tuple[int, int, int, int]


class _Layout(NamedTuple):
    """How a pixel format lies in memory: bits of a sample, and chroma's shift to the right and down."""

    bits: int
    across: int
    down: int


_LAYOUTS = {
    f"yuv{family}p{suffix}": _Layout(bits, across, down)
    for family, across, down in (("420", 1, 1), ("422", 1, 0), ("444", 0, 0), ("440", 0, 1), ("411", 2, 0))
    for suffix, bits in (("", 8), ("9le", 9), ("10le", 10), ("12le", 12), ("14le", 14), ("16le", 16))
} | {
    f"yuvj{family}p": _Layout(8, a, d) for family, a, d in (("420", 1, 1), ("422", 1, 0), ("444", 0, 0), ("440", 0, 1))
}


class FramePicture:
    """A picture on a decoded frame, which it keeps alive; rotation, bit depth and region are applied on reading.

    Args:
        frame: The frame as stored.
        region: The part of the upright picture that belongs to the clip; None for all of it.
        orientation: That of the frame, where it is known already (see ``orientation_of``).

    Raises:
        DataError: The frame is larger than the limit.
    """

    __slots__ = ("_flipped", "_frame", "_inner", "_layout", "_turns")

    def __init__(
        self, frame: VideoFrame, region: Region | None = None, orientation: tuple[int, bool] | None = None
    ) -> None:
        if frame.width * frame.height > LARGEST_PICTURE:
            raise DataError(f"a picture of {frame.width}x{frame.height} is over the limit (LARGEST_PICTURE)")
        self._frame = frame
        self._turns, self._flipped = orientation_of(frame) if orientation is None else orientation
        upright = (frame.height, frame.width) if self._turns % 2 else (frame.width, frame.height)
        self._inner = _pixels(region, upright)
        self._layout = _LAYOUTS.get(frame.format.name)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the upright region in pixels."""
        return self._inner[2], self._inner[3]

    def grey(self, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """Luma in full range ``[height, width]`` uint8, scaled to size (width, height)."""
        left, top, width, height = self._stored(self._inner)
        if self._layout is None:
            luma = _as_grey(self._frame)[top : top + height, left : left + width]
            return self._upright(_scaled(luma, self._turned(size)))
        luma = self._plane(0)[top : top + height, left : left + width]
        return self._upright(_full_range(_scaled(luma, self._turned(size)), self._layout.bits, self._full_range))

    def rgb(
        self, box: tuple[float, float, float, float] | None = None, size: tuple[int, int] | None = None
    ) -> NDArray[np.uint8]:
        """The box, rounded to whole pixels, as ``[height, width, 3]`` uint8, scaled to size (width, height).

        Args:
            box: (left, top, width, height) in pixels of the upright region; None for all of it. Parts outside the
                region repeat its edge.
            size: Size of the answer; None keeps the box's.

        Raises:
            ValueError: The box holds no pixel or is larger than the largest picture.
        """
        width, height = self.size
        left, top, right, bottom = (0, 0, width, height) if box is None else _rounded(box)
        if size is not None:
            shrunk = self._shrunk((left, top, right - left, bottom - top), size)
            if shrunk is not None:
                return shrunk
        # What of the box lies inside, at least the nearest pixel of the edge.
        inside = (
            min(max(left, 0), width - 1),
            min(max(top, 0), height - 1),
            max(min(right, width), 1),
            max(min(bottom, height), 1),
        )
        part = (inside[0], inside[1], max(inside[2] - inside[0], 1), max(inside[3] - inside[1], 1))
        if part == (left, top, right - left, bottom - top):
            return self._crop(part, size)
        crop = self._crop(part, None)
        columns = np.clip(np.arange(left, right) - part[0], 0, part[2] - 1)
        rows = np.clip(np.arange(top, bottom) - part[1], 0, part[3] - 1)
        return _scaled(crop[rows][:, columns], size)

    @property
    def _full_range(self) -> bool:
        return self._frame.color_range == _FULL_RANGE or self._frame.format.name.startswith("yuvj")

    def _plane(self, index: int) -> NDArray[Any]:
        """A plane of the frame without a copy, with its padding cut off."""
        plane = self._frame.planes[index]
        assert self._layout is not None
        dtype = np.dtype(np.uint8 if self._layout.bits == 8 else np.dtype("<u2"))
        rows = np.frombuffer(cast("Any", plane), dtype).reshape(-1, plane.line_size // dtype.itemsize)
        return rows[: plane.height, : plane.width]

    def _crop(self, box: _Box, size: tuple[int, int] | None) -> NDArray[np.uint8]:
        """Upright RGB of a box inside the region, scaled to size."""
        stored = self._stored((box[0] + self._inner[0], box[1] + self._inner[1], box[2], box[3]))
        left, top, width, height = stored
        size = self._turned(size)
        matrix = self._matrix()
        if self._layout is None or matrix is None:
            return self._upright(_scaled(_as_rgb(self._frame)[top : top + height, left : left + width], size))
        layers = [self._luma(stored), self._chroma(1, stored), self._chroma(2, stored)]
        if size is not None and self._in_whole_blocks(stored) and size[0] <= width and size[1] <= height:
            # Shrinking each plane as it is stored spares spreading the chroma first.
            merged = cv2.merge([_scaled(layer, size) for layer in layers])
        else:
            merged = _scaled(cv2.merge([layers[0], *(self._spread(layer, stored) for layer in layers[1:])]), size)
        return self._upright(cast("NDArray[np.uint8]", cv2.transform(merged, matrix)))

    def _shrunk(self, box: _Box, size: tuple[int, int]) -> NDArray[np.uint8] | None:
        """Upright RGB of a box at a quarter of its size or less; None where it is larger than that, or unusual.

        The box is rounded to a grid of up to half a pixel of the answer, so that planes as they are stored can be
        halved, which is many times faster than any other scaling, before what is left is scaled by area.
        """
        matrix = self._matrix()
        if self._layout is None or matrix is None:
            return None
        size = self._turned(size) or size
        left, top, width, height = self._stored((box[0] + self._inner[0], box[1] + self._inner[1], box[2], box[3]))
        grid = power_of_two(min(width / size[0], height / size[1]) / 2)
        bits, across, down = self._layout
        if grid < 2 or grid < 1 << max(across, down):
            return None
        edges = snapped((left, top, left + width, top + height), grid)
        inner = self._stored(self._inner)
        planes = []
        for index in range(3):
            shifts = (across, down) if index else (0, 0)
            part = surrounded(self._plane(index), edges, inner, shifts)
            if part is None:
                return None
            planes.append(_eight_bits(halved(part, (grid >> shifts[0], grid >> shifts[1])), bits))
        colours = cv2.transform(_scaled(cv2.merge(planes), size), matrix)
        return self._upright(cast("NDArray[np.uint8]", colours))

    def _matrix(self) -> NDArray[np.float64] | None:
        """From luma and chroma to RGB; None for matrices that are not known here."""
        matrix = self._frame.colorspace
        if matrix == _UNTAGGED:
            matrix = 1 if self._frame.height > _STANDARD_DEFINITION else 5
        return _rgb_matrix(*_MATRICES[matrix], self._full_range) if matrix in _MATRICES else None

    def _luma(self, box: _Box) -> NDArray[np.uint8]:
        left, top, width, height = box
        assert self._layout is not None
        return _eight_bits(self._plane(0)[top : top + height, left : left + width], self._layout.bits)

    def _chroma(self, index: int, box: _Box) -> NDArray[np.uint8]:
        """Chroma of all blocks that a box touches."""
        left, top, width, height = box
        assert self._layout is not None
        bits, across, down = self._layout
        rows = slice(top >> down, (top + height - 1 >> down) + 1)
        columns = slice(left >> across, (left + width - 1 >> across) + 1)
        return _eight_bits(self._plane(index)[rows, columns], bits)

    def _spread(self, chroma: NDArray[np.uint8], box: _Box) -> NDArray[np.uint8]:
        """Chroma of a box's blocks, one value for each of the box's pixels."""
        left, top, width, height = box
        assert self._layout is not None
        _, across, down = self._layout
        if across or down:
            size = (chroma.shape[1] << across, chroma.shape[0] << down)
            chroma = cast("NDArray[np.uint8]", cv2.resize(chroma, size, interpolation=cv2.INTER_LINEAR))
        y, x = top - (top >> down << down), left - (left >> across << across)
        return chroma[y : y + height, x : x + width]

    def _in_whole_blocks(self, box: _Box) -> bool:
        """Whether the box consists of whole blocks of chroma."""
        assert self._layout is not None
        across, down = (1 << self._layout.across) - 1, (1 << self._layout.down) - 1
        left, top, width, height = box
        return not (left & across or width & across or top & down or height & down)

    def _stored(self, box: _Box) -> _Box:
        """A box of the upright picture in coordinates of the stored one."""
        left, top, width, height = box
        stored_width, stored_height = self._frame.width, self._frame.height
        upright_width = stored_height if self._turns % 2 else stored_width
        if self._flipped:
            left = upright_width - left - width
        if self._turns == 1:
            return top, stored_height - left - width, height, width
        if self._turns == 2:
            return stored_width - left - width, stored_height - top - height, width, height
        if self._turns == 3:
            return stored_width - top - height, left, height, width
        return left, top, width, height

    def _turned(self, size: tuple[int, int] | None) -> tuple[int, int] | None:
        return size[::-1] if size is not None and self._turns % 2 else size

    def _upright(self, stored: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self._turns:
            stored = np.rot90(stored, -self._turns)
        if self._flipped:
            stored = stored[:, ::-1]
        return np.ascontiguousarray(stored)


def orientation_of(frame: VideoFrame) -> tuple[int, bool]:
    """Clockwise quarter turns that make the stored picture upright, and whether it is mirrored after that.

    PyAV's frame and its side data hold each other from then on, so that a frame asked this is released late, by the
    garbage collector: ask one frame of many.
    """
    # The stubs of PyAV take side data for a typed dictionary of strings.
    held = cast("Mapping[Type, SideData]", frame.side_data)
    data = held.get(Type.DISPLAYMATRIX)
    if data is None:
        return 0, False
    values = np.frombuffer(cast("Any", data), np.int32)
    if len(values) < 5:
        return 0, False
    # A stored point (x, y), y down, is shown at (a x + c y, b x + d y).
    a, b, c, d = (float(value) for value in values[[0, 1, 3, 4]])
    flipped = a * d - b * c < 0
    if flipped:
        a = -a
    return round(np.degrees(np.arctan2(b, a)) / 90) % 4, flipped


def _pixels(region: Region | None, size: tuple[int, int]) -> _Box:
    width, height = size
    if region is None:
        return 0, 0, width, height
    left, right = round(region.left * width), round(region.right * width)
    top, bottom = round(region.top * height), round(region.bottom * height)
    return min(left, width - 1), min(top, height - 1), max(right - left, 1), max(bottom - top, 1)


def _rounded(box: tuple[float, float, float, float]) -> _Box:
    """(left, top, right, bottom) in whole pixels."""
    left, top, width, height = box
    if not (np.isfinite(box).all() and width > 0 and height > 0 and width * height <= LARGEST_PICTURE):
        raise ValueError(f"a box has a place, and a width and height above 0 and within the limit, not {box}")
    first, upper = round(left), round(top)
    return first, upper, max(round(left + width), first + 1), max(round(top + height), upper + 1)


def _scaled(image: NDArray[Any], size: tuple[int, int] | None) -> NDArray[Any]:
    """The image scaled to (width, height): by area where it shrinks, linearly where it grows."""
    height, width = image.shape[:2]
    if size is None or size == (width, height):
        return image
    shrinks = size[0] <= width and size[1] <= height
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cast("NDArray[Any]", cv2.resize(image, size, interpolation=interpolation))


def _eight_bits(samples: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    if bits == 8:
        return samples
    half = 1 << (bits - 9)
    rounded = (samples.astype(np.uint32) + half) >> (bits - 8)
    return cast("NDArray[np.uint8]", np.minimum(rounded, 255).astype(np.uint8))


def _full_range(luma: NDArray[Any], bits: int, full: bool) -> NDArray[np.uint8]:
    """Luma of any depth and range as uint8 from 0 (black) to 255 (white)."""
    if full:
        return _eight_bits(luma, bits)
    if bits == 8:
        return cast("NDArray[np.uint8]", cv2.LUT(luma, _LIMITED_TO_FULL))
    step = 1 << (bits - 8)
    levels = (luma.astype(np.float32) / step - 16) * (255 / 219)
    return np.clip(np.round(levels), 0, 255).astype(np.uint8)


_LIMITED_TO_FULL = np.clip(np.round((np.arange(256) - 16) * (255 / 219)), 0, 255).astype(np.uint8)


@lru_cache
def _rgb_matrix(red: float, blue: float, full: bool) -> NDArray[np.float64]:
    """``[3, 4]`` from (Y, Cb, Cr, 1) to RGB for the given Kr and Kb (ITU-R BT.601, BT.709)."""
    green = 1 - red - blue
    luma, chroma = (1.0, 1.0) if full else (255 / 219, 255 / 224)
    by_cb = np.array([0.0, -2 * blue * (1 - blue) / green, 2 * (1 - blue)]) * chroma
    by_cr = np.array([2 * (1 - red), -2 * red * (1 - red) / green, 0.0]) * chroma
    offset = -luma * (0 if full else 16) - 128 * (by_cb + by_cr)
    return np.stack([np.full(3, luma), by_cb, by_cr, offset], axis=1)


def _as_rgb(frame: VideoFrame) -> NDArray[np.uint8]:
    """A frame of an unusual pixel format, converted as a whole."""
    return cast("NDArray[np.uint8]", frame.reformat(format="rgb24").to_ndarray())


def _as_grey(frame: VideoFrame) -> NDArray[np.uint8]:
    return cast("NDArray[np.uint8]", cv2.cvtColor(_as_rgb(frame), cv2.COLOR_RGB2GRAY))
