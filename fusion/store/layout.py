"""How a row lies in a safetensors file: which tensors there are, and the header before them.

The file is an ordinary one of the safetensors format (8 bytes: length of the header; the header as JSON; the
tensors). The metadata entry ``fusion`` describes the row. The header is written here and not by the safetensors
package because that one wants every tensor in memory.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from fusion.contract import RunError

FORMAT = 1
#: Longest header that is read, in bytes.
LONGEST_HEADER = 1 << 20

#: NumPy's type names by the format's.
DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "|u1",
    "BOOL": "|b1",
}
CODES = {numpy_name: code for code, numpy_name in DTYPES.items()}


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a file.

    Args:
        dtype: NumPy's name of its type.
        shape: Its shape.
        start: Where it begins, in bytes from the file's beginning.
    """

    dtype: str
    shape: tuple[int, ...]
    start: int


@dataclass(frozen=True, slots=True)
class Description:
    """What a file says of itself.

    Args:
        duration: Seconds of the clip.
        absence: Why the stream is absent from the clip; None where it is present.
        pieces: By name: ``rate`` (a fraction as text, or None), ``first``, ``strings``.
    """

    duration: Fraction
    absence: str | None
    pieces: Mapping[str, Mapping[str, Any]]


def header(
    description: Description, tensors: Mapping[str, tuple[str, tuple[int, ...], int]]
) -> tuple[bytes, list[str]]:
    """A file's header, and the order in which its tensors follow.

    Args:
        description: Of the row.
        tensors: By name: NumPy's type name, shape, number of bytes.
    """
    # Wide types first, so that every tensor is aligned.
    order = sorted(tensors, key=lambda name: (-int(tensors[name][0][2:]), name))
    entries: dict[str, Any] = {
        "__metadata__": {
            "fusion": json.dumps(
                {
                    "format": FORMAT,
                    "duration": str(description.duration),
                    "absence": description.absence,
                    "pieces": [[name, entry] for name, entry in description.pieces.items()],
                },
                sort_keys=True,
            )
        }
    }
    position = 0
    for name in order:
        dtype, shape, size = tensors[name]
        entries[name] = {"dtype": CODES[dtype], "shape": list(shape), "data_offsets": [position, position + size]}
        position += size
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text, order


def parse(path: Path) -> tuple[Description, dict[str, Tensor]]:
    """Read a file's header.

    Raises:
        RunError: The file is damaged, or was written by a newer version.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > LONGEST_HEADER:
                raise ValueError("its header is too long")
            entries = json.loads(file.read(length))
            size = file.seek(0, 2)
        meta = json.loads(entries.pop("__metadata__")["fusion"])
        if meta["format"] > FORMAT:
            raise RunError("was written by a newer version", where=str(path), remedy="upgrade, or use another store")
        tensors = {}
        for name, entry in entries.items():
            begin, end = entry["data_offsets"]
            tensor = Tensor(DTYPES[entry["dtype"]], tuple(entry["shape"]), 8 + length + begin)
            if not 0 <= begin <= end <= size - 8 - length or end - begin != _bytes(tensor):
                raise ValueError("it is too short")
            tensors[name] = tensor
        return Description(Fraction(meta["duration"]), meta["absence"], dict(meta["pieces"])), tensors
    except (ValueError, KeyError, TypeError) as error:
        what = f"the entry is damaged ({error})"
        raise RunError(what, where=str(path), remedy="delete it and prepare again") from None


def _bytes(tensor: Tensor) -> int:
    count = int(tensor.dtype[2:])
    for length in tensor.shape:
        count *= length
    return count
