"""The configs of the audio-visual hybrid from the shell, on a generated release: jobs, the leakage table, a drawing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from fusion.testing.dialogues import write_iemocap_tree
from tests.e2e.test_jobs import fusion

CONFIG, TABLE = "configs/systems/lbher.yaml", "configs/systems/lbher_table.yaml"
#: Pictures a quarter as wide and high as the recipe's, and one epoch.
VOICE = (
    "transforms.4.rows=50", "transforms.6={rows: 50, columns: 75}", "augmentations.0.rows=3", "training.epochs=1",
)  # fmt: skip
FACE = (
    "modality.frames=6", "transforms.1={width: 30, height: 50}", "training.epochs=1",
    "encoder={widths: [8, 8, 8, 8], embedding: 16, hidden: 16}",
)  # fmt: skip
JOBS = ("finetune.joint.epochs=1", "finetune.head.epochs=1", "prepare.workers=0", "corpus.partial=true")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight turns of four speakers, in a folder of its own."""
    folder = tmp_path_factory.mktemp("lbher")
    assert write_iemocap_tree(folder / "release", sessions=(1, 2), dialogues=("F_impro01",), size=(120, 90)) == 8
    return folder


def _of(stream: str, settings: Sequence[str]) -> list[str]:
    return [f"streams.{stream}.{one}" for one in settings]


def test_the_recipe_runs_whole_on_a_release(release: Path) -> None:
    given = (
        f"corpus.root={release / 'release'}", *JOBS, *_of("voice", VOICE), *_of("face", FACE),
        "protocol={name: speaker_draws, test: 0.2, validation: 0.2, draws: 1}",  # two speakers to train
        "streams.voice.encoder={width: 4, dim: 16, hidden: 8}", "pretrain.epochs=1", "pretrain.batch=4",
    )  # fmt: skip
    pretrained = fusion(release, "pretrain", CONFIG, *given).stdout.split("run: ")[1].splitlines()[0]
    record = json.loads((Path(pretrained) / "run.json").read_text(encoding="utf-8"))
    section = record["config"]["pretrain"]
    assert section["objective"]["name"] == "margin"
    assert section["pairs"] == {"positive": 1, "other_emotion": 1, "same_emotion": 1}
    tuned = fusion(release, "finetune", CONFIG, *given, "--from", pretrained).stdout
    run = Path(tuned.split("run: ")[1].splitlines()[0])
    assert json.loads((run / "run.json").read_text(encoding="utf-8"))["start"] == str(Path(pretrained).resolve())
    fusion(release, "evaluate", str(run))
    results = json.loads((run / "evaluation" / "results.json").read_text(encoding="utf-8"))
    assert results["names"] == ["happy", "angry", "sad", "neutral"]
    assert {"voice", "face", "learned", "tuned", "tuned[voice]", "tuned[face]", "headline"} <= set(results["rows"])
    assert results["rows"]["tuned"]["answered"] == results["clips"] == 2
    assert {stream: found["reasons"] for stream, found in results["absent"].items()} == {"voice": {}, "face": {}}
    assert results["run"]["data"]["rights"] == ["IEMOCAP release licence: research use, not to be passed on"]


def test_its_table_is_made_by_one_command(release: Path) -> None:
    given = (
        f"corpus.root={release / 'release'}", *JOBS, *_of("cnn", VOICE), *_of("cnn_rnn", VOICE), *_of("face", FACE),
        "streams.cnn.encoder={width: 4, dim: 16}", "streams.cnn_rnn.encoder={width: 4, dim: 16, hidden: 8}",
        "leakage.systems={CNN+LSTM: null, CNN+RNN: null}", "leakage.published={CNN+LSTM: null, CNN+RNN: null}",
        "leakage.switched=CNN", "leakage.test=[0.2]", "leakage.validation=0.2", "leakage.draws=1",
        "leakage.leaking_draws=1",
        "leakage.switches={without denoising: null, without augmentation: null}",
    )  # fmt: skip
    done = fusion(release, "leakage", TABLE, *given)
    assert "10 runs, 10 of them to do" in done.stderr
    folder = Path(done.stdout.splitlines()[-1]).parent
    table = (folder / "table.md").read_text(encoding="utf-8")
    assert "no speaker and no take stands in two parts" in table
    for row in ("CNN", "CNN+RNN+3D-CNN", "+ shared speakers", "+ counted one against rest", "full length"):
        assert f"| {row} |" in table
    assert "0.9466" in table  # as the paper prints it


def test_a_turn_is_drawn_step_by_step(release: Path) -> None:
    out = release / "turn.svg"
    fusion(release, "data", "draw", CONFIG, "Ses01F_impro01_F000", f"corpus.root={release / 'release'}",
           "corpus.partial=true", "--out", str(out))  # fmt: skip
    words = " ".join(one.text or "" for one in ET.parse(out).iter("{http://www.w3.org/2000/svg}text"))
    for step in ("band_pass", "add_noise", "denoise", "db_spectrogram", "resize", "face_boxes", "face_crop"):
        assert step in words
