"""Pictures along the time axis, with boxes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fusion.contract import Pieces, View
from fusion.drawing.plots import Panel, TimeAxis, image_at, times_of

#: Least width of a thumbnail, and most rows and height of thumbnails, in pixels.
_THUMB, _THUMB_ROWS, _THUMB_HEIGHT = 62, 2, 104


def are_pictures(pieces: Pieces) -> bool:
    """Whether pieces are pictures: as decoded, or uint8 arrays of them."""
    data = pieces.data
    if isinstance(data, np.ndarray):
        return data.dtype == np.uint8 and ((data.ndim == 4 and data.shape[3] == 3) or data.ndim == 3)
    return len(data) > 0 and hasattr(data[0], "rgb")


def strip(view: View, pieces: Pieces, time: TimeAxis) -> Panel:
    """Pictures at the times from which they are on display, as many as find room."""
    starts = times_of(pieces)
    shown = [k for k in range(len(pieces)) if view.boxes is None or len(_boxes(view, k))]
    first = _rgb(pieces.data[shown[0]]) if shown else np.zeros((3, 4, 3), np.uint8)
    aspect = first.shape[1] / first.shape[0]
    least = _THUMB if view.boxes is None else min(1.6 * _THUMB_HEIGHT * max(aspect, 0.5), 150)
    rows = _THUMB_ROWS if view.boxes is None else 1
    chosen = list(_spread(shown, [time.scale(float(second)) for second in starts], time.width, least / rows))
    distance = min(
        (time.scale(float(starts[b])) - time.scale(float(starts[a])) for a, b in pairwise(chosen)),
        default=time.width,
    )
    lines = rows if len(chosen) > 1 and distance < _THUMB else 1
    width = min(distance * lines - 3, _THUMB_HEIGHT * aspect)
    height = width / aspect
    if len(chosen) < len(shown):
        chosen = [k for k in chosen if time.scale(float(starts[k])) + width <= time.width + 4]
    parts = []
    for place, k in enumerate(chosen):
        left, top = time.scale(float(starts[k])), (place % lines) * (height + 4)
        image = _rgb(pieces.data[k])
        across, down = image.shape[1], image.shape[0]
        scale = min(1.0, 2 * width / across)
        small = _rgb(pieces.data[k], (max(1, round(across * scale)), max(1, round(down * scale))))
        parts.append(image_at(small, left, top, width, height))
        for box in _boxes(view, k):
            # What lies outside of the picture has no room here: the outline then runs along its edge.
            x, y, right, below = (
                min(max(edge * width / across, 1), limit - 1)
                for edge, limit in zip(
                    (box[0], box[1], box[0] + box[2], box[1] + box[3]), (width, height, width, height), strict=True
                )
            )
            parts.append(
                f'<rect class="box" x="{left + x:.1f}" y="{top + y:.1f}" width="{right - x:.1f}" '
                f'height="{below - y:.1f}"/>'
            )
    total = len(shown) if view.boxes is not None else len(pieces)
    what = f"{len(chosen)} of {total}" if len(chosen) < total else f"{total}"
    return Panel(
        f"{view.title}: {what}, of {first.shape[1]} by {first.shape[0]} pixels" if shown else f"{view.title}: none",
        lines * (height + 4) if shown else 0,
        "".join(parts),
        ruled=False,
    )


def _boxes(view: View, item: int) -> list[NDArray[Any]]:
    return [] if view.boxes is None else [box for box in np.asarray(view.boxes[item]) if box[2] > 0 and box[3] > 0]


def _spread(items: Sequence[int], places: Sequence[float], width: float, least: float) -> Iterator[int]:
    """Items at even steps, none closer to the last than least, nor where the plot ends."""
    step = next((n for n in range(1, len(items) + 1) if _apart(items[::n], places) >= least), 1)
    for k in items[::step]:
        if 0 <= places[k] < width:
            yield k


def _apart(items: Sequence[int], places: Sequence[float]) -> float:
    return min((places[b] - places[a] for a, b in pairwise(items)), default=np.inf)


def _rgb(picture: Any, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    if hasattr(picture, "rgb"):
        return np.asarray(picture.rgb(None, size))
    image = np.asarray(picture)
    image = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image
    if size is None or size == (image.shape[1], image.shape[0]):
        return image
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
