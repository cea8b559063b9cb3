"""Arrays: NPY holds one clip's, NPZ and safetensors hold one array for each clip, under its id."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fusion.contract import DataError
from fusion_features.files import LARGEST_FILE, FeatureFile, Steps, too_large


class ArrayFile:
    """Arrays by name, each read when it is asked for; a file of one clip knows it by no name."""

    def __init__(self, path: Path, names: Sequence[str] | None, read: Callable[[str], NDArray[np.generic]]) -> None:
        self._path = path
        self._names = None if names is None else frozenset(names)
        self.example = next(iter(names), "") if names else ""
        self._read = read

    def steps(self, names: Sequence[str]) -> Steps | None:
        """The clip's array as ``[T, D]``; one of ``[D]`` is one step."""
        if self._names is None:
            return Steps(_matrix(self._read(""), str(self._path)))
        found = next((name for name in names if name in self._names), None)
        if found is None:
            return None
        return Steps(_matrix(self._read(found), f"{self._path}, {found}"))


def open_arrays(path: Path) -> FeatureFile:
    """An NPY, NPZ or safetensors file.

    Raises:
        DataError: It is damaged, too large, has a name twice, or holds Python objects.
    """
    suffix = path.suffix.lower()
    if path.stat().st_size > LARGEST_FILE:
        raise too_large(path)
    if suffix == ".npy":
        return ArrayFile(path, None, lambda _: _loaded(path, lambda: np.load(path, allow_pickle=False)))
    if suffix == ".npz":
        return _open_npz(path)
    return _open_safetensors(path)


def _open_npz(path: Path) -> FeatureFile:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile as error:
        raise _damaged(path, error) from None
    names = [member.filename.removesuffix(".npy") for member in members]
    if sum(member.file_size for member in members) > LARGEST_FILE:
        raise too_large(path)
    _refuse_twice(path, names)

    def read(name: str) -> NDArray[np.generic]:
        with np.load(path, allow_pickle=False) as archive:
            found: NDArray[np.generic] = archive[name]
            return found

    return ArrayFile(path, names, lambda name: _loaded(path, lambda: read(name)))


def _open_safetensors(path: Path) -> FeatureFile:
    from safetensors import SafetensorError, safe_open

    def read(name: str) -> NDArray[np.generic]:
        # torch, since NumPy has no bfloat16
        with safe_open(path, framework="pt") as file:
            found: NDArray[np.generic] = file.get_tensor(name).float().numpy()
            return found

    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from None
    return ArrayFile(path, names, lambda name: _loaded(path, lambda: read(name)))


def _loaded(path: Path, read: Callable[[], NDArray[np.generic]]) -> NDArray[np.generic]:
    try:
        return read()
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> DataError:
    if "pickle" in str(error).lower():
        return DataError("holds Python objects", where=str(path), remedy="save arrays of numbers")
    reason = str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
    return DataError(f"cannot be read ({reason})", where=str(path), remedy="write the file again")


def _refuse_twice(path: Path, names: Sequence[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
    if twice is not None:
        raise DataError(f"has the id {twice!r} twice", where=str(path), remedy="give every clip one array")


def _matrix(array: NDArray[np.generic], where: str) -> NDArray[np.float32]:
    if array.dtype.kind not in "fiub":
        raise DataError(f"holds {array.dtype}, not numbers", where=where, remedy="save arrays of numbers")
    if array.ndim not in (1, 2) or 0 in array.shape:
        raise DataError(
            f"has the shape {list(array.shape)}", where=where, remedy="save [features], or [steps, features]"
        )
    return np.atleast_2d(array.astype(np.float32))
