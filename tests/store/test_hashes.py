from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from fusion.contract import InputMissing
from fusion.media import content_hash
from fusion.store import hashes as hashes_module
from fusion.store.hashes import ContentHashes


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Which files were really read."""
    seen: list[Path] = []

    def counted(path: Path) -> str:
        seen.append(path)
        return content_hash(path)

    monkeypatch.setattr(hashes_module, "content_hash", counted)
    return seen


def test_a_file_is_read_once_by_all_processes(tmp_path: Path, reads: list[Path]) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(b"one")
    for _ in range(2):
        hashes = ContentHashes(tmp_path / "store" / "hashes.sqlite")
        assert hashes.of(file) == hashes.of(file) == sha(b"one")
    assert reads == [file]


def test_changed_files_are_read_again_even_with_their_old_time(tmp_path: Path, reads: list[Path]) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(b"one")
    hashes = ContentHashes(tmp_path / "hashes.sqlite")
    hashes.of(file)
    before = file.stat()
    file.write_bytes(b"two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert hashes.of(file) == sha(b"two")
    assert len(reads) == 2


def test_reading_ahead(tmp_path: Path, reads: list[Path]) -> None:
    files = [tmp_path / f"{k}.wav" for k in range(5)]
    for file in files[:4]:
        file.write_bytes(file.name.encode())
    hashes = ContentHashes(tmp_path / "hashes.sqlite")
    hashes.of(files[0])
    hashes.read_ahead([*files, *files], threads=2)
    assert len(reads) == 4
    assert [hashes.of(file) for file in files[:4]] == [sha(file.name.encode()) for file in files[:4]]
    assert len(reads) == 4
    with pytest.raises(InputMissing, match="there is no such file"):
        hashes.of(files[4])


def test_a_damaged_memory_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "hashes.sqlite").write_bytes(b"this is no database" * 100)
    file = tmp_path / "a.wav"
    file.write_bytes(b"one")
    assert ContentHashes(tmp_path / "hashes.sqlite").of(file) == sha(b"one")
