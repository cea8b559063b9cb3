"""From a folder of clips to the rows of a manifest: labels from class folders, or fields from names."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fusion.contract import PICTURES, SOUND, WORDS, ConfigError, DataError, Problem
from fusion.corpora.layout import MEDIA_FILES, PICTURE_FILES, VIDEO_FILES, WORD_FILES, files_below, listing
from fusion.corpora.manifest import PATHS

_FIELD = re.compile(r"\{([^{}]*)\}|(\*)")
_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Scan:
    """What a folder holds.

    Args:
        rows: Cells by column, ordered by file.
        label: The column with the classes, or None.
        left_out: Files that do not fit the pattern or the folders, relative to the folder.
        notes: What the rows do not tell, and what follows from it.
    """

    rows: tuple[Mapping[str, str], ...]
    label: str | None
    left_out: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns in order of first use."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row))

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes in alphabetical order."""
        return tuple(sorted({row[self.label] for row in self.rows if self.label in row})) if self.label else ()

    @property
    def speakers(self) -> int:
        """How many speakers are named."""
        return len({row["speaker"] for row in self.rows if "speaker" in row})


def scan_folder(folder: Path, pattern: str | None = None) -> Scan:
    """Find the clips of a folder.

    Files of one stem (``a.mp4``, ``a.wav``, ``a.srt``) are one clip: picture, its sound apart, its words. Single
    pictures are clips where there is neither sound nor video; beside these they may be covers and the like.

    Args:
        folder: Where the clips lie, and where the manifest will.
        pattern: A file's name with fields in braces, such as ``{speaker}_{emotion}_{take}.mp4``; ``*`` stands for
            anything. With a slash it is held against the path below the folder. Without a pattern the folder that a
            file lies in is its label, and of two folders the outer one is the speaker.

    Raises:
        DataError: There are no clips, or none fits.
        ConfigError: The pattern cannot be read.
    """
    media = files_below(folder, MEDIA_FILES) or files_below(folder, PICTURE_FILES)
    if not media:
        known = ", ".join(sorted(MEDIA_FILES | PICTURE_FILES))
        raise DataError("no sound, video or picture files", where=str(folder), remedy=f"known are {known}")
    stems: dict[Path, list[Path]] = defaultdict(list)
    for file in [*media, *files_below(folder, WORD_FILES)]:
        stems[file.relative_to(folder).with_suffix("")].append(file)
    expression = _expression(pattern) if pattern else None
    rows: list[dict[str, str]] = []
    left_out: list[str] = []
    for stem, files in sorted(stems.items(), key=lambda item: item[0].parts):
        paths = _columns(files, folder)
        if not paths:
            continue
        if expression is None:
            fields = _folders(stem)
        else:
            fields = _matched(
                expression, [file.relative_to(folder).as_posix() for file in files], "/" in (pattern or "")
            )
        if fields is None:
            left_out.append(next(iter(paths.values())))
        else:
            rows.append({"id": "_".join(stem.parts), **paths, **fields})
    if not rows:
        raise _nothing_fits(folder, pattern, left_out)
    label = next((name for name in ("label", "emotion") if any(name in row for row in rows)), None)
    _check_ids(folder, rows)
    return Scan(tuple(rows), label, tuple(left_out), tuple(_notes(rows, label, left_out)))


def _columns(files: Sequence[Path], folder: Path) -> dict[str, str]:
    """Cells of one stem's files; empty where there are only words among them."""
    written = {file.suffix.lower(): file.relative_to(folder).as_posix() for file in files}
    video = [path for suffix, path in sorted(written.items()) if suffix in VIDEO_FILES]
    heard = [path for suffix, path in sorted(written.items()) if suffix in MEDIA_FILES - VIDEO_FILES]
    still = [path for suffix, path in sorted(written.items()) if suffix in PICTURE_FILES]
    words = [path for suffix, path in sorted(written.items(), reverse=True) if suffix in WORD_FILES]
    cells: dict[str, str] = {}
    if video and heard:
        cells = {PICTURES: video[0], SOUND: heard[0]}
    elif video or heard:
        cells = {"file": (video or heard)[0]}
    elif still:
        cells = {PICTURES: still[0]}
    if cells and words:
        cells[WORDS] = words[0]
    return cells


