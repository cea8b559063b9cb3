"""What a model has seen, and which clips of another corpus are among it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusion.contract import RunError
from fusion.inference.files import read_json
from fusion.training.run import Record, read_clips, starts_of

#: A clip as ``fusion.training.run.known_clips`` describes it.
Known = Mapping[str, Any]


@dataclass(frozen=True)
class Seen:
    """What training and validation used, weights to start from included.

    Args:
        clips: Everything that is known of them.
        unknown: Runs that weights came from and that are no longer there to be asked.
    """

    clips: tuple[Known, ...]
    unknown: tuple[str, ...] = ()


def seen_by(run: Path, child: Path) -> Seen:
    """What the model of one fold (or the final one) has seen.

    Args:
        run: The run's folder.
        child: The fold's.
    """
    used: set[str] = set()
    for part in ("train", "validation"):
        if (child / "outputs" / part / "windows.json").exists():
            used.update(read_json(child / "outputs" / part / "windows.json")["clips"])
    own = [clip for clip in read_clips(run) if clip["id"] in used]
    record = Record(run).read()
    further: list[Known] = []
    unknown: list[str] = []
    asked = {run.resolve()}
    pending = [(path, record["split"]["hash"]) for path in starts_of(record)]
    while pending:
        path, split = pending.pop()
        if path.resolve() in asked:
            continue
        asked.add(path.resolve())
        try:
            before = Record(path).read()
            # A run of the same split gave the child of the same fold, which saw no more than this one.
            further += [] if before["split"]["hash"] == split else read_clips(path)
        except RunError:
            unknown.append(str(path))
            continue
        pending += [(start, before["split"]["hash"]) for start in starts_of(before)]
    return Seen((*own, *further), tuple(unknown))


def overlaps(clips: Sequence[Known], seen: Seen, *, same_corpus: bool) -> dict[str, str]:
    """Clips that were seen, in whole or by their speaker, each with the reason.

    Args:
        clips: To be evaluated on.
        seen: By the model.
        same_corpus: Whether both come from one corpus, so that equal ids mean the same clip.
    """
    ids = {clip["id"] for clip in seen.clips} if same_corpus else set()
    takes = {clip["take"] for clip in seen.clips if clip["take"]}
    speakers = {clip["speaker"] for clip in seen.clips if clip["speaker"]}
    contents = {content for clip in seen.clips for content in clip["content"]}
    found = {}
    for clip in clips:
        if clip["id"] in ids:
            found[clip["id"]] = "clip"
        elif contents.intersection(clip["content"]):
            found[clip["id"]] = "media"
        elif clip["take"] in takes:
            found[clip["id"]] = "take"
        elif clip["speaker"] in speakers:
            found[clip["id"]] = "speaker"
    return found


def overlap_words(found: Mapping[str, str], total: int) -> str:
    """``12 of 96 clips were seen in training or validation (8 by speaker, 4 by media)``."""
    counts = {reason: list(found.values()).count(reason) for reason in ("clip", "media", "take", "speaker")}
    reasons = ", ".join(f"{count} by {reason}" for reason, count in counts.items() if count)
    return f"{len(found)} of {total} clips were seen in training or validation ({reasons})"
