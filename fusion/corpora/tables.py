"""Tables of text, as rows with the line they stand on: CSV, JSON Lines and Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusion.contract import DataError, InputMissing

TABLE_FILES = (".csv", ".jsonl", ".parquet")
#: Most problems that one message lists.
SHOWN = 20


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: its line (CSV, JSON Lines) or number (Parquet), counted from 1, and its non-empty cells."""

    line: int
    cells: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Columns in the file's order, rows, and what was wrong with lines that could not be read."""

    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]
    problems: tuple[tuple[int, str], ...]


def read_table(file: Path) -> Table:
    """Read a table by its suffix; a line that cannot be read is a problem and does not hide the next.

    Raises:
        InputMissing: There is no such file.
        DataError: The file is none of the three kinds, or is not UTF-8.
    """
    if not file.is_file():
        raise InputMissing("no such manifest", where=str(file), remedy="make one with 'fusion manifest FOLDER'")
    suffix = file.suffix.lower()
    if suffix == ".csv":
        return _read_csv(file)
    if suffix == ".jsonl":
        return _read_json_lines(file)
    if suffix == ".parquet":
        return _read_parquet(file)
    raise DataError(f"'{suffix}' is no table that is read here", where=str(file), remedy="use .csv, .jsonl or .parquet")


def problems_error(file: Path, problems: list[tuple[int, str]]) -> DataError:
    """All problems of a table as one error, in the order of lines; line 0 stands for the whole table."""
    ordered = sorted(problems)
    lines = [f"  line {line}: {message}" if line else f"  {message}" for line, message in ordered[:SHOWN]]
    if len(ordered) > SHOWN:
        lines.append(f"  and {len(ordered) - SHOWN} more")
    count = f"{len(ordered)} problem{'s' * (len(ordered) != 1)}"
    return DataError("\n".join([count, *lines]), where=str(file))


def _text(file: Path) -> str:
    raw = file.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"line {line} is not UTF-8 (byte {error.start} is 0x{raw[error.start]:02x})",
            where=str(file),
            remedy="save the table as UTF-8",
        ) from None


def _read_csv(file: Path) -> Table:
    text = _text(file)
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    rows: list[TableRow] = []
    problems: list[tuple[int, str]] = []
    columns: tuple[str, ...] = ()
    first = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            problems.append((first, f"not readable as CSV ({error})"))
            break
        if cells is None:
            break
        line, first = first, reader.line_num + 1
        if not any(cell.strip() for cell in cells):
            continue
        if not columns:
            columns = tuple(cell.strip() for cell in cells)
            doubled = sorted({name for name in columns if columns.count(name) > 1})
            problems += [(line, f"the column '{name}' stands there twice") for name in doubled]
            continue
        if len(cells) != len(columns):
            problems.append((line, f"has {len(cells)} cells where the header has {len(columns)}"))
            continue
        stripped = {name: cell.strip() for name, cell in zip(columns, cells, strict=True)}
        rows.append(TableRow(line, {name: cell for name, cell in stripped.items() if cell}))
    return Table(columns, tuple(rows), tuple(problems))


def _read_json_lines(file: Path) -> Table:
    rows: list[TableRow] = []
    problems: list[tuple[int, str]] = []
    columns: dict[str, None] = {}
    for line, text in enumerate(_text(file).split("\n"), 1):
        if not text.strip():
            continue
        try:
            value = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            problems.append((line, f"not JSON ({getattr(error, 'msg', 'nested too deeply')})"))
            continue
        if not isinstance(value, dict):
            problems.append((line, f"is a JSON {type(value).__name__} and no object"))
            continue
        columns.update(dict.fromkeys(value))
        rows.append(TableRow(line, {name: cell for name, cell in value.items() if cell not in (None, "")}))
    return Table(tuple(columns), tuple(rows), tuple(problems))


def _read_parquet(file: Path) -> Table:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(file)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"not readable as Parquet ({reason})", where=str(file), remedy="write it again") from None
    rows = [
        TableRow(number, {name: cell for name, cell in row.items() if cell not in (None, "")})
        for number, row in enumerate(table.to_pylist(), 1)
    ]
    return Table(tuple(table.column_names), tuple(rows), ())
