"""Tables: CSV (also compressed) and Parquet, with the rows of all clips, or of one."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from fusion.contract import DataError
from fusion_features.files import LARGEST_FILE, Asked, FeatureFile, Steps, too_large

#: Bytes of text that are parsed at once; no line may be longer.
BLOCK = 16 * 2**20


class TableFile:
    """A table in memory: numbers ``[R, D]``, with the rows of each id."""

    def __init__(
        self,
        path: Path,
        names: tuple[str, ...],
        values: NDArray[np.float32],
        ids: Sequence[str | None] | None,
        times: NDArray[np.float64] | None,
    ) -> None:
        self._path = path
        self._names = names
        self._values = values
        self._times = times
        self._rows: dict[str, list[int]] | None = None
        if ids is not None:
            self._rows = {}
            for row, name in enumerate(ids):
                if name is not None:
                    self._rows.setdefault(name, []).append(row)
        self.example = next(iter(self._rows), "") if self._rows else ""

    def steps(self, names: Sequence[str]) -> Steps | None:
        """The clip's rows; all of them where the table has no ids."""
        if self._rows is None:
            rows = list(range(len(self._values)))
            found = ""
        else:
            found = next((name for name in names if name in self._rows), "")
            rows = self._rows.get(found, [])
        if not rows:
            return None
        if rows[-1] - rows[0] + 1 != len(rows):
            raise DataError(
                f"the id {found!r} stands in rows that do not lie together (rows {rows[0] + 1} to {rows[-1] + 1} below "
                "the names of columns)",
                where=str(self._path),
                remedy="sort the table by id and time, or find out whether one id stands for two clips",
            )
        part = slice(rows[0], rows[-1] + 1)
        return Steps(self._values[part], None if self._times is None else self._times[part], self._names)


def open_table(path: Path, asked: Asked) -> FeatureFile:
    """A table by its suffix, with the columns that are asked for.

    Raises:
        DataError: It is damaged or too large, a column is missing or holds no numbers, or a row is ragged.
    """
    if path.suffix.lower() == ".parquet":
        return _open_parquet(path, asked)
    return _open_csv(path, asked)


def _open_csv(path: Path, asked: Asked) -> FeatureFile:
    delimiter = _delimiter(path)
    header = _header(path, delimiter)
    wanted = _chosen(path, header, asked)
    named = [name for name in (asked.id_column, asked.times) if name is not None]
    types = {name: pa.float64() for name in (*wanted, *named)} | (
        {asked.id_column: pa.string()} if asked.id_column is not None else {}
    )
    try:
        table = _parsed(path, delimiter, header, types)
    except pa.ArrowInvalid as error:
        _name_the_cell(path, delimiter, header, [name for name in types if name != asked.id_column])
        raise DataError(_reason(error), where=str(path), remedy="give every row one cell for each column") from None
    return _from_columns(path, table, wanted, asked)


def _delimiter(path: Path) -> str:
    """A tab in ``.tsv``; else a semicolon where the first line has some and no comma, as spreadsheets write it."""
    if ".tsv" in path.name.lower():
        return "\t"
    try:
        with _text(path) as file:
            first = file.readline()
    except (UnicodeDecodeError, OSError, EOFError):
        return ","  # reading the header says what is wrong
    return ";" if ";" in first and "," not in first else ","


def _header(path: Path, delimiter: str) -> list[str]:
    """Names of the columns without the spaces around them, which OpenFace writes."""
    try:
        with _text(path) as file:
            first = next(csv.reader(file, delimiter=delimiter), None)
    except (UnicodeDecodeError, OSError, EOFError, csv.Error) as error:
        raise DataError(f"cannot be read ({error})", where=str(path), remedy="save the table as UTF-8") from None
    if not first:
        raise DataError("is empty", where=str(path), remedy="write a line with the names of the columns first")
    names = [name.strip() for name in first]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"has two columns called {twice!r}", where=str(path), remedy="rename one of them")
    return names


def _text(path: Path) -> TextIO:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _parsed(path: Path, delimiter: str, header: list[str], types: dict[str, Any]) -> pa.Table:
    """The columns of these types; the reader stops where there is too much."""
    reader = pyarrow.csv.open_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(
            use_threads=False, block_size=BLOCK, column_names=header, skip_rows_after_names=0, skip_rows=1
        ),
        parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=types, include_columns=list(types), strings_can_be_null=True, null_values=["", "NA", "NaN"]
        ),
    )
    batches = []
    size = 0
    for batch in reader:
        size += batch.nbytes
        if size > LARGEST_FILE:
            raise too_large(path)
        batches.append(batch)
    return pa.Table.from_batches(batches, reader.schema)


