from __future__ import annotations

from pathlib import Path

import pytest

from fusion.data.tracing import ClipTrace, trace_clip
from fusion.inference.clips import clip_from_file
from tests.drawing.material import plans_of, recipe, write_corpus


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="session")
def trace(manifest: Path) -> ClipTrace:
    """The first window of the clip with a face and a voice, through the recipe."""
    loaded = recipe(manifest)
    return trace_clip(clip_from_file(manifest.parent / "both.mp4"), plans_of(loaded), loaded.experiment.window)
