"""Arrays as pictures: colours of numbers, spectrograms of sound, and the embedding of both."""

from __future__ import annotations

import base64
from functools import cache
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

#: The fixed scale of levels, in dB.
LIMIT = 60.0
#: Seconds of the Hann window of the spectrograms that are drawn of sound.
WINDOW = 0.025
#: Quality of embedded JPEGs, and up to how many pixels a picture is a PNG: a few numbers, drawn large.
_QUALITY, _SMALL = 72, 1024


@cache
def colours() -> Image:
    """256 colours ``[256, 3]`` RGB, from low to high: light to dark, told apart in grey as well."""
    ramp = np.arange(256, dtype=np.uint8)[::-1, None]
    magma = cv2.cvtColor(cv2.applyColorMap(ramp, cv2.COLORMAP_MAGMA), cv2.COLOR_BGR2RGB)[:, 0]
    paper = np.clip(1 - np.arange(256) / 110, 0, 1)[:, None]
    return np.asarray(np.round(magma * (1 - paper) + np.array([246, 245, 241]) * paper), np.uint8)


def coloured(values: NDArray[Any], limits: tuple[float, float]) -> Image:
    """Numbers ``[rows, columns]`` as RGB; what is not finite is white."""
    low, high = limits
    share = (values.astype(np.float64) - low) / ((high - low) or 1.0)
    image = colours()[np.clip(np.nan_to_num(share) * 255, 0, 255).astype(np.uint8)]
    image[~np.isfinite(share)] = 255
    return image


def over_time(values: NDArray[Any], starts: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Items ``[N, F]`` as columns ``[F, C]``: what lies between two edges is averaged, else the item in force is shown.

    Columns before the first item are not a number; the last item is shown for as long as the one before it.

    Args:
        values: Numbers.
        starts: Second of each item ``[N]``, ascending.
        edges: Seconds between the columns ``[C + 1]``.
    """
    result = np.full((values.shape[1], len(edges) - 1), np.nan)
    if not len(values):
        return result
    until = starts[-1] + (starts[-1] - starts[-2] if len(starts) > 1 else np.inf)
    places = np.searchsorted(starts, edges + 1e-9)
    for column, (begin, end) in enumerate(pairwise(places)):
        if end > begin:
            result[:, column] = values[begin:end].mean(axis=0)
        elif begin > 0 and edges[column] < until - 1e-9:
            result[:, column] = values[begin - 1]
    return result


def levels(samples: NDArray[Any], rate: float, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """``20 log10 |STFT|`` ``[T, bins]`` of samples around each time, clipped to the fixed scale.

    Args:
        samples: In -1 to 1, the first at second 0.
        rate: Samples per second.
        times: Centres of the windows ``[T]`` in seconds; where there is no sound it is quiet.
    """
    size = max(16, round(WINDOW * rate))
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    padded = np.pad(np.asarray(samples, np.float64), (size, 2 * size))
    starts = np.clip(np.round(times * rate).astype(np.int64) - size // 2 + size, 0, len(padded) - size)
    spectrum = np.abs(np.fft.rfft(padded[starts[:, None] + np.arange(size)] * hann, axis=1))
    return np.asarray(np.clip(20 * np.log10(np.maximum(spectrum, 1e-9)), -LIMIT, LIMIT))


def embedded(image: Image) -> str:
    """A picture as a data URI, in the kinds that whatever shows SVG must know."""
    kind = "png" if image.shape[0] * image.shape[1] <= _SMALL else "jpeg"
    options = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY] if kind == "jpeg" else []
    written, data = cv2.imencode(f".{kind}", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    assert written
    return f"data:image/{kind};base64," + base64.b64encode(data.tobytes()).decode()


def fitted(values: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
    """``[F, C]`` brought to at most so many rows by averaging neighbours, to scale."""
    if values.shape[0] <= rows:
        return values
    return np.asarray(cv2.resize(values, (values.shape[1], rows), interpolation=cv2.INTER_AREA))
