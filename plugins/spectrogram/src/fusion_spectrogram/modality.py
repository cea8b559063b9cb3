"""The modality ``audio``: what a voice needs of a clip, and how its rows become a batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from fusion.contract import SOUND, Batch, Extent, Fitted, InputSpec, Need, Pieces, Row, Span
from fusion_spectrogram import options

_LEAST_DEVIATION = 1e-3


def _content(row: Row) -> Pieces | None:
    """A row's frames ``[N, F]``, or its samples ``[N]`` where no front-end made frames."""
    return row.get("frames", row.get(SOUND))


class Audio:
    """A voice: frames of a front-end, or raw samples where the chain has none.

    Batches: ``frames`` ``[B, T, F]`` float32 with ``mask`` ``[B, T]``, or ``values`` ``[B, N]`` with ``mask``
    ``[B, N]``. What lies behind a row's end is its quietest value in each band (zero for samples), so that mixing
    two rows mixes with silence; encoders do not read it.
    """

    version = 1
    extent: Extent = "window"
    mixable = ("frames", "values")

    def __init__(self, options: options.Audio) -> None:
        self.options = options

    @property
    def needs(self) -> Mapping[str, Need]:
        return {SOUND: Need()}

    def absence(self, row: Row) -> str | None:
        content = _content(row)
        if content is None or content.rate is None or len(content) == 0:
            return "no sound"
        if len(content) / float(content.rate) < self.options.shortest:
            return f"the sound is shorter than {self.options.shortest:g} s"
        level = row.get("level")
        if level is not None:
            silent = not np.any(np.asarray(level.data) > self.options.silent**2)
        else:
            silent = "frames" not in row and not np.any(np.abs(np.asarray(content.data)) > self.options.silent)
        return "the sound is silent" if silent else None

    def fit(self, rows: Iterable[Row]) -> Fitted:
        """Mean and deviation of each band over all frames of the rows (Welford, Chan et al. 1979); one pass."""
        if self.options.standardise != "training":
            return {}
        count, mean, squares = 0, np.zeros(1), np.zeros(1)
        for row in rows:
            content = _content(row)
            if content is None or len(content) == 0:
                continue
            values = np.asarray(content.data, dtype=np.float64).reshape(len(content), -1)
            number, average = len(values), values.mean(axis=0)
            difference = average - mean
            squares = (
                squares + np.sum((values - average) ** 2, axis=0) + difference**2 * count * number / (count + number)
            )
            count += number
            mean = mean + difference * number / count
        if count == 0:
            return {}
        return {
            "mean": mean.astype(np.float32),
            "deviation": np.maximum(np.sqrt(squares / count), _LEAST_DEVIATION).astype(np.float32),
        }

    def input(self, row: Row, fitted: Fitted) -> InputSpec:  # noqa: ARG002 (the contract's interface)
        content = _content(row)
        assert content is not None
        if "frames" in row:
            bands = np.asarray(content.data[:1]).shape[1]
            return InputSpec(shapes={"frames": (None, bands), "mask": (None,)}, rate=content.rate)
        return InputSpec(shapes={"values": (None,), "mask": (None,)}, rate=content.rate)

    def batch(self, rows: Sequence[Row], spans: Sequence[Span], fitted: Fitted) -> Batch:  # noqa: ARG002
        """Stack rows; the longest decides T."""
        arrays = [self._standardised(row, fitted) for row in rows]
        longest = max(len(array) for array in arrays)
        stacked = np.zeros((len(arrays), longest, *arrays[0].shape[1:]), dtype=np.float32)
        mask = np.zeros((len(arrays), longest), dtype=bool)
        for number, array in enumerate(arrays):
            stacked[number, : len(array)] = array
            if array.ndim == 2 and len(array) < longest:
                stacked[number, len(array) :] = array.min(axis=0)
            mask[number, : len(array)] = True
        key = "frames" if stacked.ndim == 3 else "values"
        return {key: torch.from_numpy(stacked), "mask": torch.from_numpy(mask)}

    def _standardised(self, row: Row, fitted: Fitted) -> NDArray[np.float32]:
        values = self._scaled(row, fitted)
        return values - values.mean(dtype=np.float64).astype(np.float32) if self.options.centre else values

    def _scaled(self, row: Row, fitted: Fitted) -> NDArray[np.float32]:
        content = _content(row)
        assert content is not None
        values = np.asarray(content.data, dtype=np.float32)
        if self.options.standardise == "clip":
            deviation = np.maximum(values.std(axis=0), _LEAST_DEVIATION)
            return np.asarray((values - values.mean(axis=0)) / deviation, dtype=np.float32)
        if self.options.standardise == "training" and "mean" in fitted:
            mean, deviation = np.asarray(fitted["mean"]), np.asarray(fitted["deviation"])
            if values.ndim == 1:
                mean, deviation = mean[0], deviation[0]
            return np.asarray((values - mean) / deviation, dtype=np.float32)
        return values
