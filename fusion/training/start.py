"""Weights to start from: a stream of another run, if that run has seen nothing of this split's test clips."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fusion.contract import LeakError, RunError
from fusion.heads.model import StreamModel
from fusion.training.described import StreamDescription
from fusion.training.files import read_state
from fusion.training.run import Record


def start_folder(run: Path, stream: str, split_name: str, split_hash: str, speakers: set[str]) -> Path:
    """The folder of a stream's weights in another run, paired fold by fold.

    A run of the same split gives the child of the same fold. A run of other corpora is welcome where it knows none
    of these speakers; anything else is refused.

    Args:
        run: The other run.
        stream: The stream's name.
        split_name: The fold that is about to be trained.
        split_hash: Of this experiment's split.
        speakers: Validation and test speakers of this fold.

    Raises:
        LeakError: The run is of another split of material that this split tests on.
        RunError: The run is unfinished or has no such stream.
    """
    record = Record(run).read()
    if record["status"] != "finished":
        raise RunError("is not finished", where=str(run), remedy="repeat its command first")
    same = record["split"]["hash"] == split_hash
    if not same:
        shared = sorted(speakers & set(record["data"]["speakers"]))
        if shared or record["split"]["hash"] is None:
            raise LeakError(
                f"comes from another split ({record['split']['hash']}, not {split_hash}) that has "
                f"{', '.join(shared[:3]) or 'unknown speakers'} in common with validation or test", where=str(run),
                remedy="train it under the same protocol and seed",
            )
    folder = run / split_name if same and record["folds"] else run / "final"
    if not same and not folder.exists():
        raise RunError("has no final model to start from", where=str(run), remedy="train one with --final")
    folder = folder / "streams" / stream
    if not (folder / "best.safetensors").exists():
        raise RunError(f"has no stream {stream!r}", where=str(run), remedy="name a run with that stream")
    return folder


def read_description(folder: Path) -> StreamDescription:
    """What was fitted for the stream whose weights lie in a folder."""
    return StreamDescription.from_state(read_state(folder / "description.safetensors"))


def load_encoder(model: StreamModel, folder: Path) -> None:
    """Put another run's encoder into a stream; its linear layer stays new.

    Raises:
        RunError: The encoder there has another shape.
    """
    state: Mapping[str, Any] = read_state(folder / "best.safetensors")
    encoder = {key.removeprefix("encoder."): value for key, value in state.items() if key.startswith("encoder.")}
    try:
        model.encoder.load_state_dict(encoder)
    except RuntimeError as error:
        first = str(error).strip().splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise RunError(f"holds another encoder ({first})", where=str(folder), remedy="use the same encoder and options") from None
