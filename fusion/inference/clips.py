"""From a file that a user names to a clip."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fusion.contract import PICTURES, SOUND, WORDS, Clip, InputMissing, Track

#: Beside a clip, its words: the first that exists is taken; those with times come first.
SIDECARS = (".srt", ".vtt", ".txt")


def clip_from_file(file: Path, *, transcript: str | None = None, tracks: Mapping[str, Path] | None = None) -> Clip:
    """A clip of one media file, with the words of a sidecar of the same name, if there is one.

    Args:
        file: A media file.
        transcript: The words, instead of a sidecar.
        tracks: Further files by media kind; they replace what the file itself has of that kind.

    Raises:
        InputMissing: A file does not exist.
    """
    given = dict(tracks or {})
    for path in (file, *given.values()):
        if not path.is_file():
            raise InputMissing("does not exist", where=str(path), remedy="check the path")
    found = {PICTURES: file, SOUND: file, **given}
    sidecar = next((path for suffix in SIDECARS if (path := file.with_suffix(suffix)).is_file() and path != file), None)
    if WORDS not in found and transcript is None and sidecar is not None:
        found[WORDS] = sidecar
    return Clip(file.name, tuple(Track(kind, path) for kind, path in found.items()), transcript=transcript)
