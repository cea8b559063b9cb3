"""A generated clip with a manifest, and the streams of the recipe that is drawn in the documentation."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusion.catalog import catalog
from fusion.config.experiment import LoadedExperiment, read_experiment
from fusion.data.streams import StreamPlan, plan_streams
from fusion.testing.faces import face_picture
from fusion.testing.media import write_clip

RECIPE = Path(__file__).parents[2] / "configs/systems/lbher.yaml"


@cache
def _face(tenth: int) -> NDArray[np.uint8]:
    return face_picture((160, 120), right=0.03 * (tenth % 5))


def voice(seconds: NDArray[np.float64]) -> NDArray[Any]:
    """Syllables of a gliding tone, with pauses."""
    tone = sum(np.sin(2 * np.pi * k * (140 * seconds + 5 * np.sin(seconds))) / k for k in range(1, 12))
    return np.asarray(0.2 * tone * np.clip(np.sin(2 * np.pi * 1.5 * seconds), 0, None))


def write_corpus(folder: Path, *, seconds: float = 4.0) -> Path:
    """``both`` has a face and a voice, ``heard`` a voice, ``noise.mp4`` is no media; answers the manifest."""
    options = {"preset": "ultrafast"}
    write_clip(
        folder / "both.mp4",
        seconds=seconds,
        fps=10,
        pictures=lambda t: _face(int(10 * t)),
        sound=voice,
        options=options,
    )
    write_clip(folder / "heard.mp4", seconds=1.0, pictures=None, sound=voice)
    write_clip(folder / "seen.mp4", seconds=1.0, fps=10, pictures=lambda t: _face(0), sound=None, options=options)
    (folder / "broken.mp4").write_bytes(b"no media at all" * 50)
    lines = [f"{name}.mp4,happy" for name in ("both", "heard", "seen", "broken")]
    (folder / "manifest.csv").write_text("\n".join(["file,emotion", *lines]) + "\n")
    return folder / "manifest.csv"


def recipe(manifest: Path, *overrides: str) -> LoadedExperiment:
    """The recipe on the manifest's clips."""
    return read_experiment(RECIPE, [f"corpus={{name: manifest, root: {manifest}}}", *overrides])


def plans_of(loaded: LoadedExperiment) -> list[StreamPlan]:
    return list(plan_streams(loaded.experiment, catalog()).values())
