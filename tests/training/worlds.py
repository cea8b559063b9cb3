"""A tiny world of real clips for tests of training and inference: made once, trained in seconds."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from fusion.catalog import catalog
from fusion.config.experiment import LoadedExperiment, read_experiment
from fusion.testing.media import tone, write_clip, write_sound
from fusion.training.finetune import finetune

CLASSES = ("calm", "loud")
WORDS = {"calm": "soft slow words", "loud": "quick sharp words"}

#: A head for every kind of target.
GATED = {"name": "learned", "form": "gated", "dim": 4, "hidden": 4}

STREAMS: dict[str, Any] = {
    "sound": {
        "modality": {"name": "audio", "standardise": "training"},
        "transforms": [
            {"name": "resample", "rate": 8000},
            {"name": "log_mel", "bands": 8, "rate": 50, "window": 0.032, "highest": 4000},
        ],
        "augmentations": ["gain", "time_mask"],
        "encoder": {"name": "cnn", "width": 4, "layers": 2, "dim": 8, "groups": 2, "heads": 2, "dropout": 0.2},
    },
    "pictures": {
        "modality": {"name": "video", "frames": 4, "seconds": "1"},
        "transforms": [{"name": "picture_resize", "width": 12, "height": 16}],
        "augmentations": ["flip"],
        "encoder": {
            "name": "cnn3d",
            "widths": [2, 2, 2, 2],
            "stride": 1,
            "step": 1,
            "grid": [1, 1],
            "groups": 1,
            "hidden": 4,
            "embedding": 4,
        },
    },
    "words": {
        "modality": {"name": "text"},
        "augmentations": [{"name": "word_dropout", "chance": 0.2}],
        "encoder": {"name": "lstm", "width": 4, "hidden": 4, "embedding": 4},
    },
}


@dataclass(frozen=True)
class World:
    """A folder with clips, a manifest, a store and a config."""

    folder: Path
    name: str = "tiny"

    @property
    def config(self) -> Path:
        return self.folder / "configs" / f"{self.name}.yaml"

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def clip(self, name: str) -> Path:
        return self.folder / "clips" / name

    def environment(self) -> dict[str, str]:
        """Of a program that works in this world."""
        own = {"FUSION_RUNS": str(self.folder / "runs"), "FUSION_STORE": str(self.store), "OMP_NUM_THREADS": "1"}
        return {**os.environ, **own}

    def load(self, *overrides: str, streams: Sequence[str] = ("sound", "pictures")) -> LoadedExperiment:
        """The config with some of the streams."""
        gone = [f"streams.{name}=null" for name in STREAMS if name not in streams]
        return read_experiment(self.config, [f"prepare.store={self.store}", *gone, *overrides])

    def variant(self, name: str, **changes: Any) -> World:
        """The same world under a config with other entries."""
        data = {**yaml.safe_load((self.folder / "configs" / "tiny.yaml").read_text()), **changes}
        (self.folder / "configs" / f"{name}.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
        return replace(self, name=name)

    def train(self, folder: Path, *overrides: str, **options: Any) -> Path:
        """Finetune in this process."""
        streams = options.pop("streams", ("sound", "pictures"))
        return finetune(self.load(*overrides, streams=streams), folder, catalog=catalog(), **options)


def picture(emotion: str, speaker: int) -> Any:
    def draw(seconds: float) -> NDArray[np.uint8]:
        image = np.full((36, 48, 3), 60 + 10 * speaker, np.uint8)
        rate = 4 if emotion == "loud" else 1
        top = int(12 + 10 * np.sin(seconds * rate * 3))
        image[top : top + 8, 10:38] = 230
        return image

    return draw


def write_media(path: Path, emotion: str, speaker: int, seconds: float, *, pictures: bool = True) -> None:
    loud = emotion == "loud"
    sound = tone(150 + 20 * speaker + 300 * loud, 0.5 if loud else 0.1)
    if pictures:
        draw = picture(emotion, speaker)
        write_clip(path, seconds=seconds, size=(48, 36), fps=8, pictures=draw, sound=sound, sound_rate=8000)
    else:
        write_sound(path, seconds=seconds, sound=sound, sound_rate=8000)


def write_world(folder: Path) -> World:
    """Twelve clips of six speakers, one without pictures and one without words; a second corpus of six sounds."""
    rows: list[dict[str, str]] = []
    for number in range(12):
        speaker, emotion = number // 2 + 1, CLASSES[number % 2]
        name = f"c{number:02}.wav" if number == 2 else f"c{number:02}.mp4"
        write_media(folder / "clips" / name, emotion, speaker, 0.9 + 0.25 * (number % 5), pictures=number != 2)
        rows.append(_row(f"c{number:02}", f"clips/{name}", f"s{speaker}", emotion, number))
        rows[-1]["transcript"] = "" if number == 3 else f"{WORDS[emotion]} {'really ' * (number % 3)}"
    _write_manifest(folder / "manifest.csv", rows)
    further: list[dict[str, str]] = []
    for number in range(6):
        name, speaker = f"f{number}.wav", (6, 7, 8)[number // 2]
        emotion = CLASSES[number % 2]
        write_media(folder / "further" / name, emotion, speaker, 1.0 + 0.1 * number, pictures=False)
        further.append(_row(f"f{number}", name, f"s{speaker}", {"calm": "low", "loud": "high"}[emotion], number))
    further.append(_row("f6", "f5.wav", "s8", "odd", 6))
    _write_manifest(folder / "further" / "manifest.csv", further)
    config = {
        "corpus": {"name": "manifest", "root": "..", "label_columns": ["emotion"]},
        "target": {"name": "classes", "classes": list(CLASSES)},
        "window": {"seconds": 1.0},
        "streams": STREAMS,
        "fusion": [{"name": "late_average"}, dict(GATED)],
        "protocol": {"name": "held_out", "validation": ["s5"], "test": ["s6"]},
        "prepare": {"workers": 0},
        "finetune": {
            "epochs": 2,
            "batch": 3,
            "mixup": 0.3,
            "average": 0.5,
            "checkpoint_every": 1,
            "modality_dropout": 0.3,
            "smoothing": 0.1,
            "head": {"epochs": 4, "batch": 4, "mixup": 0},
            "joint": {"epochs": 2, "batch": 3},
        },
    }
    (folder / "configs").mkdir(parents=True)
    (folder / "configs" / "tiny.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return World(folder)


def rewritten(manifest: Path, name: str, said: Mapping[str, str]) -> None:
    """A manifest beside another one, of some of its clips with other transcripts."""
    with manifest.open() as file:
        rows = [{**row, "transcript": said[row["id"]]} for row in csv.DictReader(file) if row["id"] in said]
    _write_manifest(manifest.with_name(name), rows)


def _row(identifier: str, file: str, speaker: str, emotion: str, number: int) -> dict[str, str]:
    rating = str(1 + number % 5)
    return {
        "id": identifier,
        "file": file,
        "speaker": speaker,
        "emotion": emotion,
        "transcript": "",
        "valence": rating,
        "arousal": str(5 - number % 4),
    }


def _write_manifest(file: Path, rows: Sequence[Mapping[str, str]]) -> None:
    with file.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
