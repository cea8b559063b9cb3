"""The modality ``features``: numbers that were computed elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fusion.contract import Batch, DataError, Extent, Fitted, InputSpec, Need, Pieces, Row, Span
from fusion_features.decoder import KIND, Question
from fusion_features.options import Features as FeaturesOptions

if TYPE_CHECKING:
    from torch import Tensor

#: A feature that varies less than this share of its size is constant, and stays at 0 when standardised.
CONSTANT = 1e-6


def kind_of(source: str | None) -> str:
    """The media kind of a named file, or of the only one."""
    return KIND if source is None else f"{KIND}:{source}"


class Features:
    """Vectors or sequences: ``features`` ``[B, T, D]`` float32, ``mask`` ``[B, T]`` and ``times`` ``[B, T]``.

    Times are seconds from the window's start. A clip with one vector has T = 1.
    """

    version = 1

    def __init__(self, options: FeaturesOptions) -> None:
        self.options = options
        self._kind = kind_of(options.source)

    @property
    def needs(self) -> Mapping[str, Need]:
        options = self.options
        rate = None if options.rate is None else str(Fraction(str(options.rate)))
        question = Question(options.id, options.id_column, options.columns, options.times, rate)
        return {self._kind: Need(options=question.options())}

    @property
    def extent(self) -> Extent:
        return self.options.extent

    @property
    def mixable(self) -> tuple[str, ...]:
        return ("features",)

    def absence(self, row: Row) -> str | None:
        """``no features`` where none lie in the window."""
        return None if self._kind in row and len(row[self._kind]) else "no features"

    def fit(self, rows: Iterable[Row]) -> Fitted:
        """The number of features and, where they are standardised, each one's mean and deviation ``[D]``.

        Raises:
            DataError: Rows differ in their number of features.
        """
        count, width = 0, 0
        mean = spread = np.zeros(0)
        for row in rows:
            values = np.asarray(row[self._kind].data, np.float64)
            if not count:
                width = values.shape[1]
                mean, spread = np.zeros(width), np.zeros(width)
            _check_width(values.shape[1], width)
            # Chan, Golub and LeVeque (1983): exact whatever the size of the numbers.
            total = count + len(values)
            own = values.mean(axis=0)
            shift = own - mean
            spread += ((values - own) ** 2).sum(axis=0) + shift**2 * count * len(values) / total
            mean = mean + shift * len(values) / total
            count = total
        if not self.options.standardise:
            return {"width": width}
        deviation = np.sqrt(spread / max(count, 1))
        constant = deviation <= CONSTANT * np.maximum(np.abs(mean), CONSTANT)
        return {
            "width": width,
            "mean": mean.astype(np.float32),
            "deviation": np.where(constant, 1.0, deviation).astype(np.float32),
        }

    def input(self, row: Row, fitted: Fitted) -> InputSpec:
        """Shapes of ``features``, ``mask`` and ``times``; the rate where steps lie on a grid."""
        width = _width(fitted)
        single = self.options.rate is None and self.options.times is None
        steps = 1 if single else None
        return InputSpec({"features": (steps, width), "mask": (steps,), "times": (steps,)}, rate=row[self._kind].rate)

    def batch(self, rows: Sequence[Row], spans: Sequence[Span], fitted: Fitted) -> Batch:
        """Rows padded with zeros (the mean) to the longest."""
        import torch

        width = _width(fitted)
        longest = max(len(row[self._kind]) for row in rows)
        features = torch.zeros(len(rows), longest, width)
        mask = torch.zeros(len(rows), longest, dtype=torch.bool)
        times = torch.zeros(len(rows), longest)
        for place, (row, span) in enumerate(zip(rows, spans, strict=True)):
            pieces = row[self._kind]
            values = np.array(pieces.data, np.float32)
            _check_width(values.shape[1], width)
            features[place, : len(values)] = torch.from_numpy(self._standardised(values, fitted))
            mask[place, : len(values)] = True
            times[place, : len(values)] = _seconds(pieces, Span(Fraction(0), span.end) if self._whole else span)
        return {"features": features, "mask": mask, "times": times}

    @property
    def _whole(self) -> bool:
        return self.options.extent == "clip"

    def _standardised(self, values: NDArray[np.float32], fitted: Fitted) -> NDArray[np.float32]:
        if not self.options.standardise:
            return values
        mean, deviation = np.asarray(fitted["mean"]), np.asarray(fitted["deviation"])
        return np.asarray((values - mean) / deviation, np.float32)


def _seconds(pieces: Pieces, span: Span) -> Tensor:
    """Where steps lie, from the start of the span."""
    import torch

    if pieces.times is not None:
        return torch.from_numpy(np.asarray(pieces.times) - float(span.start)).float()
    assert pieces.rate is not None
    return torch.tensor([float((pieces.first + k) / pieces.rate - span.start) for k in range(len(pieces))])


def _width(fitted: Fitted) -> int:
    width = fitted["width"]
    assert isinstance(width, int)
    return width


def _check_width(found: int, known: int) -> None:
    if found != known:
        raise DataError(
            f"there are {found} features here and {known} elsewhere",
            where="features",
            remedy="give the files of all clips the same columns in the same order",
        )
