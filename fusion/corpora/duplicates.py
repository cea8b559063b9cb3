"""Copies under several names: clips with the same bytes get one take, so that no split can part them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from fusion.contract import WORDS, Clip, Track

#: Bytes compared first, from the middle of a file, where formats differ less than at their beginnings.
GLANCE = 1 << 14


def share_takes(clips: Sequence[Clip]) -> list[Clip]:
    """Give clips with a byte-identical track one take (the first by name); others stay as they are.

    Files are compared by size, then by some bytes, and read whole only where these agree. Sidecars of words do not
    count, as different people say the same sentence, nor do files that hold many clips. Files that do not exist are
    left to the decoder's report.
    """
    by_track: dict[Hashable, list[int]] = defaultdict(list)
    identity = _identities({track.file for clip in clips for track in clip.tracks if _tells_apart(track)})
    for index, clip in enumerate(clips):
        for track in clip.tracks:
            if _tells_apart(track):
                by_track[_stretch(clip, track, identity[track.file])].append(index)
    parent = list(range(len(clips)))

    def top(index: int) -> int:
        while parent[index] != index:
            index = parent[index]
        return index

    for sharing in by_track.values():
        for other in sharing[1:]:
            parent[top(other)] = top(sharing[0])
    families: dict[int, list[int]] = defaultdict(list)
    for index in range(len(clips)):
        families[top(index)].append(index)
    shared = list(clips)
    for members in families.values():
        if len(members) > 1:
            take = min(clips[index].take or clips[index].id for index in members)
            takes = {clips[index].take for index in members} - {None}
            for index, clip in enumerate(clips):
                if index in members or clip.take in takes:
                    shared[index] = replace(clip, take=take)
    return shared


def _tells_apart(track: Track) -> bool:
    return track.kind != WORDS and not track.shared


def _stretch(clip: Clip, track: Track, content: str) -> Hashable:
    return (track.kind, content, track.stream, track.start, clip.duration, track.channel, track.region)


def _identities(files: Iterable[Path]) -> dict[Path, str]:
    """A name for each file's content: equal for equal bytes."""
    groups: list[list[Path]] = [sorted(files)]
    for look in (_size, _glance, _whole):
        finer: list[list[Path]] = []
        for group in groups:
            if len(group) == 1:
                finer.append(group)
                continue
            parts: dict[str, list[Path]] = defaultdict(list)
            for file in group:
                parts[_or_path(look, file)].append(file)
            finer += parts.values()
        groups = finer
    return {file: str(group[0]) for group in groups for file in group}


def _or_path(look: Callable[[Path], str], file: Path) -> str:
    try:
        return look(file)
    except OSError:
        return str(file)


def _size(file: Path) -> str:
    return str(file.stat().st_size)


def _glance(file: Path) -> str:
    with file.open("rb") as stream:
        stream.seek(max(0, (file.stat().st_size - GLANCE) // 2))
        return hashlib.sha256(stream.read(GLANCE)).hexdigest()


def _whole(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
