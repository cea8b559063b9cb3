"""Quiet ends cut off."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fusion.contract import Pieces, Row, Span
from fusion_spectrogram import options
from fusion_spectrogram.sound import exact
from fusion_spectrogram.transforming import Window


class Trim(Window):
    """``frames`` and ``level`` of a window from its first to its last frame that is not quiet.

    A frame's loudness is its ``level``. With ``longest``, what is longer is cut to its middle.
    """

    def __init__(self, options: options.Trim) -> None:
        self.options = options

    def apply(self, pieces: Row, span: Span, state: Any) -> Row:  # noqa: ARG002
        """The shorter row; silence and rows without levels stay as they are."""
        frames, level = pieces.get("frames"), pieces.get("level")
        if frames is None or level is None or frames.rate is None or len(frames) != len(level):
            return pieces
        values = np.asarray(level.data)
        if len(values) == 0 or values.max() <= 0:
            return pieces
        loud = np.flatnonzero(values > values.max() * 10 ** (-self.options.range_db / 10))
        margin = round(exact(self.options.margin) * frames.rate)
        start = max(0, int(loud[0]) - margin)
        stop = min(len(values), int(loud[-1]) + 1 + margin)
        if self.options.longest is not None:
            surplus = stop - start - max(1, math.floor(exact(self.options.longest) * frames.rate))
            if surplus > 0:
                start, stop = start + surplus // 2, stop - (surplus - surplus // 2)
        return {
            **pieces,
            "frames": Pieces(frames.data[start:stop], frames.rate, frames.first + start),
            "level": Pieces(values[start:stop], level.rate, level.first + start),
        }
