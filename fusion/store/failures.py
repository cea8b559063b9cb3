"""Clips that could not be prepared: one row each, in a file of JSON lines beside the entries."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Failure:
    """One stream of one clip that could not be made.

    Args:
        clip: The clip's id.
        stream: The stream's name.
        reason: One sentence.
        key: Key of the entry that is missing for it; empty where not even the media could be read.
    """

    clip: str
    stream: str
    reason: str
    key: str = ""


def by_reason(failures: Iterable[Failure]) -> list[str]:
    """A line for each reason, with the clips it concerns: a table that is wrong fails every clip in one way."""
    clips: dict[str, list[str]] = {}
    for failure in failures:
        clips.setdefault(failure.reason, []).append(failure.clip)
    lines = []
    for reason, names in sorted(clips.items(), key=lambda one: -len(one[1])):
        first, others = names[0], len(names) - 1
        more = f" and {others} other{'s' if others > 1 else ''}" if others else ""
        lines.append(f"{first}{more}: {reason}")
    return lines


class FailureList:
    """An append-only list; what was prepared since, or failed again, is settled by the entries and later rows."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._size = -1
        self._by_key: dict[str, Failure] = {}

    def add(self, failures: Iterable[Failure]) -> None:
        """Append failures that are not known already."""
        fresh = [failure for failure in failures if self.get(failure.key) != failure or not failure.key]
        if not fresh:
            return
        lines = "".join(json.dumps(asdict(failure), sort_keys=True) + "\n" for failure in fresh).encode()
        handle = os.open(self._file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            size = os.fstat(handle).st_size
            # A line torn by a full disk must not swallow the next one.
            torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
            os.write(handle, b"\n" + lines if torn else lines)
        finally:
            os.close(handle)

    def get(self, key: str) -> Failure | None:
        """The latest failure under a key, as any process recorded it."""
        size = self._file.stat().st_size if self._file.exists() else 0
        if size != self._size:
            self._size = size
            self._by_key = {failure.key: failure for failure in self._read() if failure.key}
        return self._by_key.get(key)

    def _read(self) -> Iterable[Failure]:
        if not self._file.exists():
            return
        for line in self._file.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                yield Failure(**json.loads(line))
            except (ValueError, TypeError):
                continue
