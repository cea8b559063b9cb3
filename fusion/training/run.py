"""A run: the folder that holds everything about one job."""

from __future__ import annotations

import fcntl
import glob
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from fusion.contract import Clip, RunError
from fusion.inference.files import read_json, write_atomic, write_json
from fusion.store.hashes import ContentHashes
from fusion.training.processes import current
from fusion.training.split_data import content_of

#: Version of the layout of run folders and checkpoints.
RUN_FORMAT = 1

#: The file of a run that says whom and what it has seen.
CLIPS = "clips.json"
#: What of a begun run's record must be the same for it to go on, causes first: other clips are split otherwise.
_SAME = {
    "job": "job",
    "config": "config",
    "identity": "set of clips",
    "split": "split",
    "start": "start",
    "plugins": "content of its single-file plugins",
}

_PACKAGES = ("avfusion", "torch", "numpy", "av", "opencv-python-headless", "safetensors", "scikit-learn")

#: Runs that this process holds: locks of the operating system do not keep out a process's own threads.
_held: set[Path] = set()


@contextmanager
def locked(folder: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold a run's folder; a second job on it is refused. Of a job's processes the first one holds it for all.

    The lock belongs to this process alone: loader workers do not inherit it, and it ends with the process.

    Args:
        folder: Of the run, or of one of its folds.
        shared: Other jobs that share it may work beside this one (on other folds).

    Raises:
        RunError: Another job works on the folder.
    """
    if not current().first:
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(
            f"cannot be made ({error.strerror})", where=str(folder), remedy="choose another folder"
        ) from error
    # Opened once and kept: closing any descriptor of a file drops all of a process's locks on it.
    place = folder.resolve()
    if place in _held:
        raise _busy(folder, "this process")
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    _held.add(place)
    try:
        try:
            fcntl.lockf(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(descriptor, 64, 0).decode(errors="replace").strip() or "unknown"
            raise _busy(folder, f"process {holder}") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        _held.discard(place)
        os.close(descriptor)


def _busy(folder: Path, holder: str) -> RunError:
    return RunError(
        f"another job ({holder}) works on this run",
        where=str(folder),
        remedy="wait for it, or give this one another seed or setting",
    )


def describe_environment() -> dict[str, Any]:
    """Versions, machine and git state, for a run's records."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "versions": versions,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "git": _git(),
        "command": sys.argv,
    }


def _git() -> dict[str, Any] | None:
    """Commit and whether the working tree differs from it; None outside a repository or without git."""
    program = shutil.which("git")
    if program is None:
        return None

    def ask(*words: str) -> str:
        command = [program or "git", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()  # noqa: S603

    try:
        changed = ask("status", "--porcelain", "--untracked-files=no")
        return {"commit": ask("rev-parse", "HEAD"), "changed": bool(changed)}
    except (OSError, subprocess.SubprocessError):
        return None


class Record:
    """The file ``run.json`` of a run: what the job is, what it was made from, how far it has come."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "run.json"

    @property
    def exists(self) -> bool:
        """Whether the job was begun before."""
        return self.path.exists()

    def read(self) -> dict[str, Any]:
        """The record.

        Raises:
            RunError: The folder holds no run, or one of a newer version.
        """
        if not self.path.exists():
            raise RunError("holds no run", where=str(self.folder), remedy=self._others())
        record = read_json(self.path)
        if record.get("format", 0) > RUN_FORMAT:
            version = record.get("environment", {}).get("versions", {}).get("avfusion")
            raise RunError(
                f"was written by a newer version of avfusion ({version})",
                where=str(self.folder),
                remedy="upgrade avfusion",
            )
        return dict(record)

    def _others(self) -> str:
        """What to name instead: runs with overrides lie beside the one without."""
        beside = sorted(path.parent for path in self.folder.parent.glob(f"{glob.escape(self.folder.name)}-*/run.json"))
        if not beside:
            return "name the folder that the job reported"
        shown = ", ".join(str(path) for path in beside[:3])
        return f"name the folder that the job reported; runs with other settings lie in {shown}" + (
            f" and {len(beside) - 3} more" if len(beside) > 3 else ""
        )

    def begin(self, content: Mapping[str, Any], clips: Sequence[Mapping[str, Any]]) -> None:
        """Start the record, or check that a begun one is about the same thing.

        Args:
            content: What the run is about.
            clips: Its ``known_clips``, which get a file of their own; the record names their hash.

        Raises:
            RunError: The folder holds a run of another config, split or data.
        """
        listed = json.dumps(clips, ensure_ascii=False).encode()
        content = {**content, "identity": hashlib.sha256(listed).hexdigest()[:16]}
        if self.exists:
            before = self.read()
            for key, words in _SAME.items():
                if key in before and _compared(key, before) != _compared(key, content):
                    changes = _changes(read_clips(self.folder), clips) if key == "identity" else f"another {words}"
                    raise RunError(
                        f"holds a run with {changes}",
                        where=str(self.folder),
                        remedy="move the old run away, or give an override so that this one gets a folder of its own",
                    )
            return
        write_atomic(self.folder / CLIPS, listed)
        write_json(
            self.path,
            {
                "format": RUN_FORMAT,
                "status": "running",
                "begun": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
                **content,
                "environment": describe_environment(),
            },
        )

    def update(self, **changes: Any) -> None:
        """Change entries of the record."""
        write_json(self.path, {**self.read(), **changes})


def _compared(key: str, content: Mapping[str, Any]) -> Any:
    """An entry of a record as far as it decides what the run is: of a plugin's file the content, not the place."""
    value = content.get(key)
    return {name: file["sha256"] for name, file in value.items()} if key == "plugins" and value else value


def known_clips(clips: Sequence[Clip], hashes: ContentHashes) -> list[dict[str, Any]]:
    """Whom and what a run knows, held-out parts included: by it, leaks between runs are found.

    Files that clips share say nothing of a single one, but are part of what the run is made from.
    """
    known = []
    for clip in clips:
        content = content_of(clip, hashes)
        one = {"id": clip.id, "speaker": clip.speaker, "take": clip.take, "content": content}
        shared = {track.file for track in clip.tracks if track.shared}
        known.append(one | ({"shared": sorted(map(hashes.of, shared))} if shared else {}))
    return known


def read_clips(folder: Path) -> list[dict[str, Any]]:
    """The ``known_clips`` of a run. Raises RunError where they are missing."""
    clips: list[dict[str, Any]] = read_json(folder / CLIPS)
    return clips


def _changes(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> str:
    """What tells two lists of known clips apart, in words."""
    old, new = ({str(clip["id"]): dict(clip) for clip in clips} for clips in (before, now))
    kinds = {
        "gone now": [name for name in old if name not in new],
        "new": [name for name in new if name not in old],
        "different now": [name for name in new if name in old and new[name] != old[name]],
    }
    said = [
        f"{len(names)} clip{'s' * (len(names) != 1)} {'are' if len(names) != 1 else 'is'} {kind} "
        f"({', '.join(names[:3])}{', ...' * (len(names) > 3)})"
        for kind, names in kinds.items()
        if names
    ]
    return f"other clips: {'; '.join(said) or 'they come in another order'}"


def starts_of(record: Mapping[str, Any]) -> list[Path]:
    """The runs that a run's weights came from, as its record names them."""
    named = [stream.get("weights") for stream in record["config"].get("streams", {}).values()]
    return [Path(path) for path in (record.get("start"), *named) if path]
