"""A small experiment on real files: three-tone voices with words, six speakers, trained in a second or two."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from fusion.config.experiment import LoadedExperiment, read_experiment
from fusion.testing.media import write_sound

TONES = {"calm": 220.0, "happy": 660.0, "angry": 1760.0}
WORDS = {"calm": "well then", "happy": "oh how lovely", "angry": "never again"}
RATE = 8000


def write_corpus(
    folder: Path,
    *,
    speakers: Sequence[str] = ("ann", "ben", "cat", "dan", "eve", "fay"),
    each: int = 1,
    seed: int = 0,
    columns: Mapping[str, Mapping[str, str]] | None = None,
) -> Path:
    """Write wav files and their manifest.

    Args:
        folder: Where to.
        speakers: One of them may be empty: unknown.
        each: Clips of each speaker and emotion.
        seed: Of the noise in the voices.
        columns: By clip id, columns to change.
    """
    random = np.random.default_rng(seed)
    time = np.arange(int(0.5 * RATE)) / RATE
    rows = []
    for number, speaker in enumerate(speakers):
        for emotion, tone in TONES.items():
            for take in range(each):
                name = f"{speaker or 'unknown'}{number}_{emotion}_{take}"
                sound = (
                    np.sin(2 * np.pi * tone * (1 + 0.05 * number) * time) * 0.3 + random.normal(size=len(time)) * 0.1
                )
                write_sound(folder / f"{name}.wav", sound=sound.astype(np.float32), sound_rate=RATE)
                row = {
                    "id": name, "file": f"{name}.wav", "speaker": speaker, "sex": "female" if number % 2 else "male",
                    "emotion": emotion, "transcript": WORDS[emotion] if take % 2 == 0 else "", "take": name,
                }  # fmt: skip
                rows.append({**row, **(columns or {}).get(name, {})})
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def write_config(folder: Path, **changes: Any) -> Path:
    """Write a config that runs on ``write_corpus``'s folder; changes are top-level keys."""
    experiment = {
        "corpus": {"name": "manifest", "root": "manifest.csv"},
        "target": {"name": "classes", "classes": list(TONES)},
        "window": {"seconds": "1/2"},
        "streams": {
            "voice": {
                "modality": {"name": "audio", "standardise": "training"},
                "transforms": [{"name": "log_mel", "bands": 16, "rate": 50, "highest": 3900}],
                "augmentations": [{"name": "gain", "deviation": 0.3}],
                "encoder": {"name": "cnn", "width": 4, "layers": 2, "bands": 2, "dim": 8, "dropout": 0.1, "heads": 2},
            },
            "words": {"modality": {"name": "text"}, "encoder": {"name": "lstm"}},
        },
        "fusion": [{"name": "late_average"}, {"name": "learned", "label": "gated", "form": "gated"}],
        "protocol": {"name": "held_out", "validation": ["cat", "dan"], "test": ["eve", "fay"]},
        "prepare": {"workers": 0, "store": str(folder / "store")},
        "finetune": {"epochs": 2, "batch": 6, "warmup": 0, "balance": "sampling", "head": {"epochs": 2}},
        **changes,
    }
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump(experiment, sort_keys=False), encoding="utf-8")
    return path


def experiment_in(folder: Path, **changes: Any) -> LoadedExperiment:
    """The experiment of a folder that ``write_corpus`` has filled."""
    return read_experiment(write_config(folder, **changes))
