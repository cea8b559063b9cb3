"""Weights to start from: a stream of another run, if that run has seen nothing of this split's held-out clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusion.config.models import Component, Experiment
from fusion.contract import LeakError, RunError, Split
from fusion.heads.model import StreamModel
from fusion.inference.described import StreamDescription
from fusion.inference.files import read_state
from fusion.training.run import Record, read_clips, starts_of


@dataclass(frozen=True)
class Beginning:
    """A stream's weights in another run.

    Args:
        folder: Of the stream.
        config: Of the run.
        same_split: Whether it is a run of the same split, of which this is the child of the same fold.
    """

    folder: Path
    config: Mapping[str, Any]
    same_split: bool

    @property
    def target(self) -> Mapping[str, Any] | None:
        """What that run predicts, as its config has it."""
        return self.config.get("target")


@dataclass(frozen=True)
class Held:
    """A held-out clip: its speaker, and the hashes of its files."""

    id: str
    speaker: str | None
    contents: Sequence[str]


def start_of(run: Path, stream: str, split: Split, split_hash: str, held: Sequence[Held]) -> Beginning:
    """A stream's weights in another run, paired fold by fold.

    A run of the same split gives the child of the same fold. A run of other corpora gives its final model (or, where
    it has none, that of its only split), if it shares neither a speaker nor a file with this split's validation and
    test parts; anything else is refused.

    Args:
        run: The other run.
        stream: The stream's name.
        split: The fold that is about to be trained.
        split_hash: Of this experiment's split.
        held: Speaker and files of its validation and test clips.

    Raises:
        LeakError: The run is of another split of material that this split validates or tests on.
        RunError: The run is unfinished, or has no such fold or stream.
    """
    record = Record(run).read()
    if record["status"] != "finished":
        raise RunError("is not finished", where=str(run), remedy="repeat its command first")
    same = record["split"]["hash"] == split_hash
    if not same:
        for ancestor in _lineage(run):
            _refuse_shared(ancestor, Record(ancestor).read()["split"]["hash"], split_hash, held)
    child = _child(run, record, split, same_split=same)
    if not child.exists():
        raise RunError(f"has no {child.name} model to start from", where=str(run), remedy="train it with --final")
    folder = child / "streams" / stream
    if not (folder / "best.safetensors").exists():
        raise RunError(f"has no stream {stream!r}", where=str(run), remedy="name a run with that stream")
    return Beginning(folder, record["config"], same)


def streams_in(run: Path, split: Split, split_hash: str) -> frozenset[str]:
    """The streams that a run could be a start for."""
    record = Record(run).read()
    child = _child(run, record, split, same_split=record["split"]["hash"] == split_hash)
    return frozenset(file.parent.name for file in child.glob("streams/*/best.safetensors"))


def _child(run: Path, record: Mapping[str, Any], split: Split, *, same_split: bool) -> Path:
    """The part of a run to start from: the child of the same fold, or the final model, or that of the only split."""
    child = run / (split.name if same_split else "final")
    if not same_split and not child.exists() and len(record["folds"]) == 1:
        return run / str(record["folds"][0])
    return child


def check_alike(beginning: Beginning, name: str, experiment: Experiment) -> None:
    """Refuse a start that was made from something else: most likely the config has changed since.

    Runs of the same split must have the same windows and, for the stream, the same modality and transforms. Strangers
    must have the same modality; whether their input has the same shape is seen where it is described.

    Raises:
        RunError: They do not.
    """
    own = experiment.model_dump(mode="json")
    stream, theirs = own["streams"][name], beginning.config["streams"][name]
    where = str(beginning.folder)
    if stream["modality"]["name"] != theirs["modality"]["name"]:
        what = (
            f"is of the modality {theirs['modality']['name']!r}, and stream {name!r} of {stream['modality']['name']!r}"
        )
        raise RunError(what, where=where, remedy="name a run whose stream has the same modality")
    if not beginning.same_split:
        return
    if (stream["modality"], stream["transforms"]) != (theirs["modality"], theirs["transforms"]):
        raise RunError(
            f"has another chain of transforms for stream {name!r}",
            where=where,
            remedy="use the same modality and transforms, or repeat that run",
        )
    seconds, before = own["window"]["seconds"], beginning.config["window"]["seconds"]
    if seconds != before:
        raise RunError(
            f"is of windows of {before} s, not {seconds} s", where=where, remedy="use the same windows, or repeat it"
        )


def _lineage(run: Path) -> list[Path]:
    """A run, the runs that its weights came from, theirs, and so on: all that its encoders have met.

    Raises:
        RunError: One of them is gone, so that nobody can tell what it has met.
    """
    found: dict[Path, Path] = {}
    pending = [run]
    while pending:
        path = pending.pop()
        if path.resolve() in found:
            continue
        found[path.resolve()] = path
        pending += starts_of(Record(path).read())
    return list(found.values())


def _refuse_shared(run: Path, other: str, own: str, held: Sequence[Held]) -> None:
    """What a run of another split knows of the held-out clips: by speaker, and by content whatever the corpus."""
    seen = read_clips(run)
    speakers = {clip["speaker"] for clip in seen if clip["speaker"]}
    contents = {content for clip in seen for content in clip["content"]}
    for clip in held:
        if clip.speaker in speakers:
            shared = f"speaker {clip.speaker}"
        elif contents.intersection(clip.contents):
            shared = f"the media of clip {clip.id}"
        else:
            continue
        raise LeakError(
            f"comes from another split ({other}, not {own}) and has {shared} in common with validation or test",
            where=str(run),
            remedy="train it under the same protocol and seed",
        )


def read_description(folder: Path) -> StreamDescription:
    """What was fitted for the stream whose weights lie in a folder."""
    return StreamDescription.from_state(read_state(folder / "description.safetensors"))


def load_beginning(model: StreamModel, beginning: Beginning, target: Component) -> None:
    """Put another run's encoder into a stream, and its linear layer too where both predict the same.

    Raises:
        RunError: The encoder there has another shape.
    """
    state: Mapping[str, Any] = read_state(beginning.folder / "best.safetensors")
    encoder = {key.removeprefix("encoder."): value for key, value in state.items() if key.startswith("encoder.")}
    try:
        model.encoder.load_state_dict(encoder)
        if beginning.target == target.model_dump(mode="json") and len(encoder) < len(state):
            model.load_state_dict(dict(state))
    except RuntimeError as error:
        first = str(error).strip().splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise RunError(
            f"holds another encoder ({first})", where=str(beginning.folder), remedy="use the same encoder and options"
        ) from None
