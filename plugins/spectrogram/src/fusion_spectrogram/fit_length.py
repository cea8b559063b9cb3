"""Rows of one length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fusion.contract import Pieces, Row, Span, View
from fusion_spectrogram import options
from fusion_spectrogram.sound import exact, nearest
from fusion_spectrogram.transforming import Window


class FitLength(Window):
    """``frames`` ``[N, F]`` and ``level`` of a window cut or filled to ``seconds``, their middle in the middle.

    What is missing is each band's quietest value, and level 0. Networks see it as quiet sound: there is no mask.
    """

    def __init__(self, options: options.FitLength) -> None:
        self.options = options

    def apply(self, pieces: Row, span: Span, state: Any) -> Row:  # noqa: ARG002
        """The row at its new length; a row without frames stays as it is."""
        result = dict(pieces)
        for name in ("frames", "level"):
            given = pieces.get(name)
            if given is None or given.rate is None or len(given) == 0:
                continue
            data = np.asarray(given.data)
            count = max(1, nearest(exact(self.options.seconds) * given.rate))
            missing = count - len(data)
            if missing <= 0:
                start = -missing // 2
                result[name] = Pieces(data[start : start + count], given.rate, given.first + start)
                continue
            quiet = data.min(axis=0) if name == "frames" else np.zeros((), data.dtype)
            filled = np.empty((count, *data.shape[1:]), data.dtype)
            filled[:] = quiet
            filled[missing // 2 : missing // 2 + len(data)] = data
            result[name] = Pieces(filled, given.rate, given.first - missing // 2)
        return result

    def explain(self, pieces: Row, span: Span, state: Any) -> Mapping[str, View | None]:  # noqa: ARG002
        """The frames mean what they meant before."""
        return {"frames": None, "level": None}
