"""The config of the audio-visual hybrid from the shell, on a generated release: pretrain, fine-tune, evaluate."""

from __future__ import annotations

import json
from pathlib import Path

from fusion.testing.dialogues import write_iemocap_tree
from tests.e2e.test_jobs import fusion

CONFIG = "configs/systems/lbher.yaml"


def test_the_recipe_runs_whole_on_a_release(tmp_path: Path) -> None:
    count = write_iemocap_tree(tmp_path / "release", sessions=(1, 2), dialogues=("F_impro01",), size=(120, 90))
    assert count == 8
    # One epoch of everything, two speakers to train, and pictures a quarter as wide and high as the recipe's.
    given = (
        f"corpus.root={tmp_path / 'release'}", "corpus.partial=true",
        "protocol={name: speaker_draws, test: 0.2, validation: 0.2, draws: 1}",
        "streams.voice.transforms.4.rows=50", "streams.voice.transforms.6={rows: 50, columns: 75}",
        "streams.voice.augmentations.0.rows=3", "streams.voice.encoder={width: 4, dim: 16, hidden: 8}",
        "streams.face.modality.frames=6", "streams.face.transforms.1={width: 30, height: 50}",
        "streams.face.encoder={widths: [8, 8, 8, 8], embedding: 16, hidden: 16}",
        "streams.voice.training.epochs=1", "streams.face.training.epochs=1", "finetune.joint.epochs=1",
        "finetune.head.epochs=1", "pretrain.epochs=1", "pretrain.batch=4", "prepare.workers=0",
    )  # fmt: skip
    pretrained = fusion(tmp_path, "pretrain", CONFIG, *given).stdout.split("run: ")[1].splitlines()[0]
    record = json.loads((Path(pretrained) / "run.json").read_text(encoding="utf-8"))
    section = record["config"]["pretrain"]
    assert section["objective"]["name"] == "margin"
    assert section["pairs"] == {"positive": 1, "other_emotion": 1, "same_emotion": 1}
    tuned = fusion(tmp_path, "finetune", CONFIG, *given, "--from", pretrained).stdout
    run = Path(tuned.split("run: ")[1].splitlines()[0])
    assert json.loads((run / "run.json").read_text(encoding="utf-8"))["start"] == str(Path(pretrained).resolve())
    fusion(tmp_path, "evaluate", str(run))
    results = json.loads((run / "evaluation" / "results.json").read_text(encoding="utf-8"))
    assert results["names"] == ["happy", "angry", "sad", "neutral"]
    assert {"voice", "face", "learned", "tuned", "tuned[voice]", "tuned[face]", "headline"} <= set(results["rows"])
    assert results["rows"]["tuned"]["answered"] == results["clips"] == 2
    assert {stream: found["reasons"] for stream, found in results["absent"].items()} == {"voice": {}, "face": {}}
    assert results["run"]["data"]["rights"] == ["IEMOCAP release licence: research use, not to be passed on"]
