"""The store as jobs see it: entries by key."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusion.contract import PICTURES, SOUND, WORDS, Clip, FusionError, Row, RunError, Span, Track
from fusion.data.rows import RowSource
from fusion.data.streams import StreamPlan, digest
from fusion.media import track_identity
from fusion.store.failures import FailureList
from fusion.store.hashes import ContentHashes
from fusion.store.layout import FORMAT
from fusion.store.reader import StoredClip
from fusion.store.writer import EntryWriter, naming_full_disk, sweep

if TYPE_CHECKING:
    from fusion.config.models import PrepareSettings

__all__ = ["FailedClip", "Store", "StoredClip", "store_folder"]

#: Temporary files older than this belong to no living process, in seconds.
STALE = 2 * 86400.0
PREPARE = "give the command fusion prepare CONFIG"
#: Kinds whose tracks settle how long a clip is, wanted or not.
_TIMING = (PICTURES, SOUND)


def store_folder(settings: PrepareSettings) -> Path:
    """Where an experiment's store lies: as configured, else FUSION_STORE, else ``.fusion/store``."""
    return settings.store or Path(os.environ.get("FUSION_STORE") or ".fusion/store")


@dataclass(frozen=True, slots=True)
class FailedClip:
    """In place of an entry that could not be made: the stream is absent, and why."""

    absence: str | None
    duration: Fraction = Fraction(0)

    def row(self, span: Span | None) -> Row:  # noqa: ARG002 - as every source of rows
        """There is none. Raises ValueError."""
        raise ValueError(f"the stream is absent: {self.absence}")


class Store:
    """Immutable entries, one for each clip and chain, shared by every run and process."""

    def __init__(self, folder: Path) -> None:
        """The store in a folder, which is made when something is written."""
        self.folder = folder
        self.hashes = ContentHashes(folder / "hashes.sqlite")
        self.failures = FailureList(folder / "failures.jsonl")

    def entry_key(self, clip: Clip, plan: StreamPlan) -> str:
        """The key of a clip's entry: content of the media used, place in it, decoders, chain.

        Neither paths nor labels are in it, and the clip's id only where a transform of scope clip may draw by it, or
        where a decoder finds the clip by it in a file of many.

        Raises:
            InputMissing: A file that the stream needs is not there.
        """
        used = [self._identity(clip, track, plan) for kind in plan.wants for track in clip.tracks_of(kind)]
        timing = [f"{track.start} {track.stream} {self._hash_if_there(track)}" for track in _timing_tracks(clip, plan)]
        return digest(
            {
                "format": FORMAT,
                "chain": plan.key,
                "tracks": used,
                "timing": timing,
                "duration": None if clip.duration is None else str(clip.duration),
                "transcript": clip.transcript if WORDS in plan.wants else None,
                "clip": clip.id if _named(clip, plan) else None,
            }
        )

    def files(self, clip: Clip, plan: StreamPlan) -> Iterator[Path]:
        """The files whose content is in the key of a clip's entry."""
        for kind in plan.wants:
            yield from (track.file for track in clip.tracks_of(kind))
        yield from (track.file for track in _timing_tracks(clip, plan))

    def has(self, key: str) -> bool:
        """Whether there is an entry."""
        return self._path(key).is_file()

    def open_writer(self, key: str) -> EntryWriter:
        """Begin an entry. Any number of processes may write the same one: the results are equal."""
        folder = self._temporary()
        with naming_full_disk(self.folder):
            folder.mkdir(parents=True, exist_ok=True)
        return EntryWriter(self._path(key), folder)

    def read(self, key: str) -> StoredClip:
        """An entry.

        Raises:
            RunError: There is none, or it is damaged.
        """
        path = self._path(key)
        if not path.is_file():
            raise RunError("there is no such entry", where=str(path), remedy=PREPARE)
        return StoredClip(path)

    def lookup(self, clip: Clip, plan: StreamPlan) -> RowSource:
        """What is stored of a clip for a stream; an absence with its reason where it was tried and failed.

        Raises:
            RunError: The clip has not been prepared for the stream.
        """
        try:
            key = self.entry_key(clip, plan)
        except FusionError as error:
            return FailedClip(str(error))
        if self.has(key):
            return self.read(key)
        failure = self.failures.get(key)
        if failure is not None:
            return FailedClip(failure.reason)
        raise RunError(f"the stream {plan.name} is not prepared", where=clip.id, remedy=PREPARE)

    def sweep(self) -> None:
        """Remove what processes killed long ago left behind."""
        sweep(self._temporary(), time.time() - STALE)

    def __getstate__(self) -> Path:
        return self.folder

    def __setstate__(self, folder: Path) -> None:
        self.__init__(folder)  # type: ignore[misc]

    def _temporary(self) -> Path:
        return self.folder / "temporary"

    def _path(self, key: str) -> Path:
        return self.folder / "entries" / key[:2] / f"{key}.safetensors"

    def _identity(self, clip: Clip, track: Track, plan: StreamPlan) -> dict[str, Any]:
        decoder = plan.decoders.get(track.kind)
        decided = track_identity(clip, track) if decoder is None else dict(decoder.identity(clip, track))
        return {
            "kind": track.kind,
            "content": self.hashes.of(track.file),
            "place": [str(track.stream), str(track.start), str(track.channel), str(track.region)],
            "decided": decided,
        }

    def _hash_if_there(self, track: Track) -> str:
        try:
            return self.hashes.of(track.file)
        except FusionError:
            return "none"


def _named(clip: Clip, plan: StreamPlan) -> bool:
    shared = any(track.shared for kind in plan.wants for track in clip.tracks_of(kind))
    return shared or any(step.scope == "clip" for step in plan.stored)


def _timing_tracks(clip: Clip, plan: StreamPlan) -> list[Track]:
    """Tracks that the stream does not use, but whose length settles that of the clip."""
    if clip.duration is not None:
        return []
    return [track for kind in _TIMING if kind not in plan.wants for track in clip.tracks_of(kind)]
