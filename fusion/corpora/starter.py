"""A first experiment for a folder of clips: a config that runs as it is, and says what to change."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from fusion.contract import PICTURES, SOUND, WORDS, FusionError
from fusion.corpora.scanning import Scan

if TYPE_CHECKING:
    from fusion.media import MediaInfo

#: Files that are opened to see what clips hold.
SAMPLE = 40


def _settings() -> dict[str, Any]:
    """The settings that lie beside this module: streams by media kind, heads, training."""
    text = resources.files("fusion.corpora").joinpath("starter.yaml").read_text(encoding="utf-8")
    settings: dict[str, Any] = yaml.safe_load(text)
    return settings


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
    settings = _settings()
    streams = {one["name"]: one["settings"] for kind, one in settings["streams"].items() if kind in kinds}
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
        "fusion": settings["fusion"],
        "protocol": protocol,
        "finetune": settings["finetune"],
    }
    lines = [f"# A first experiment on {len(scan.rows)} clips, written by 'fusion manifest'; change what you like."]
    lines += [f"# Note: {note}." for note in scan.notes]
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)
    return "\n".join(lines) + "\n" + text
