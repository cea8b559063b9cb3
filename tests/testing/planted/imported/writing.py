"""Writes a file when it is imported."""

import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    Path(folder, "cache").write_text("", encoding="utf-8")


class Component: ...
