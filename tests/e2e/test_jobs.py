"""Every job from the shell, on generated clips, as a user types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from fusion.testing.dialogues import write_iemocap_tree
from fusion.testing.trees import write_ravdess_tree

ROOT = Path(__file__).parents[2]
SMALL = ("finetune.epochs=1", "finetune.head.epochs=1", "prepare.workers=0")


def fusion(folder: Path, *words: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "FUSION_STORE": str(folder / "store"),
        "FUSION_RUNS": str(folder / "runs"),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "fusion", *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=110
    )
    assert done.returncode == expect, done.stderr
    return done


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Sequence[str]]:
    """A run of the demo's config on a few clips."""
    folder = tmp_path_factory.mktemp("demo")
    overrides = (
        f"corpus.root={folder / 'clips'}", "corpus.count=24", "corpus.speakers=4", "protocol.validation=[s03]",
        "protocol.test=[s04]", "streams.face.training={epochs: 1}", "streams.voice.training={epochs: 1}", *SMALL,
    )  # fmt: skip
    done = fusion(folder, "finetune", "configs/demo.yaml", *overrides)
    return folder, Path(done.stdout.split("run: ")[1].splitlines()[0]), overrides


def test_evaluate_shows_every_subset_of_streams_and_writes_a_card(trained: tuple[Path, Path, Sequence[str]]) -> None:
    folder, run, _ = trained
    done = fusion(folder, "evaluate", str(run))
    assert "result card:" in done.stdout
    results = json.loads((run / "evaluation" / "results.json").read_text())
    rows = set(results["rows"])
    assert {"headline", "voice", "face", "text", "late_average", "majority class"} <= rows
    assert {f"late_average[{subset}]" for subset in ("voice", "face+text", "voice+text")} <= rows
    assert results["run"]["data"]["generated"]
    card = (run / "evaluation" / "card.html").read_text()
    assert "generated" in card
    assert "http://" not in card.replace("http://www.w3.org", "")


def test_test_outputs_are_computed_once(trained: tuple[Path, Path, Sequence[str]]) -> None:
    folder, run, _ = trained
    fusion(folder, "evaluate", str(run))
    stored = sorted((run / "held_out" / "outputs" / "test").iterdir())
    before = [path.stat().st_mtime_ns for path in stored]
    fusion(folder, "evaluate", str(run))
    assert [path.stat().st_mtime_ns for path in stored] == before


def test_predict_gives_reasons_for_a_file(trained: tuple[Path, Path, Sequence[str]]) -> None:
    folder, run, _ = trained
    clip = next((folder / "clips").rglob("s04*.mp4"))
    done = fusion(folder, "predict", str(run), str(clip), "--fold", "held_out", "--json")
    answer = json.loads(done.stdout)
    assert answer["label"] in ("neutral", "happy", "sad", "angry")
    assert sum(answer["probabilities"].values()) == pytest.approx(1.0)
    assert set(answer["streams"]) <= {"voice", "face", "text"}


def test_the_same_command_has_nothing_left_to_do(trained: tuple[Path, Path, Sequence[str]]) -> None:
    folder, run, overrides = trained
    weights = run / "held_out" / "model" / "weights.safetensors"
    before = weights.stat().st_mtime_ns
    fusion(folder, "finetune", "configs/demo.yaml", *overrides)
    assert weights.stat().st_mtime_ns == before


def test_ravdess_with_sound_and_picture_runs_on_the_official_layout(tmp_path: Path) -> None:
    write_ravdess_tree(tmp_path / "ravdess", actors=(1, 2, 3, 8, 10), emotions=("01", "05"))
    done = fusion(
        tmp_path, "finetune", "configs/ravdess/audio_video.yaml", f"corpus.root={tmp_path / 'ravdess'}",
        "streams.face.training={epochs: 1}", "streams.voice.training={epochs: 1}", *SMALL,
    )  # fmt: skip
    run = Path(done.stdout.split("run: ")[1].splitlines()[0])
    record = json.loads((run / "run.json").read_text())
    assert record["status"] == "finished"
    assert record["folds"] == [f"fold_{number}" for number in range(5)]
    assert record["data"]["rights"]


def test_iemocap_leaves_one_session_out_on_the_official_layout(tmp_path: Path) -> None:
    sessions = (1, 2, 3)
    write_iemocap_tree(tmp_path / "iemocap", sessions=sessions, dialogues=("F_impro01",))
    done = fusion(
        tmp_path, "finetune", "configs/iemocap/audio_video.yaml", f"corpus.root={tmp_path / 'iemocap'}",
        "corpus.partial=true", "--fold", "Session1",
        "streams.face.training={epochs: 1}", "streams.voice.training={epochs: 1}", *SMALL,
    )  # fmt: skip
    run = Path(done.stdout.split("run: ")[1].splitlines()[0])
    assert json.loads((run / "run.json").read_text())["folds"] == [f"Session{number}" for number in sessions]
    fold = run / "Session1"
    parts = {
        part: json.loads((fold / "outputs" / part / "windows.json").read_text())["clips"]
        for part in ("train", "validation")
    }
    assert {clip[:5] for clip in parts["validation"]} == {"Ses02"}
    assert {clip[:5] for clip in parts["train"]} == {"Ses03"}
    assert json.loads((fold / "result.json").read_text())["headline"] in {"late_average", "weighted_sum", "learned"}
