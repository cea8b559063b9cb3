"""Two systems of voice and words on a handful of half-second clips, and their table of leakage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.evaluation.small import write_config, write_corpus

STREAMS = {
    "voice": {
        "modality": {"name": "audio", "standardise": "training"},
        "transforms": [{"name": "log_mel", "bands": 16, "rate": 50, "highest": 3900}],
        "augmentations": [{"name": "gain", "deviation": 0.3, "chance": 0.5}],
        "encoder": {"name": "cnn", "width": 4, "layers": 2, "bands": 2, "dim": 8, "dropout": 0.1, "heads": 2},
    },
    "words": {"modality": {"name": "text"}, "encoder": {"name": "lstm"}},
}
SECTION = {
    "systems": {"Voice": ["voice"], "Voice+words": ["voice", "words"]},
    "test": [0.2],
    "draws": 2,
    "leaking_draws": 1,
    "published": {"Voice": 0.9},
}
SWITCHES = {"switched": "Voice", "switches": {"without augmentation": {"leave_out": ["gain"]}}}


def write_world(folder: Path, section: dict[str, Any] | None = None, **changes: Any) -> Path:
    """A corpus and its config; the config's path."""
    write_corpus(folder)
    given: dict[str, Any] = {
        "window": {"seconds": "1/4", "per_clip": 3},
        "streams": STREAMS,
        "fusion": [{"name": "learned", "form": "concatenate"}],
        "finetune": {"epochs": 1, "batch": 24, "warmup": 0, "balance": "sampling", "head": {"epochs": 1}},
        "leakage": SECTION if section is None else section,
        **changes,
    }
    return write_config(folder, **given)
