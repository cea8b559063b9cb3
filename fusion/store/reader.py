"""Reading one entry: slices of a mapped file, so that a window costs what it holds."""

from __future__ import annotations

import mmap
from collections import OrderedDict
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusion.contract import Pieces, Row, Span
from fusion.store.layout import parse

#: Files that a process keeps mapped, under the 1,024 open files that systems allow by default.
OPEN_MAPS = 512

_maps: OrderedDict[Path, dict[str, Pieces]] = OrderedDict()


class StoredClip:
    """What is stored of one clip for one stream; arrays are read-only views of the mapped file.

    The file is mapped when a row is asked for, and only the files used last stay mapped: a table may hold more clips
    than a process may open files.
    """

    def __init__(self, path: Path) -> None:
        """Read an entry's description. Raises RunError where it is damaged."""
        description, self._tensors = parse(path)
        self._path = path
        self._pieces = description.pieces
        self.duration: Fraction = description.duration
        self.absence: str | None = description.absence

    def row(self, span: Span | None = None) -> Row:
        """The pieces in a span, or all of them.

        Raises:
            ValueError: The stream is absent from this clip.
        """
        if self.absence is not None:
            raise ValueError(f"the stream is absent: {self.absence}")
        row = self._mapped()
        if span is None:
            return dict(row)
        return {name: pieces.within(span) for name, pieces in row.items()}

    def _mapped(self) -> dict[str, Pieces]:
        """The whole row, from the files that are mapped or newly so."""
        row = _maps.get(self._path)
        if row is None:
            row = _maps[self._path] = self._read() if self._pieces else {}
            if len(_maps) > OPEN_MAPS:
                _maps.popitem(last=False)
        else:
            _maps.move_to_end(self._path)
        return row

    def _read(self) -> dict[str, Pieces]:
        with self._path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        arrays: dict[str, NDArray[Any]] = {
            name: np.frombuffer(mapped, tensor.dtype, _count(tensor.shape), tensor.start).reshape(tensor.shape)
            for name, tensor in self._tensors.items()
        }
        row: dict[str, Pieces] = {}
        for name, entry in self._pieces.items():
            data: Any
            if entry["strings"]:
                data = _strings(arrays[f"{name}/bytes"].tobytes(), arrays[f"{name}/ends_of_bytes"])
            else:
                data = arrays[name]
            rate = None if entry["rate"] is None else Fraction(entry["rate"])
            times, ends = arrays.get(f"{name}/times"), arrays.get(f"{name}/ends")
            row[name] = Pieces(data, rate, entry["first"], times, ends)
        return row


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for length in shape:
        count *= length
    return count


def _strings(text: bytes, ends: NDArray[np.int64]) -> list[str]:
    starts = [0, *ends[:-1].tolist()]
    return [text[start:end].decode() for start, end in zip(starts, ends.tolist(), strict=True)]
