"""Writing one entry: spooled while the clip is long, complete or not there at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from fusion.contract import ComponentError, Pieces, Row, RunError
from fusion.data.buffers import require_continuing
from fusion.store.layout import CODES, Description, header

#: Bytes of one tensor that are kept in memory before they go to a temporary file.
SPOOL = 4 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def naming_full_disk(folder: Path) -> Iterator[None]:
    """Say in one sentence that a disk is full or cannot be written."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            remedy = "free some space and give the same command again: it goes on"
            raise RunError("the disk is full", where=str(folder), remedy=remedy) from error
        if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}:
            raise RunError(
                f"cannot be written ({error.strerror})", where=str(folder), remedy="set FUSION_STORE to another folder"
            ) from error
        raise


def write_all(file: IO[bytes], data: bytes | memoryview) -> None:
    """Every byte that an entry consists of is written here."""
    file.write(data)


class _Spool:
    """One tensor that grows along its first axis."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.file: IO[bytes] | None = None
        self.dtype: str | None = None
        self.shape: tuple[int, ...] = ()
        self.length = 0
        self.size = 0

    def append(self, name: str, array: NDArray[Any]) -> None:
        dtype, shape = array.dtype.newbyteorder("<").str, array.shape[1:]
        if dtype not in CODES or array.ndim == 0:
            raise ComponentError(f"{name} is an array of {array.dtype}, which cannot be stored")
        if self.dtype is None or (self.length == 0 and len(array)):
            self.dtype, self.shape = dtype, shape
        elif len(array) and (dtype, shape) != (self.dtype, self.shape):
            raise ComponentError(
                f"the items of {name} change from {self.dtype} {self.shape} to {dtype} {shape} within a clip"
            )
        if not len(array):
            return
        if self.file is None:
            self.file = tempfile.SpooledTemporaryFile(SPOOL, dir=str(self._folder))  # noqa: SIM115 - closed by the writer
        data = np.ascontiguousarray(array, dtype=dtype)
        write_all(self.file, data.reshape(-1).view(np.uint8).data)
        self.length += len(array)
        self.size += data.nbytes

    def copy_to(self, target: IO[bytes]) -> None:
        if self.file is None:
            return
        self.file.seek(0)
        while block := self.file.read(1 << 20):
            write_all(target, block)

    def close(self) -> None:
        if self.file is not None:
            self.file.close()


@dataclass(slots=True)
class _Name:
    """What is known of one name of the row."""

    last: Pieces
    first: int
    strings: bool
    offset: int = 0


class EntryWriter:
    """Collects a stream's blocks of one clip; nothing is seen by readers before ``finish``.

    Use as a context manager: what is not finished is discarded.
    """

    def __init__(self, path: Path, folder: Path) -> None:
        """An entry at path, spooled in a folder of the store."""
        self._path = path
        self._folder = folder
        self._names: dict[str, _Name] = {}
        self._spools: dict[str, _Spool] = {}

    def append(self, row: Row) -> None:
        """Add pieces that continue those before.

        Raises:
            ComponentError: They do not continue, or cannot be stored (pictures; arrays of objects).
            RunError: The disk is full.
        """
        with naming_full_disk(self._folder.parent):
            for name, pieces in row.items():
                self._append(name, pieces)

    def finish(self, duration: Fraction, absence: str | None = None) -> None:
        """Make the entry visible: written, flushed to the disk and renamed in one step.

        Args:
            duration: Seconds of the clip.
            absence: Why the stream is absent; what was appended is then left out.

        Raises:
            RunError: The disk is full.
        """
        if absence is not None:
            self.discard()
        pieces = {
            name: {
                "rate": None if known.last.rate is None else str(known.last.rate),
                "first": known.first,
                "strings": known.strings,
            }
            for name, known in self._names.items()
        }
        tensors = {
            name: (spool.dtype or "|u1", (spool.length, *spool.shape), spool.size)
            for name, spool in self._spools.items()
        }
        head, order = header(Description(duration, absence, pieces), tensors)
        with naming_full_disk(self._folder.parent):
            handle, temporary = tempfile.mkstemp(suffix=".entry", dir=self._folder)
            try:
                with open(handle, "wb") as file:  # noqa: PTH123 - an open descriptor
                    write_all(file, head)
                    for name in order:
                        self._spools[name].copy_to(file)
                    file.flush()
                    os.fsync(file.fileno())
                self._path.parent.mkdir(parents=True, exist_ok=True)
                Path(temporary).chmod(0o644)
                Path(temporary).replace(self._path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
            finally:
                self.discard()
            _sync_folder(self._path.parent)

    def discard(self) -> None:
        """Forget everything; may be called twice."""
        for spool in self._spools.values():
            spool.close()
        self._spools.clear()
        self._names.clear()

    def __enter__(self) -> EntryWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.discard()

    def _append(self, name: str, pieces: Pieces) -> None:
        known = self._names.get(name)
        if known is None:
            if "/" in name:
                raise ComponentError(f"{name!r} cannot be stored: the names of pieces hold no slash")
            known = self._names[name] = _Name(pieces, pieces.first, not isinstance(pieces.data, np.ndarray))
        else:
            require_continuing(name, known.last, pieces)
            if not len(known.last):
                known.first, known.strings = pieces.first, not isinstance(pieces.data, np.ndarray)
        if known.strings:
            self._append_strings(name, known, pieces)
        else:
            self._spool(name, np.asarray(pieces.data))
        if pieces.times is not None:
            self._spool(f"{name}/times", np.asarray(pieces.times, np.float64))
        if pieces.ends is not None:
            self._spool(f"{name}/ends", np.asarray(pieces.ends, np.float64))
        if len(pieces) or not len(known.last):
            # Only the place on the grid is remembered, not the data.
            times = None if pieces.times is None else pieces.times[-1:]
            marks = range(len(pieces)) if pieces.rate is not None else range(min(len(pieces), 1))
            known.last = Pieces(marks, pieces.rate, pieces.first, times)

    def _append_strings(self, name: str, known: _Name, pieces: Pieces) -> None:
        encoded = []
        for item in pieces.data:
            if not isinstance(item, str):
                raise ComponentError(
                    f"{name} holds {type(item).__name__} objects, which cannot be stored",
                    remedy="end the chain with a transform that makes arrays of them",
                )
            encoded.append(item.encode())
        ends = known.offset + np.cumsum([len(text) for text in encoded], dtype=np.int64)
        self._spool(f"{name}/bytes", np.frombuffer(b"".join(encoded), np.uint8))
        self._spool(f"{name}/ends_of_bytes", ends)
        known.offset = int(ends[-1]) if len(ends) else known.offset

    def _spool(self, tensor: str, array: NDArray[Any]) -> None:
        spool = self._spools.get(tensor)
        if spool is None:
            spool = self._spools[tensor] = _Spool(self._folder)
        spool.append(tensor, array)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path, older_than: float) -> None:
    """Remove temporary files that killed processes left behind.

    Args:
        folder: The store's folder of temporary files.
        older_than: Seconds since the epoch: younger ones may belong to a living process.
    """
    for left in folder.glob("*"):
        try:
            if left.stat().st_mtime < older_than:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        except FileNotFoundError:
            continue
