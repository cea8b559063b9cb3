"""Content hashes of media, remembered as long as a file looks the same."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

from fusion.contract import InputMissing
from fusion.media import content_hash

#: Seconds to wait for another process that writes.
PATIENCE = 60.0
#: Hashes that are written at once.
BATCH = 64


class ContentHashes:
    """SHA-256 by path, size, times and inode, in a small database that several processes share."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: dict[str, tuple[str, str]] = {}
        self._loaded = False

    def of(self, path: Path) -> str:
        """The hash of a file's content, computed where the file is new or changed.

        Raises:
            InputMissing: There is no such file.
        """
        found = self._remembered(path.resolve())
        if found is not None:
            return found
        computed = self._compute(path.resolve())
        self._save([computed])
        return computed[2]

    def read_ahead(self, paths: Iterable[Path], threads: int) -> None:
        """Compute the hashes of new and changed files with several threads; missing files are left out."""
        fresh = [
            path for path in {path.resolve(): None for path in paths if path.is_file()} if not self._remembered(path)
        ]
        with ThreadPoolExecutor(max(threads, 1)) as pool:
            for start in range(0, len(fresh), BATCH):
                self._save(list(pool.map(self._compute, fresh[start : start + BATCH])))

    def __getstate__(self) -> Path:
        return self._file

    def __setstate__(self, file: Path) -> None:
        self.__init__(file)  # type: ignore[misc]

    def _remembered(self, path: Path) -> str | None:
        if not self._loaded:
            self._load()
        known = self._known.get(str(path))
        return known[1] if known is not None and known[0] == _look(path) else None

    def _compute(self, path: Path) -> tuple[str, str, str]:
        seen = _look(path)
        computed = content_hash(path)
        # A file that changes while it is read is not remembered: no file looks like the empty string.
        return str(path), seen if _look(path) == seen else "", computed

    def _load(self) -> None:
        self._loaded = True
        if not self._file.exists():
            return
        with suppress(sqlite3.Error), closing(self._connect()) as connection:
            rows = connection.execute("SELECT path, seen, hash FROM hashes")
            self._known |= {path: (seen, hashed) for path, seen, hashed in rows}

    def _save(self, computed: list[tuple[str, str, str]]) -> None:
        self._known |= {path: (seen, hashed) for path, seen, hashed in computed}
        # Only a memory: where it cannot be written (a store that is read-only here), hashes are computed again.
        with suppress(sqlite3.Error, OSError), closing(self._connect()) as connection, connection:
            connection.executemany("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?)", computed)

    def _connect(self) -> sqlite3.Connection:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._file, timeout=PATIENCE)
        connection.execute("PRAGMA synchronous = OFF")  # a memory may be lost, but not slow
        connection.execute("CREATE TABLE IF NOT EXISTS hashes (path TEXT PRIMARY KEY, seen TEXT, hash TEXT)")
        return connection


def _look(path: Path) -> str:
    try:
        stat = path.stat()
    except FileNotFoundError:
        raise InputMissing("there is no such file", where=str(path)) from None
    # ctime as well: tools that restore a file's mtime cannot restore that.
    return f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns} {stat.st_ino}"
