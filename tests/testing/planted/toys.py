"""A toy modality with rows of its own, for the components that need one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fusion.contract import Batch, Example, Extent, Fitted, InputSpec, Need, NoOptions, Pieces, Row, Span
from tests.testing.planted.planting import sound

RATE = Fraction(10)


def made(length: int, seed: int) -> Row:
    random = np.random.Generator(np.random.Philox(seed))
    return {"toy": Pieces(random.standard_normal((length, 3)).astype(np.float32), RATE)}


def rows(folder: Path) -> Sequence[Example]:
    return [Example(rows=[made(12, 1), made(7, 2), made(9, 3)])]


@sound("modality", "toy", examples=f"{__name__}:rows")
class Toy:
    """Three values ten times a second, standardised by what was fitted."""

    version = 1
    extent: Extent = "window"
    mixable: tuple[str, ...] = ("values",)
    needs: Any = {"toy": Need(RATE)}

    def __init__(self, options: NoOptions) -> None:
        self.options = options

    def absence(self, row: Row) -> str | None:
        return None if "toy" in row and len(row["toy"]) else "nothing was recorded"

    def fit(self, rows: Iterable[Row]) -> Fitted:
        data = np.concatenate([np.asarray(row["toy"].data, np.float64) for row in rows])
        return {"mean": data.mean(axis=0).astype(np.float32), "deviation": data.std(axis=0).astype(np.float32)}

    def input(self, row: Row, fitted: Fitted) -> InputSpec:
        return InputSpec({"values": (None, 3), "mask": (None,)}, rate=row["toy"].rate)

    def batch(self, rows: Sequence[Row], spans: Sequence[Span], fitted: Fitted) -> Batch:
        longest = max(len(row["toy"]) for row in rows)
        values, mask = torch.zeros(len(rows), longest, 3), torch.zeros(len(rows), longest, dtype=torch.bool)
        for place, row in enumerate(rows):
            data = (np.asarray(row["toy"].data) - np.asarray(fitted["mean"])) / np.asarray(fitted["deviation"])
            values[place, : len(data)] = torch.from_numpy(data)
            mask[place, : len(data)] = True
        return {"values": values, "mask": mask}
