"""What decides the pieces of a track: the content of its file, the place in it, and the versions that decode it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from fusion.contract import PICTURES, SOUND, WORDS, Clip, InputMissing, Track

#: By built-in kind; raised when its pieces change.
VERSIONS = {PICTURES: 2, SOUND: 1, WORDS: 1}


def content_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal. Raises InputMissing."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise InputMissing("there is no such file", where=str(path)) from None


def track_identity(clip: Clip, track: Track) -> dict[str, str]:
    """What besides the file's bytes decides a track's pieces: its place in the file and library versions.

    Args:
        clip: The clip the track belongs to; its length cuts the pieces.
        track: A track of a built-in kind.
    """
    region = track.region
    identity = {
        "media": str(VERSIONS[track.kind]),
        "kind": track.kind,
        "stream": "first" if track.stream is None else str(track.stream),
        "start": str(track.start),
        "duration": str(clip.duration),
        "channel": "mean" if track.channel is None else str(track.channel),
        "region": "whole" if region is None else f"{region.left} {region.top} {region.right} {region.bottom}",
    }
    if track.kind in (PICTURES, SOUND):
        import av

        libraries = {name: ".".join(map(str, av.library_versions[name])) for name in ("libavformat", "libavcodec")}
        identity |= {"pyav": av.__version__, **libraries}
    if track.kind == PICTURES:
        import cv2

        identity["opencv"] = cv2.__version__
    return identity
