"""Make the demo corpus: clips and their manifest, the same for the same numbers."""

from __future__ import annotations

import csv
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path

import numpy as np

from fusion.contract import DataError
from fusion.corpora.loading import Progress

#: Raise when the same numbers give other clips.
VERSION = 1
#: Beside the manifest: what the folder was made from.
RECORD = "demo.json"
MANIFEST = "manifest.csv"
#: Ends the name of a folder that is being written.
UNFINISHED = ".unfinished"
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
    folder: Path, *, clips: int = 96, speakers: int = 8, seed: int = 0, progress: Progress | None = None
) -> Path:
    """Write a generated corpus into a folder and return its manifest.

    The folder appears whole or not at all; one that already holds the same corpus is left alone. What killed processes
    left of it is removed.

    Args:
        folder: Made if need be; it must be empty or hold the same corpus.
        clips: Number of clips, dealt to speakers and emotions in turn.
        speakers: Number of invented speakers.
        seed: Another seed gives other people and clips.
        progress: Follows the clips that are written.

    Raises:
        DataError: The folder holds something else.
    """
    folder = folder.absolute()
    record = {"version": VERSION, "clips": clips, "speakers": speakers, "seed": seed}
    if is_generated(folder, record):
        return folder / MANIFEST
    folder.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        with _held(folder.parent):  # so that nobody sweeps a folder away that is made, but not yet held
            _sweep(folder)
            work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=UNFINISHED, dir=folder.parent))
            stack.callback(shutil.rmtree, work, ignore_errors=True)
            stack.enter_context(_held(work))
        with progress(clips) if progress else nullcontext(lambda: None) as step:
            rows = []
            (work / "clips").mkdir()
            for row in _clips(work, record):
                rows.append(row)
                step()
        _write_tables(work, record, rows)
        work.chmod(0o755)
        try:
            # Onto nothing, or onto an empty folder, this happens at once.
            work.replace(folder)
        except OSError:
            if not is_generated(folder, record):
                raise
    return folder / MANIFEST


def _sweep(folder: Path) -> None:
    """Remove what killed processes left of a folder: what nobody holds any more."""
    for left in folder.parent.iterdir():
        if left.name.startswith(f".{folder.name}.") and left.name.endswith(UNFINISHED):
            with suppress(OSError), _held(left, wait=False) as free:  # it may be finished meanwhile, or another user's
                if free:
                    shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _held(folder: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold a folder, until this process ends at the latest; answers whether it could be held."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            held = True
        except OSError:  # by another process, or because this file system has no locks
            held = False
        yield held
    finally:
        os.close(descriptor)


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


def _write_tables(folder: Path, record: dict[str, int], rows: list[dict[str, str]]) -> None:
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
