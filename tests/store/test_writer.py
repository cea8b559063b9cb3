from __future__ import annotations

import errno
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from fusion.contract import ComponentError, Pieces, Row, RunError
from fusion.store import writer as writer_module
from fusion.store.store import Store


def run_of(count: int, first: int = 0, dtype: str = "float32") -> Row:
    return {"n": Pieces(np.arange(first, first + count, dtype=dtype), Fraction(10), first)}


def write_entry(store: Store, *rows: Row) -> None:
    with store.open_writer("ab12") as writer:
        for row in rows:
            writer.append(row)
        writer.finish(Fraction(2))


def everything(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("good_writes", [0, 1, 2, 3])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, good_writes: int
) -> None:
    store = Store(tmp_path)
    write, left = writer_module.write_all, good_writes

    def full(file: IO[bytes], data: bytes | memoryview) -> None:
        nonlocal left
        if left == 0:
            file.write(bytes(data)[: len(data) // 2])
            raise OSError(code, "No space left on device")
        left -= 1
        write(file, data)

    monkeypatch.setattr(writer_module, "write_all", full)
    with pytest.raises(RunError) as caught:
        write_entry(store, run_of(10), run_of(10, 10))
    assert (
        str(caught.value)
        == f"{tmp_path}: the disk is full; free some space and give the same command again: it goes on"
    )
    assert everything(tmp_path) == []
    assert not store.has("ab12")
    monkeypatch.setattr(writer_module, "write_all", write)
    with store.open_writer("ab12") as writer:
        writer.append(run_of(20))
        writer.finish(Fraction(2))
    assert np.array_equal(store.read("ab12").row(None)["n"].data, np.arange(20))


def test_a_store_that_cannot_be_written_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(file: IO[bytes], data: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(writer_module, "write_all", refused)
    with pytest.raises(RunError, match=r"cannot be written \(Read-only file system\); set FUSION_STORE"):
        write_entry(Store(tmp_path), run_of(1))


def test_what_is_not_finished_is_not_there(tmp_path: Path) -> None:
    with Store(tmp_path).open_writer("ab12") as writer:
        writer.append(run_of(10))
    assert everything(tmp_path) == []


def test_long_clips_are_spooled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "SPOOL", 1000)
    store = Store(tmp_path)
    with store.open_writer("ab12") as writer:
        for start in range(0, 10_000, 500):
            writer.append(run_of(500, start))
        writer.finish(Fraction(1000))
    assert np.array_equal(store.read("ab12").row(None)["n"].data, np.arange(10_000))


def test_bytes_do_not_depend_on_the_blocks(tmp_path: Path) -> None:
    contents = set()
    for number, size in enumerate((1, 7, 20)):
        store = Store(tmp_path / str(number))
        with store.open_writer("ab12") as writer:
            for start in range(0, 20, size):
                writer.append(run_of(min(size, 20 - start), start))
            writer.finish(Fraction(2))
        contents.add(everything(store.folder)[0].read_bytes())
    assert len(contents) == 1


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([run_of(2), run_of(2, 3)], "item 2 of n should follow, not item 3"),
        ([run_of(2), run_of(2, 2, "float64")], "the items of n change"),
        ([{"n": Pieces([object()], Fraction(1))}], "n holds object objects, which cannot be stored"),
        ([{"n": Pieces(np.array([1j]), Fraction(1))}], "n is an array of complex128, which cannot be stored"),
        ([{"a/b": Pieces(np.zeros(1), Fraction(1))}], "no slash"),
        ([run_of(2), {"n": Pieces(np.zeros(1), Fraction(11), 2)}], "the rate of n changes from 10 to 11"),
    ],
)
def test_what_cannot_be_stored_is_said(tmp_path: Path, rows: list[Row], what: str) -> None:
    with pytest.raises(ComponentError, match=what):
        write_entry(Store(tmp_path), *rows)


def test_empty_beginnings_do_not_settle_the_type(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.open_writer("ab12") as writer:
        writer.append({"n": Pieces(np.zeros((0, 3)), Fraction(10), 4)})
        writer.append(run_of(3, 7))
        writer.append({"n": Pieces(np.zeros(0), Fraction(10), 10)})
        writer.finish(Fraction(1))
    pieces = store.read("ab12").row(None)["n"]
    assert (pieces.first, pieces.data.dtype, pieces.data.shape) == (7, np.float32, (3,))
