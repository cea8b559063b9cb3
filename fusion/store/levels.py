"""How loud and how long clips' sound is: measured once for each content, and remembered."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import astuple, dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fusion.contract import SOUND, Clip, FusionError, Want
from fusion.data.streams import digest
from fusion.media import open_clip
from fusion.store.hashes import PATIENCE, ContentHashes

#: Seconds of a frame whose level is taken.
FRAME = 0.025
#: Seconds that are decoded at once.
STRETCH = 10
#: Power of a frame that holds nothing.
FLOOR = 1e-10
#: Clips whose measures are written at once.
BATCH = 64
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Level:
    """Of a clip's sound, over frames of 25 ms.

    Args:
        mean: Mean level in dB of full scale.
        high: 95th percentile of the level in dB.
        spread: Standard deviation of the level in dB.
        seconds: Length.
    """

    mean: float
    high: float
    spread: float
    seconds: float


def measure(clip: Clip) -> Level | None:
    """Decode a clip's sound and measure it; None where it has none, or less than a frame.

    Raises:
        FusionError: Its sound cannot be read.
    """
    clip = replace(clip, tracks=clip.tracks_of(SOUND))
    want = Want(SOUND)
    powers: list[NDArray[np.float64]] = []
    rest = np.zeros(0)
    rate, length = None, 0
    with open_clip(clip, [want]) as source:
        until = Fraction(0)
        while not source.exhausted:
            until += STRETCH
            piece = source.advance(until).get(want)
            if piece is None or not len(piece.data):
                continue
            rate = piece.rate
            assert rate is not None
            size = max(int(rate * FRAME), 1)
            length += len(piece.data)
            samples = np.concatenate([rest, np.asarray(piece.data, dtype=np.float64)])
            whole = len(samples) // size * size
            powers.append((samples[:whole].reshape(-1, size) ** 2).mean(axis=1))
            rest = samples[whole:]
    power = np.concatenate([np.zeros(0), *powers])
    if rate is None or not len(power):
        return None
    level = 10 * np.log10(power + FLOOR)
    return Level(float(level.mean()), float(np.percentile(level, 95)), float(level.std()), float(length / rate))


class Levels:
    """Levels by the content and place of clips' sound, in a small database beside the store."""

    def __init__(self, file: Path, hashes: ContentHashes) -> None:
        """Where they are remembered, and what knows the content of files."""
        self._file = file
        self._hashes = hashes

    def of(self, clips: Sequence[Clip], step: Callable[[], object] = lambda: None) -> list[Level | None]:
        """Of each clip, its level; None where there is no sound that can be read. ``step`` hears of each clip."""
        keys = [self._key(clip) for clip in clips]
        known = self._load()
        fresh: dict[str, Level | None] = {}
        for clip, key in zip(clips, keys, strict=True):
            if key is not None and key not in known:
                with suppress(FusionError):
                    fresh[key] = known[key] = measure(clip)
                if len(fresh) >= BATCH:
                    self._save(fresh)
                    fresh = {}
            step()
        self._save(fresh)
        return [None if key is None else known.get(key) for key in keys]

    def _key(self, clip: Clip) -> str | None:
        tracks = clip.tracks_of(SOUND)
        if not tracks:
            return None
        try:
            places = [[self._hashes.of(t.file), str(t.stream), str(t.start), str(t.channel)] for t in tracks]
        except FusionError:
            return None
        return digest({"format": _FORMAT, "tracks": places, "duration": str(clip.duration)})

    def _load(self) -> dict[str, Level | None]:
        if self._file.exists():
            with suppress(sqlite3.Error), closing(self._connect()) as connection:
                rows = connection.execute("SELECT key, level FROM levels").fetchall()
                return {key: None if level is None else Level(*json.loads(level)) for key, level in rows}
        return {}

    def _save(self, levels: dict[str, Level | None]) -> None:
        rows = [(key, None if level is None else json.dumps(astuple(level))) for key, level in levels.items()]
        # Only a memory: where it cannot be written, levels are measured again.
        with suppress(sqlite3.Error, OSError), closing(self._connect()) as connection, connection:
            connection.executemany("INSERT OR REPLACE INTO levels VALUES (?, ?)", rows)

    def _connect(self) -> sqlite3.Connection:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._file, timeout=PATIENCE)
        connection.execute("CREATE TABLE IF NOT EXISTS levels (key TEXT PRIMARY KEY, level TEXT)")
        return connection
