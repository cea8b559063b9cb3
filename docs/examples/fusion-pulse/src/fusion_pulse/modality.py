"""The modality: what it needs of a clip, what is fitted on training windows, and how rows become tensors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np
import torch

from fusion.contract import Batch, Extent, Fitted, InputSpec, Need, NoOptions, Row, Span

RATE = Fraction(4)


class Pulse:
    """Heart rate four times a second: ``beats`` ``[B, T, 1]`` and ``mask`` ``[B, T]``."""

    version = 1
    extent: Extent = "window"
    mixable = ("beats",)

    def __init__(self, options: NoOptions) -> None:
        self.options = options
        self.needs = {"pulse": Need(rate=RATE)}

    def absence(self, row: Row) -> str | None:
        """Why there is nothing to encode; such rows reach neither ``fit`` nor the encoder."""
        return None if "pulse" in row and len(row["pulse"]) else "no pulse was recorded"

    def fit(self, rows: Iterable[Row]) -> Fitted:
        """Mean and deviation, of training windows only; saved with the model."""
        beats = np.concatenate([np.asarray(row["pulse"].data, np.float64) for row in rows])
        return {"mean": np.float32(beats.mean()).reshape(1), "deviation": np.float32(beats.std() + 1e-3).reshape(1)}

    def input(self, row: Row, fitted: Fitted) -> InputSpec:
        return InputSpec({"beats": (None, 1), "mask": (None,)}, rate=RATE)

    def batch(self, rows: Sequence[Row], spans: Sequence[Span], fitted: Fitted) -> Batch:
        """Rows of unequal length, padded with zeros (the mean)."""
        mean, deviation = np.asarray(fitted["mean"]), np.asarray(fitted["deviation"])
        longest = max(len(row["pulse"]) for row in rows)
        beats, mask = torch.zeros(len(rows), longest, 1), torch.zeros(len(rows), longest, dtype=torch.bool)
        for place, row in enumerate(rows):
            values = (np.asarray(row["pulse"].data) - mean) / deviation
            beats[place, : len(values), 0] = torch.from_numpy(values)
            mask[place, : len(values)] = True
        return {"beats": beats, "mask": mask}
