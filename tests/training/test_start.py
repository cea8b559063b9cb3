"""A start is refused for all that its weights have ever met, however many runs they have passed through."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fusion.contract import LeakError, RunError, Split
from fusion.inference.files import write_json, write_state
from fusion.training.start import Held, start_of

SPLIT = Split("fold_0", ("c1",), ("c2",), ("c3",))
HELD = [Held("c3", "corpus:anna", ["hash of c3"])]


def write_run(folder: Path, name: str, speaker: str, content: str, start: Path | None = None) -> Path:
    run = folder / name
    record: dict[str, Any] = {
        "format": 1,
        "status": "finished",
        "folds": ["fold_0"],
        "split": {"hash": f"split of {name}"},
        "config": {"streams": {"voice": {}}},
        "start": None if start is None else str(start),
    }
    write_json(run / "run.json", record)
    write_json(run / "clips.json", [{"id": name, "speaker": speaker, "take": None, "content": [content]}])
    write_state(run / "final" / "streams" / "voice" / "best.safetensors", {})
    return run


def test_strangers_are_welcome(tmp_path: Path) -> None:
    first = write_run(tmp_path, "first", "other:bela", "hash of something")
    second = write_run(tmp_path, "second", "other:cora", "hash of more", start=first)
    beginning = start_of(second, "voice", SPLIT, "own split", HELD)
    assert beginning.folder == second / "final" / "streams" / "voice"


def test_the_only_split_stands_in_for_a_final_model(tmp_path: Path) -> None:
    run = write_run(tmp_path, "first", "other:bela", "hash of something")
    (run / "final").rename(run / "fold_0")
    assert start_of(run, "voice", SPLIT, "own split", HELD).folder == run / "fold_0" / "streams" / "voice"
    record = json.loads((run / "run.json").read_text())
    write_json(run / "run.json", {**record, "folds": ["fold_0", "fold_1"]})
    with pytest.raises(RunError, match="has no final model to start from; train it with --final"):
        start_of(run, "voice", SPLIT, "own split", HELD)


@pytest.mark.parametrize(("speaker", "content"), [("corpus:anna", "x"), ("other:bela", "hash of c3")])
def test_what_an_earlier_run_has_met_counts(tmp_path: Path, speaker: str, content: str) -> None:
    first = write_run(tmp_path, "first", speaker, content)
    second = write_run(tmp_path, "second", "other:cora", "hash of more", start=first)
    third = write_run(tmp_path, "third", "other:dora", "hash of still more", start=second)
    with pytest.raises(LeakError, match=r"first.*in common with validation or test"):
        start_of(third, "voice", SPLIT, "own split", HELD)


def test_an_earlier_run_that_is_gone_is_refused(tmp_path: Path) -> None:
    second = write_run(tmp_path, "second", "other:cora", "hash of more", start=tmp_path / "gone")
    with pytest.raises(RunError, match="gone"):
        start_of(second, "voice", SPLIT, "own split", HELD)
