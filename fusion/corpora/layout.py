"""What lies below a corpus's root: media files in a fixed order, and what to say when the layout is another."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from fusion.contract import PICTURES, SOUND, WORDS, DataError, InputMissing, Track

SOUND_FILES = frozenset({".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".wma"})
VIDEO_FILES = frozenset({".mp4", ".mkv", ".mov", ".avi", ".mpg", ".mpeg", ".webm", ".m4v", ".flv", ".wmv", ".3gp"})
#: Clips of one picture.
PICTURE_FILES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp"})
WORD_FILES = frozenset({".txt", ".srt", ".vtt", ".wdseg"})
MEDIA_FILES = SOUND_FILES | VIDEO_FILES


def files_below(root: Path, suffixes: Collection[str] | None = None) -> list[Path]:
    """All files below root with one of the suffixes (lower case, with dot), in the order of their relative paths.

    The order is that of the paths' parts and does not depend on how the system lists a folder. Hidden files and
    folders are left out.

    Raises:
        InputMissing: root is no folder.
    """
    if not root.is_dir():
        raise InputMissing("no such folder", where=str(root), remedy="set the corpus's root, or FUSION_DATA")
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Path(folder, name)
            for name in names
            if not name.startswith(".") and (suffixes is None or Path(name).suffix.lower() in suffixes)
        ]
    return sorted(found, key=lambda path: path.relative_to(root).parts)


def tracks_of_file(file: Path, kinds: Collection[str] = (PICTURES, SOUND, WORDS)) -> tuple[Track, ...]:
    """The tracks that a file of this suffix may hold, of the kinds asked for."""
    suffix = file.suffix.lower()
    held: tuple[str, ...] = ()
    if suffix in VIDEO_FILES:
        held = (PICTURES, SOUND)
    elif suffix in SOUND_FILES:
        held = (SOUND,)
    elif suffix in WORD_FILES:
        held = (WORDS,)
    return tuple(Track(kind, file) for kind in held if kind in kinds)


def wrong_layout(corpus: str, root: Path, expected: str) -> DataError:
    """The error for a folder in which nothing looks like the corpus: what was expected, and what is there."""
    folders: list[str] = []
    names: list[str] = []
    count = 0
    for path in files_below(root):
        count += 1
        relative = path.relative_to(root)
        if len(relative.parts) > 1 and relative.parts[0] not in folders:
            folders.append(relative.parts[0])
        if len(names) < 3:
            names.append(relative.as_posix())
    if count:
        found = f"found {count} file{'s' * (count != 1)} such as {listing(names, 3)}"
        if folders:
            found += f" in {len(folders)} folder{'s' * (len(folders) != 1)} ({listing(folders, 4)})"
    else:
        found = "found no files"
    return DataError(
        f"this is not the layout of {corpus}: expected {expected}; {found}",
        where=str(root),
        remedy="set root to the folder that holds the corpus as distributed, or list the clips in a manifest",
    )


def listing(items: Sequence[str] | Iterable[str], most: int) -> str:
    """The first few items, quoted, and how many more there are."""
    known = list(items)
    shown = ", ".join(f"'{item}'" for item in known[:most])
    return shown if len(known) <= most else f"{shown} and {len(known) - most} more"
