"""Make the demo corpus: clips and their manifest, the same for the same numbers."""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from fusion.contract import DataError

#: Raise when the same numbers give other clips.
VERSION = 1
#: Beside the manifest: what the folder was made from.
RECORD = "demo.json"
MANIFEST = "manifest.csv"
RIGHTS = "CC0-1.0 (generated)"
NOTICE = "generated clip, no real person"
COLUMNS = (
    "id",
    "file",
    "emotion",
    "speaker",
    "sex",
    "transcript",
    "rights",
    "generated",
    "comment",
    "shown_by_voice",
    "shown_by_face",
    "shown_by_words",
)


def generate(
    folder: Path, *, clips: int = 96, speakers: int = 8, seed: int = 0, progress: Callable[[int], None] | None = None
) -> Path:
    """Write a generated corpus into a folder and return its manifest.

    The folder appears whole or not at all; one that already holds the same corpus is left alone.

    Args:
        folder: Made if need be; it must be empty or hold the same corpus.
        clips: Number of clips, dealt to speakers and emotions in turn.
        speakers: Number of invented speakers.
        seed: Another seed gives other people and clips.
        progress: Told after every clip how many are written.

    Raises:
        DataError: The folder holds something else.
    """
    folder = folder.absolute()
    record = {"version": VERSION, "clips": clips, "speakers": speakers, "seed": seed}
    if is_generated(folder, record):
        return folder / MANIFEST
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _write(work, record, progress)
        work.chmod(0o755)
        try:
            # Onto nothing, or onto an empty folder, this happens at once.
            work.replace(folder)
        except OSError:
            if not is_generated(folder, record):
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder / MANIFEST


def is_generated(folder: Path, record: dict[str, int]) -> bool:
    """Whether a folder holds the corpus of these numbers; raises DataError where it holds something else."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    try:
        found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if found != record:
        holds = "a demo corpus of other numbers" if isinstance(found, dict) else "other things"
        raise DataError(
            f"the folder already holds {holds}", where=str(folder), remedy="name a new folder, or remove this one"
        )
    return True


def _write(folder: Path, record: dict[str, int], progress: Callable[[int], None] | None) -> None:
    (folder / "clips").mkdir()
    rows = []
    for count, row in enumerate(_clips(folder, record), 1):
        rows.append(row)
        if progress is not None:
            progress(count)
    with (folder / MANIFEST).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: row["id"]))
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _clips(folder: Path, record: dict[str, int]) -> Iterator[dict[str, str]]:
    from fusion.corpora.demo.face import Portrait
    from fusion.corpora.demo.scene import (
        EMOTIONS,
        FRAMES_PER_SECOND,
        SIZE,
        invent_speaker,
        perform_face,
        perform_voice,
        write_scene,
    )
    from fusion.corpora.demo.voice import RATE
    from fusion.corpora.demo.writing import write_talking_clip
    from fusion.data.randomness import generator

    seed, count = record["seed"], record["speakers"]
    people = [invent_speaker(index, seed, generator("demo", seed, "speaker", index)) for index in range(count)]
    portraits = [Portrait(person.look, SIZE) for person in people]
    for index in range(record["clips"]):
        speaker, turn = index % count, index // count
        emotion = EMOTIONS[(turn + speaker) % len(EMOTIONS)]
        address = ("demo", seed, "clip", speaker, turn)
        scene = write_scene(people[speaker], emotion, turn // len(EMOTIONS) + 1, generator(*address, "scene"))
        said = perform_voice(scene, generator(*address, "voice"))
        name = f"clips/{scene.id}.mp4"
        write_talking_clip(
            folder / name,
            perform_face(scene, portraits[speaker], said.openness, generator(*address, "face")),
            np.asarray(said.samples),
            size=SIZE,
            fps=FRAMES_PER_SECOND,
            rate=RATE,
            title=scene.id,
        )
        yield {
            "id": scene.id,
            "file": name,
            "emotion": emotion,
            "speaker": scene.speaker.name,
            "sex": "female" if scene.speaker.female else "male",
            "transcript": scene.transcript,
            "rights": RIGHTS,
            "generated": "true",
            "comment": NOTICE,
            "shown_by_voice": scene.voice.emotion,
            "shown_by_face": scene.face.emotion,
            "shown_by_words": scene.words,
        }
