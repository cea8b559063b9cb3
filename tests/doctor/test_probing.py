from __future__ import annotations

from pathlib import Path

import pytest

from fusion.doctor.probing import probe


def test_modules_of_the_working_directory_are_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pluggy.py").write_text("raise SystemExit(5)\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    probed = probe("module", ["pluggy"], seconds=30)
    assert probed.failure is None
    assert probed.answer
