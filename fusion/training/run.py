"""A run: the folder that holds everything about one job."""

from __future__ import annotations

import fcntl
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from fusion.contract import RunError
from fusion.training.files import read_json, write_json

#: Version of the layout of run folders and checkpoints.
RUN_FORMAT = 1

_PACKAGES = ("avfusion", "torch", "numpy", "av", "opencv-python-headless", "safetensors", "scikit-learn")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run's folder; a second job on it is refused.

    The lock belongs to this process alone: loader workers do not inherit it, and it ends with the process.

    Raises:
        RunError: Another job works on the folder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot be made ({error.strerror})", where=str(folder), remedy="choose another folder") from error
    # Opened once and kept: closing any descriptor of a file drops all of a process's locks on it.
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(descriptor, 64, 0).decode(errors="replace").strip() or "unknown"
            raise RunError(f"another job (process {holder}) works on this run", where=str(folder),
                           remedy="wait for it, or give this one another seed or setting") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


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
    def ask(*words: str) -> str:
        return subprocess.run(
            ["git", *words], capture_output=True, text=True, check=True, timeout=10  # noqa: S607
        ).stdout.strip()

    try:
        return {"commit": ask("rev-parse", "HEAD"), "changed": bool(ask("status", "--porcelain", "--untracked-files=no"))}
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
            raise RunError("holds no run", where=str(self.folder), remedy="name the folder that finetune reported")
        record = read_json(self.path)
        if record.get("format", 0) > RUN_FORMAT:
            raise RunError(
                f"was written by a newer version of avfusion ({record.get('environment', {}).get('versions', {}).get('avfusion')})",
                where=str(self.folder), remedy="upgrade avfusion",
            )
        return dict(record)

    def begin(self, content: Mapping[str, Any]) -> None:
        """Start the record, or check that a begun one is about the same thing.

        Raises:
            RunError: The folder holds a run of another config, split or data.
        """
        if self.exists:
            before = self.read()
            for key in ("job", "config", "split"):
                if before.get(key) != content.get(key):
                    raise RunError(
                        f"holds a run with another {key}", where=str(self.folder),
                        remedy="move the old run away, or give an override so that this one gets a folder of its own",
                    )
            return
        write_json(self.path, {
            "format": RUN_FORMAT, "status": "running", "begun": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            **content, "environment": describe_environment(),
        })

    def update(self, **changes: Any) -> None:
        """Change entries of the record."""
        write_json(self.path, {**self.read(), **changes})