def _name_the_cell(path: Path, delimiter: str, header: list[str], numeric: Sequence[str]) -> None:
    """Raise DataError for the first ragged row or the first cell that should be a number and is none."""
    places = {header.index(name): name for name in numeric}
    with _text(path) as file:
        for number, cells in enumerate(csv.reader(file, delimiter=delimiter), start=1):
            if number == 1 or not cells:
                continue
            if len(cells) != len(header):
                raise DataError(
                    f"row {number} has {len(cells)} cells, and the first one has {len(header)}",
                    where=str(path),
                    remedy="give every row one cell for each column",
                )
            for place, name in places.items():
                cell = cells[place].strip()
                if cell not in ("", "NA", "NaN") and not _is_number(cell):
                    raise DataError(
                        f"row {number}, column {name!r}: {cell!r} is no number",
                        where=str(path),
                        remedy="choose columns of numbers with `columns`, or correct the table",
                    )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _open_parquet(path: Path, asked: Asked) -> FeatureFile:
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            wanted = _chosen(path, file.schema_arrow.names, asked)
            named = [name for name in (asked.id_column, asked.times) if name is not None]
            if sum(file.metadata.row_group(k).total_byte_size for k in range(file.num_row_groups)) > LARGEST_FILE:
                raise too_large(path)
            table = file.read([*named, *wanted])
    except (pa.ArrowException, OSError) as error:
        raise DataError(_reason(error), where=str(path), remedy="write the file again") from None
    return _from_columns(path, table, wanted, asked)


def _chosen(path: Path, header: Sequence[str], asked: Asked) -> list[str]:
    """The columns of numbers, in the order asked for; of a pattern in the table's order."""
    for option, name in (("id_column", asked.id_column), ("times", asked.times)):
        if name is not None and name not in header:
            raise DataError(
                f"has no column {name!r}", where=str(path), remedy=f"name one of {_listed(header)} as {option}"
            )
    free = [name for name in header if name not in (asked.id_column, asked.times)]
    if asked.columns is None:
        return free
    found: dict[str, None] = {}
    for pattern in asked.columns:
        fitting = [pattern] if pattern in free else [name for name in free if fnmatchcase(name, pattern)]
        if not fitting:
            raise DataError(f"has no column {pattern!r}", where=str(path), remedy=f"it has {_listed(free)}")
        found |= dict.fromkeys(fitting)
    return list(found)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _from_columns(path: Path, table: pa.Table, wanted: Sequence[str], asked: Asked) -> FeatureFile:
    if not wanted:
        raise DataError("has no column of features", where=str(path), remedy="see the option columns")
    parts = [_numbers(path, table.column(name), name) for name in wanted]
    names = tuple(
        name if part.shape[1] == 1 else f"{name}.{k}"
        for name, part in zip(wanted, parts, strict=True)
        for k in range(part.shape[1])
    )
    ids = None if asked.id_column is None else [_identifier(v) for v in table.column(asked.id_column).to_pylist()]
    times = None if asked.times is None else _numbers(path, table.column(asked.times), asked.times)[:, 0]
    values = np.concatenate(parts, axis=1).astype(np.float32)
    return TableFile(path, names, values, ids, None if times is None else times.astype(np.float64))


def _identifier(value: object) -> str | None:
    return None if value is None else str(value).strip()


def _numbers(path: Path, column: pa.ChunkedArray, name: str) -> NDArray[np.float64]:
    """A column as ``[R, 1]``, a column of lists of equal length as ``[R, D]``; what is missing is NaN."""
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _lists(path, column, name)
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        raise DataError(
            f"column {name!r} holds {kind}, not numbers",
            where=str(path),
            remedy="choose columns of numbers with `columns`",
        )
    array = np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
    return array[:, None]


def _lists(path: Path, column: pa.ChunkedArray, name: str) -> NDArray[np.float64]:
    rows = column.to_pylist()
    width = next((len(row) for row in rows if row is not None), 0)
    for number, row in enumerate(_filled(rows, width), start=1):
        if len(row) != width:
            raise DataError(
                f"row {number}, column {name!r} has {len(row)} numbers, and the first one has {width}",
                where=str(path),
                remedy="give every row as many numbers",
            )
    return np.array([list(row) for row in _filled(rows, width)], dtype=np.float64).reshape(len(rows), width)


def _filled(rows: Sequence[Sequence[float] | None], width: int) -> Iterator[Sequence[float]]:
    return (row if row is not None else [np.nan] * width for row in rows)


def _reason(error: Exception) -> str:
    return f"cannot be read ({str(error).strip().splitlines()[0].rstrip('.')})"
