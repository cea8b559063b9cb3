"""A manifest: any folder of clips as a table. Its columns are documented in docs/data.md."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from fusion.contract import PICTURES, SOUND, WORDS, Clip, DataError, Region, Track
from fusion.corpora.layout import MEDIA_FILES, PICTURE_FILES, tracks_of_file
from fusion.corpora.options import Manifest as Options
from fusion.corpora.tables import TABLE_FILES, Table, TableRow, problems_error, read_table

#: Columns with media paths; ``file`` stands for whatever such a file holds.
PATHS = ("file", PICTURES, SOUND, WORDS)
#: Columns with a meaning of their own.
KNOWN = (
    "id",
    *PATHS,
    "start",
    "end",
    "duration",
    "channel",
    "region",
    "speaker",
    "sex",
    "transcript",
    "group",
    "take",
    "rights",
    "generated",
)
SEXES = {"f": "female", "female": "female", "m": "male", "male": "male"}
TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Manifest:
    """Clips from a table whose media lie in its folder."""

    about = "A table of clips (CSV, JSON Lines or Parquet) whose files lie in the table's folder; see docs/data.md"

    def __init__(self, options: Options) -> None:
        self._options = options

    def clips(self, root: Path) -> Sequence[Clip]:
        """All clips ordered by id.

        Raises:
            DataError: Lists every problem of the table with its line.
        """
        return read_manifest(self.table(root), self._options)

    def table(self, root: Path) -> Path:
        """The table that root names, or that lies in root."""
        if root.suffix.lower() in TABLE_FILES and not root.is_dir():
            return root
        if self._options.file is not None:
            return inside(root, self._options.file)
        for suffix in TABLE_FILES:
            if (root / f"manifest{suffix}").is_file():
                return root / f"manifest{suffix}"
        return root / "manifest.csv"


def read_manifest(file: Path, options: Options | None = None) -> list[Clip]:
    """The clips of one table, ordered by id; raises DataError with every problem."""
    options = options or Options()
    table = read_table(file)
    problems = list(table.problems)
    if not set(PATHS) & set(table.columns):
        problems.append((0, f"a column is missing: one of {', '.join(PATHS)} says where a clip's media lie"))
        raise problems_error(file, problems)
    if not table.rows and not problems:
        raise DataError("the table has no rows", where=str(file), remedy="make one with 'fusion manifest FOLDER'")
    clips: dict[str, tuple[int, Clip]] = {}
    for row in table.rows:
        reader = _RowReader(row, file.parent, options, problems)
        clip = reader.clip(table)
        if clip.id in clips:
            problems.append((row.line, f"the id '{clip.id}' is already that of line {clips[clip.id][0]}"))
        clips.setdefault(clip.id, (row.line, clip))
    if problems:
        raise problems_error(file, problems)
    return [clips[clip_id][1] for clip_id in sorted(clips)]


def inside(folder: Path, written: str, whose: str = "the manifest's") -> Path:
    """A relative path below a folder.

    Raises:
        DataError: The path is absolute or leads out of the folder, also by a link.
    """
    pure = PurePosixPath(written)
    if pure.is_absolute() or PureWindowsPath(written).drive or written.startswith("\\") or "\0" in written:
        raise DataError(f"the path '{written}' is not relative to {whose} folder")
    path = folder / pure
    if ".." in pure.parts or not path.resolve().is_relative_to(folder.resolve()):
        raise DataError(f"the path '{written}' leads out of {whose} folder")
    return path


class _RowReader:
    """Reads one row's cells; what is wrong goes onto the table's list and the reading goes on."""

    def __init__(self, row: TableRow, folder: Path, options: Options, problems: list[tuple[int, str]]) -> None:
        self._row = row
        self._folder = folder
        self._options = options
        self._problems = problems

    def clip(self, table: Table) -> Clip:
        start = self._cell("start", _seconds) or Fraction(0)
        tracks = self._tracks(start)
        if not tracks and not set(PATHS) & set(self._row.cells):
            self._problem(f"no media: all of {', '.join(name for name in PATHS if name in table.columns)} are empty")
        labels, details = self._labels_and_details()
        return Clip(
            id=self._id(tracks),
            tracks=tracks,
            duration=self._duration(start),
            labels=labels,
            speaker=self._cell("speaker", str),
            sex=self._cell("sex", lambda value: SEXES[str(value).lower()], "is neither 'female' nor 'male'"),
            transcript=self._cell("transcript", str),
            group=self._cell("group", str),
            take=self._cell("take", str),
            rights=self._cell("rights", str),
            generated=bool(
                self._cell("generated", lambda value: TRUTH[str(value).lower()], "is neither true nor false")
            ),
            details=details,
        )

    def _problem(self, message: str) -> None:
        self._problems.append((self._row.line, message))

    def _cell(self, name: str, read: Callable[[Any], Any], wrong: str = "") -> Any:
        value = self._row.cells.get(name)
        if value is None:
            return None
        try:
            return read(value)
        except (ValueError, KeyError, TypeError, OverflowError, ZeroDivisionError) as error:
            self._problem(f"{name} '{value}' {wrong or error}")
            return None

    def _id(self, tracks: Sequence[Track]) -> str:
        written = self._cell("id", str)
        if written is not None:
            if any(character in written for character in "/\\\0\n") or written in {".", ".."}:
                self._problem(f"the id '{written}' has a character that file names cannot have")
            return str(written)
        if not tracks:
            return f"line {self._row.line}"
        name = tracks[0].file.relative_to(self._folder).with_suffix("").as_posix().replace("/", "_")
        start = self._row.cells.get("start")
        return name if start is None else f"{name}@{start}".replace("/", "_")

    def _tracks(self, start: Fraction) -> tuple[Track, ...]:
        region = self._cell("region", _region)
        channel = self._cell("channel", _count)
        tracks: list[Track] = []
        separate = {name for name in PATHS[1:] if name in self._row.cells}
        for column in PATHS:
            written = self._row.cells.get(column)
            if written is None:
                continue
            try:
                path = inside(self._folder, str(written))
            except DataError as error:
                self._problem(f"{column}: {error.what}")
                continue
            if not path.is_file():
                self._problem(f"{column}: no such file '{written}'")
                continue
            if column != "file":
                kinds: tuple[str, ...] = (column,)
            elif path.suffix.lower() in MEDIA_FILES:
                kinds = tuple(t.kind for t in tracks_of_file(path) if t.kind not in separate)
            elif path.suffix.lower() in PICTURE_FILES:
                self._problem(f"file: '{written}' is a single picture; name it in the column {PICTURES} instead")
                continue
            else:
                self._problem(f"file: '{written}' has no suffix of sound or video; name its kind by the column instead")
                continue
            tracks += [
                Track(
                    kind,
                    path,
                    start=start,
                    channel=channel if kind == SOUND else None,
                    region=region if kind == PICTURES else None,
                )
                for kind in kinds
            ]
        return tuple(tracks)

    def _duration(self, start: Fraction) -> Fraction | None:
        duration: Fraction | None = self._cell("duration", _seconds)
        end: Fraction | None = self._cell("end", _seconds)
        if end is not None and duration is not None and end - start != duration:
            self._problem("start, end and duration contradict each other; leave one out")
        if end is not None:
            duration = end - start
        if duration is not None and duration <= 0:
            self._problem("the clip does not last longer than 0 seconds")
            return None
        return duration

    def _labels_and_details(self) -> tuple[dict[str, Any], dict[str, str]]:
        labels: dict[str, Any] = {}
        details: dict[str, str] = {}
        for name in self._row.cells:
            if name in KNOWN:
                continue
            if name in self._options.number_columns:
                labels[name] = self._cell(name, _number)
            elif name in self._options.label_columns:
                labels[name] = self._cell(name, _label)
            else:
                details[name] = str(self._row.cells[name])
        return {name: value for name, value in labels.items() if value is not None}, details


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("is not a finite number")
    return number


def _seconds(value: Any) -> Fraction:
    try:
        seconds = Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        raise ValueError("is no number of seconds") from None
    if seconds < 0:
        raise ValueError("is below 0")
    return seconds


def _count(value: Any) -> int:
    text = str(value)
    if not (text.isascii() and text.isdecimal()):
        raise ValueError("is no channel, counted from 0")
    return int(text)


def _region(value: Any) -> Region:
    text = str(value)
    if text in {"left", "right"}:
        return Region.named(text)
    sides = text.split()
    if len(sides) != 4:
        raise ValueError("is neither 'left', 'right' nor four fractions: left top right bottom")
    return Region(*(float(side) for side in sides))


def _label(value: Any) -> Any:
    """``happy``; several as ``happy|surprised``; weights as ``happy:0.6|sad:0.4``. Lists and objects as they are."""
    if isinstance(value, list | tuple):
        return [str(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): _number(weight) for name, weight in value.items() if weight is not None}
    parts = [part.strip() for part in str(value).split("|")]
    weighted = [part.rpartition(":") for part in parts]
    if all(name and _is_number(weight) for name, _, weight in weighted):
        return {name.strip(): _number(weight) for name, _, weight in weighted}
    return parts if len(parts) > 1 else parts[0]


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