def _folders(stem: Path) -> dict[str, str] | None:
    folders = stem.parts[:-1]
    if len(folders) == 1:
        return {"label": folders[0]}
    if len(folders) == 2:
        return {"speaker": folders[0], "label": folders[1]}
    return None


def _expression(pattern: str) -> re.Pattern[str]:
    """The pattern as an expression; every field is as short as it can be, and a repeated one must agree."""
    problems: list[Problem] = []
    fields: list[str] = []
    built, position = "", 0
    for match in _FIELD.finditer(pattern):
        built += re.escape(pattern[position : match.start()])
        position = match.end()
        name = match[1]
        if name is None:
            built += "[^/]*"
        elif not _NAME.fullmatch(name) or name in PATHS:
            problems.append(Problem("--pattern", f"'{{{name}}}' is no field: use letters, digits and underscores"))
        elif name in fields:
            built += f"(?P={name})"
        else:
            fields.append(name)
            built += f"(?P<{name}>[^/]+?)"
    rest = pattern[position:]
    if "{" in rest or "}" in rest:
        problems.append(Problem("--pattern", "a brace is not closed or not opened"))
    if not fields and not problems:
        problems.append(Problem("--pattern", "no field in braces, such as {emotion}"))
    if problems:
        raise ConfigError(f"'{pattern}'", problems)
    built += re.escape(rest)
    if Path(pattern).suffix.lower() not in MEDIA_FILES | PICTURE_FILES:
        built += r"(?:\.[^./]+)?"
    return re.compile(built)


def _matched(expression: re.Pattern[str], paths: Sequence[str], whole: bool) -> dict[str, str] | None:
    for path in paths:
        match = expression.fullmatch(path if whole else path.rpartition("/")[2])
        if match is not None:
            fields = {name: value for name, value in match.groupdict().items() if name != "id"}
            if "take" in fields:
                # In names a take is counted anew for every speaker and label; here equal takes are the same event.
                fields["take"] = "_".join(fields.values())
            return fields
    return None


def _check_ids(folder: Path, rows: Sequence[Mapping[str, str]]) -> None:
    doubled = [name for name, count in Counter(row["id"] for row in rows).items() if count > 1]
    if doubled:
        raise DataError(
            f"two paths give the clip id '{doubled[0]}'", where=str(folder), remedy="rename one of the files or folders"
        )


def _nothing_fits(folder: Path, pattern: str | None, left_out: Sequence[str]) -> DataError:
    found = f"found {len(left_out)} clips such as {listing(left_out, 3)}"
    if pattern:
        return DataError(
            f"no clip fits the pattern '{pattern}': {found}", where=str(folder), remedy="correct --pattern"
        )
    return DataError(
        f"expected LABEL/clip or SPEAKER/LABEL/clip: {found}",
        where=str(folder),
        remedy="say what the names mean with --pattern '{speaker}_{emotion}_{take}.mp4' "
        "(with a slash, it is held against the path: '{label}/{speaker}/*')",
    )


def _notes(rows: Sequence[Mapping[str, str]], label: str | None, left_out: Sequence[str]) -> list[str]:
    notes = []
    without = sum("speaker" not in row for row in rows)
    if without == len(rows):
        notes.append(
            "no clip names its speaker: clips are grouped by content alone, so one person may stand on both sides of a "
            "split, and scores will be those of known voices and faces rather than of strangers; fill in the column "
            "speaker if you can"
        )
    elif without:
        notes.append(f"{without} of {len(rows)} clips name no speaker; they are grouped by content alone")
    elif len({row["speaker"] for row in rows}) < 3:
        notes.append("fewer than 3 speakers: no split keeps training, validation and test speakers apart")
    if label is None:
        notes.append("no clip has a label: add a column emotion, or a field {emotion} to the pattern")
    if left_out:
        count = len(left_out)
        notes.append(f"{count} clip{'s' * (count != 1)} left out, for they do not fit: {listing(left_out, 3)}")
    return notes
