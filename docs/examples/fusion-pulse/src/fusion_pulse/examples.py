"""With what the components are checked: ``fusion plugins check pulse``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from fusion.contract import Example, Track


def recordings(folder: Path) -> Sequence[Example]:
    """Four seconds of a heart that beats faster and slower."""
    lines = [f"{k / 5},{70 + 20 * math.sin(k / 3)}" for k in range(21)]
    file = folder / "recording.csv"
    file.write_text("\n".join(["seconds,beats_per_minute", *lines]), encoding="utf-8")
    return [Example(tracks=[Track("pulse", file)])]
