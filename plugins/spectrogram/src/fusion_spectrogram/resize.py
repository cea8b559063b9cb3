"""Pictures of one size from windows of any length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from fusion.contract import Pieces, Row, Span, View
from fusion_spectrogram import options
from fusion_spectrogram.sound import nearest
from fusion_spectrogram.transforming import Window


class Resize(Window):
    """``frames`` ``[N, F]`` of a window to ``[columns, rows]``: bilinear, antialiased where it gets smaller.

    The columns spread over the window, so their rate is ``columns`` a window; ``level`` stays as it is.
    """

    def __init__(self, options: options.Resize) -> None:
        self.options = options

    def apply(self, pieces: Row, span: Span, state: Any) -> Row:  # noqa: ARG002
        """The window's picture; a window without frames stays as it is."""
        frames = pieces.get("frames")
        if frames is None or frames.rate is None or len(frames) == 0:
            return pieces
        data = torch.from_numpy(np.asarray(frames.data, dtype=np.float32))[None, None]
        size = (self.options.columns, self.options.rows or data.shape[3])
        picture = F.interpolate(data, size=size, mode="bilinear", antialias=True, align_corners=False)
        rate = frames.rate * self.options.columns / len(frames)
        return {**pieces, "frames": Pieces(picture[0, 0].numpy(), rate, nearest(frames.span.start * rate))}

    def explain(self, pieces: Row, span: Span, state: Any) -> Mapping[str, View | None]:  # noqa: ARG002
        """The frames mean what they meant before."""
        return {"frames": None}
