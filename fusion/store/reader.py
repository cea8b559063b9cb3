"""Reading one entry: slices of a mapped file, so that a window costs what it holds."""

from __future__ import annotations

import mmap
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusion.contract import Pieces, Row, Span
from fusion.store.layout import parse


class StoredClip:
    """What is stored of one clip for one stream; arrays are read-only views of the mapped file."""

    def __init__(self, path: Path) -> None:
        """Open an entry. Raises RunError where it is damaged."""
        description, tensors = parse(path)
        self.duration: Fraction = description.duration
        self.absence: str | None = description.absence
        self._row: dict[str, Pieces] = {}
        if not description.pieces:
            return
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        arrays: dict[str, NDArray[Any]] = {
            name: np.frombuffer(mapped, tensor.dtype, _count(tensor.shape), tensor.start).reshape(tensor.shape)
            for name, tensor in tensors.items()
        }
        for name, entry in description.pieces.items():
            data: Any
            if entry["strings"]:
                data = _strings(arrays[f"{name}/bytes"].tobytes(), arrays[f"{name}/ends_of_bytes"])
            else:
                data = arrays[name]
            rate = None if entry["rate"] is None else Fraction(entry["rate"])
            self._row[name] = Pieces(
                data, rate, entry["first"], arrays.get(f"{name}/times"), arrays.get(f"{name}/ends")
            )

    def row(self, span: Span | None = None) -> Row:
        """The pieces in a span, or all of them.

        Raises:
            ValueError: The stream is absent from this clip.
        """
        if self.absence is not None:
            raise ValueError(f"the stream is absent: {self.absence}")
        if span is None:
            return dict(self._row)
        return {name: pieces.within(span) for name, pieces in self._row.items()}


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for length in shape:
        count *= length
    return count


def _strings(text: bytes, ends: NDArray[np.int64]) -> list[str]:
    starts = [0, *ends[:-1].tolist()]
    return [text[start:end].decode() for start, end in zip(starts, ends.tolist(), strict=True)]
