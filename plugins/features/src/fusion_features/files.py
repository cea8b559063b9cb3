"""What a file of features holds of one clip, whatever its format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from fusion.contract import DataError, InputMissing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Suffixes of tables; tables of text may be compressed (``.csv.gz``).
TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")
ARRAYS = (".npy", ".npz", ".safetensors")
#: Most bytes that one file's numbers may take in memory; a compressed file is stopped there.
LARGEST_FILE = 4 * 2**30
#: Files that a process keeps open or read, so that the clips of a table do not read it again.
KEPT = 8


@dataclass(frozen=True)
class Asked:
    """What is wanted of a file.

    Args:
        id_column: The column of ids; None where all of the file is the clip's.
        columns: Names or patterns of columns; None for all others.
        times: The column of times; None where there is none.
    """

    id_column: str | None
    columns: tuple[str, ...] | None
    times: str | None


@dataclass(frozen=True)
class Steps:
    """One clip's steps.

    Args:
        values: ``[T, D]`` float32.
        times: ``[T]`` seconds of the file, where it states them.
        names: Names of the D columns, where they have any.
    """

    values: NDArray[np.float32]
    times: NDArray[np.float64] | None = None
    names: tuple[str, ...] | None = None


class FeatureFile(Protocol):
    """An opened file."""

    @property
    def example(self) -> str:
        """How ids look here; empty where the file has none."""
        ...

    def steps(self, names: Sequence[str]) -> Steps | None:
        """The steps of the clip that goes by one of these names; None where the file has none of them.

        Raises:
            DataError: What it has of the clip cannot be used.
        """
        ...


def open_features(path: Path, asked: Asked) -> FeatureFile:
    """A file by its suffix, read once a process as long as it looks the same.

    Raises:
        InputMissing: There is no such file.
        DataError: It is of no known format, damaged, too large, or lacks a column.
    """
    try:
        look = path.stat()
    except FileNotFoundError:
        raise InputMissing("there is no such file", where=str(path)) from None
    return _opened(path, asked, (look.st_size, look.st_mtime_ns, look.st_ino))


@lru_cache(maxsize=KEPT)
def _opened(path: Path, asked: Asked, look: tuple[int, ...]) -> FeatureFile:
    del look
    name = path.name.lower()
    if name.endswith(TABLES):
        from fusion_features.tables import open_table

        return open_table(path, asked)
    if name.endswith(ARRAYS):
        from fusion_features.arrays import open_arrays

        return open_arrays(path)
    raise DataError(
        "is no file of features that is read here",
        where=str(path),
        remedy=f"use one of {', '.join((*TABLES, *ARRAYS))}",
    )


def too_large(path: Path) -> DataError:
    """The error of a file above the limit."""
    return DataError(
        f"holds more than {LARGEST_FILE // 2**30} GiB of numbers", where=str(path), remedy="give each clip its own file"
    )
