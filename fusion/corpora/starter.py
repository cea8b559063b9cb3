"""A first experiment for a folder of clips: a config that runs as it is, and says what to change."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from fusion.contract import PICTURES, SOUND, WORDS, FusionError
from fusion.corpora.scanning import Scan

if TYPE_CHECKING:
    from fusion.media import MediaInfo

#: Files that are opened to see what clips hold.
SAMPLE = 40
#: Streams by the media kind they need; names of components that the project's own distributions install. The
#: settings are those that did well on small corpora of acted speech.
STREAMS: dict[str, tuple[str, dict[str, Any]]] = {
    PICTURES: (
        "face",
        {
            "modality": {"name": "video", "grey": True, "normalise": ["standard", "difference", "motion"]},
            "transforms": ["face_boxes", "face_crop"],
            "augmentations": ["flip", "shift_crop", "brightness_contrast"],
            "encoder": "cnn3d",
            "training": {"batch": 8, "weight_decay": 0.05},
        },
    ),
    SOUND: (
        "voice",
        {
            "modality": "audio",
            "transforms": [{"name": "resample", "rate": 16000}, {"name": "log_mel", "rate": 62.5, "window": 0.05}],
            "augmentations": [
                "time_stretch",
                {"name": "band_shift", "stretch": 0.08},
                "time_shift",
                {"name": "gain", "deviation": 0.3},
                "frequency_mask",
                "time_mask",
            ],
            "encoder": "cnn_rnn",
            "training": {"weight_decay": 0.05, "mixup": 0.2, "average": 0.99, "clip_gradient": 2.0},
        },
    ),
    WORDS: (
        "words",
        {"modality": "text", "augmentations": [{"name": "word_dropout", "chance": 0.15}], "encoder": "lstm"},
    ),
}
#: Settings of training for small corpora.
FINETUNE: dict[str, Any] = {"epochs": 40, "batch": 16, "learning_rate": 2e-3, "warmup": 3, "smoothing": 0.1}


def mark_generated(folder: Path, scan: Scan) -> Scan:
    """Say so of clips that are the demo's: copied elsewhere, generated clips must not pass for recordings.

    Only where the first clip is one are the others opened.
    """
    from fusion.corpora.demo.writing import is_marked_generated

    def marked(row: Mapping[str, str]) -> bool:
        return is_marked_generated(folder / (row.get("file") or row[PICTURES]))

    if not marked(scan.rows[0]):
        return scan
    rows = [{**row, "generated": "true" if marked(row) else "false"} for row in scan.rows]
    return replace(scan, rows=tuple(rows))


def kinds_held(folder: Path, scan: Scan) -> tuple[frozenset[str], tuple[str, ...]]:
    """Media kinds that a sample of the clips really holds, and what is wrong with files that cannot be read."""
    from fusion.media import probe

    step = max(1, len(scan.rows) // SAMPLE)
    held: set[str] = set()
    problems = []
    for row in scan.rows[::step]:
        if "transcript" in row or WORDS in row:
            held.add(WORDS)
        for column in ("file", PICTURES, SOUND):
            if column in row:
                try:
                    held |= set(_of_column(probe(folder / row[column]), column))
                except FusionError as error:
                    problems.append(str(error))
    return frozenset(held), tuple(problems)


def _of_column(info: MediaInfo, column: str) -> Sequence[str]:
    return info.kinds if column == "file" else [kind for kind in info.kinds if kind == column]


def starter_config(manifest: str, scan: Scan, kinds: Collection[str]) -> str:
    """The config as YAML text.

    Args:
        manifest: The table's name; it lies beside the config.
        scan: What was found.
        kinds: Media kinds that the clips hold; each gives a stream.
    """
    streams = {name: settings for kind, (name, settings) in STREAMS.items() if kind in kinds}
    speakers = scan.speakers
    named = bool(scan.rows) and all("speaker" in row for row in scan.rows)
    if named and 3 <= speakers <= 10:
        protocol: dict[str, Any] = {"name": "leave_one_speaker_out"}
    else:
        protocol = {"name": "speaker_folds", "folds": max(3, min(5, speakers if named else len(scan.rows)))}
    config: dict[str, Any] = {
        "corpus": {"name": "manifest", "root": ".", "file": manifest},
        "target": {"name": "classes", "label": scan.label or "emotion", "classes": list(scan.classes)},
        "window": {"seconds": 3.0},
        "streams": streams,
        "fusion": [{"name": "late_average"}, {"name": "weighted_sum"}],
        "protocol": protocol,
        "finetune": FINETUNE,
    }
    lines = [f"# A first experiment on {len(scan.rows)} clips, written by 'fusion manifest'; change what you like."]
    lines += [f"# Note: {note}." for note in scan.notes]
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)
    return "\n".join(lines) + "\n" + text
