import json
import shutil
from pathlib import Path

import pytest

from fusion.contract import DataError, LeakError, RunError
from fusion.evaluation.elsewhere import evaluate_on, on_name
from fusion.evaluation.evaluate import evaluate
from tests.evaluation.small import write_config, write_corpus

STRANGERS = ("gus", "hal", "ida")


def test_the_final_model_on_strangers(trained: Path, tmp_path: Path) -> None:
    config = write_config(write_corpus(tmp_path / "other", speakers=STRANGERS, seed=5))
    evaluation = evaluate_on(trained / "run", config)
    assert evaluation.folder == trained / "run" / "evaluation" / "on_other_experiment"
    assert {path.name for path in evaluation.folder.iterdir()} == {
        "results.json",
        "predictions.csv",
        "answers.csv",
        "card.html",
    }
    results = evaluation.results
    assert (results["clips"], results["speakers"]) == (9, 3)
    assert results["on"]["model"] == "final"
    assert results["on"]["seen"] == {"clips": [], "reasons": {}}
    assert not results["leaking"]
    assert {"late_average[words]", "loudness and length"} <= set(results["rows"])
    assert "evaluated on" in evaluation.card.read_text()
    model = json.loads((trained / "run" / "final" / "model" / "model.json").read_text())
    headline = results["rows"]["headline"]
    assert model["temperature"] == 1.0 or headline["calibration_error"] != headline["calibration_error_before"]
    # The run's own table stays as it is, and the same command gives the same numbers from stored outputs.
    assert evaluate_on(trained / "run", config).results == results


def test_clips_that_were_trained_on_are_refused_left_out_or_marked(trained: Path, tmp_path: Path) -> None:
    config = write_config(write_corpus(tmp_path / "again"))
    with pytest.raises(LeakError, match=r"18 of 18 clips were seen in training or validation .*--overlap"):
        evaluate_on(trained / "run", config)
    with pytest.raises(LeakError, match="18 of 18"):
        evaluate_on(trained / "run", config, overlap="drop")
    dropped = evaluate_on(trained / "run", config, fold="held_out", overlap="drop").results
    assert dropped["clips"] == 6
    assert sorted(dropped["by_speaker"]) == ["manifest:eve", "manifest:fay"]
    assert not dropped["leaking"]
    assert any("12 of 18 clips" in note and "left out" in note for note in dropped["notes"])
    kept = evaluate_on(trained / "run", config, fold="held_out", overlap="keep")
    assert kept.results["clips"] == 18
    assert kept.results["leaking"]
    assert kept.results["guarantee"].startswith("LEAKING: 12 of 18 clips were seen")
    assert 'class="banner stop"' in kept.card.read_text()
    assert kept.folder == trained / "run" / "held_out" / "evaluation" / "on_again_experiment"


def test_copies_under_other_names_are_found_by_content(trained: Path, tmp_path: Path) -> None:
    other = write_corpus(tmp_path / "renamed", speakers=STRANGERS, seed=5)
    shutil.copy(trained / "ann0_calm_0.wav", other / "gus0_calm_0.wav")
    with pytest.raises(LeakError, match=r"1 of 9 clips were seen in training or validation \(1 by media\)"):
        evaluate_on(trained / "run", write_config(other), fold="held_out")
    # The test speakers' files are new to the fold's model, and known to the final one.
    shutil.copy(trained / "eve4_calm_0.wav", other / "gus0_calm_0.wav")
    assert evaluate_on(trained / "run", write_config(other), fold="held_out").results["clips"] == 9
    with pytest.raises(LeakError, match="1 by media"):
        evaluate_on(trained / "run", write_config(other))


def test_labels_are_mapped_by_the_config(trained: Path, tmp_path: Path) -> None:
    other = write_corpus(tmp_path / "labels", speakers=STRANGERS, seed=5)
    table = (other / "manifest.csv").read_text()
    (other / "manifest.csv").write_text(table.replace(",calm,", ",relaxed,").replace(",angry,", ",bored,"))
    config = write_config(other, target={"name": "classes", "classes": ["relaxed", "happy", "bored"]})
    with pytest.raises(DataError, match=r"'(relaxed|bored)' is not among the target's classes .*map it"):
        evaluate_on(trained / "run", config)
    mapped = {"relaxed": "calm", "happy": "happy", "bored": None}
    config = write_config(other, corpus={"name": "manifest", "root": "manifest.csv", "labels": {"emotion": mapped}})
    results = evaluate_on(trained / "run", config).results
    assert results["clips"] == 6
    assert results["rows"]["headline"]["by_class"]["calm"]["clips"] == 3


def test_clips_without_a_speaker_are_checked_by_content_and_say_so(trained: Path, tmp_path: Path) -> None:
    other = write_corpus(tmp_path / "unknown", speakers=("", ""), seed=5)
    results = evaluate_on(trained / "run", write_config(other)).results
    assert any("6 of 6 clips have no known speaker" in note for note in results["notes"])
    assert results["rows"]["headline"]["interval"]["over"] == "clips"


def test_a_run_without_a_final_model_lists_its_folds(trained: Path, tmp_path: Path) -> None:
    config = write_config(write_corpus(tmp_path / "x", speakers=STRANGERS, seed=5))
    with pytest.raises(RunError, match="has no finished fold 'fold_9'; it has held_out"):
        evaluate_on(trained / "run", config, fold="fold_9")


def test_a_moved_start_is_said_to_be_unchecked(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "run", tmp_path / "run")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    (tmp_path / "run" / "run.json").write_text(json.dumps({**record, "start": str(tmp_path / "gone")}))
    config = write_config(write_corpus(tmp_path / "x", speakers=STRANGERS, seed=5))
    notes = evaluate_on(tmp_path / "run", config).results["notes"]
    assert any("gone" in note and "was not checked" in note for note in notes)


def test_what_a_start_has_seen_counts(trained: Path, tmp_path: Path) -> None:
    other = write_corpus(tmp_path / "x", speakers=STRANGERS, seed=5)
    shutil.copytree(trained / "run", tmp_path / "start")
    (tmp_path / "start" / "clips.json").write_text(
        json.dumps([{"id": "z", "speaker": "manifest:ida", "take": None, "content": []}])
    )
    start = json.loads((tmp_path / "start" / "run.json").read_text())
    start["split"]["hash"] = "another"
    (tmp_path / "start" / "run.json").write_text(json.dumps(start))
    shutil.copytree(trained / "run", tmp_path / "run")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    (tmp_path / "run" / "run.json").write_text(json.dumps({**record, "start": str(tmp_path / "start")}))
    with pytest.raises(LeakError, match=r"3 of 9 clips .*\(3 by speaker\)"):
        evaluate_on(tmp_path / "run", write_config(other))


def test_results_are_named_after_the_config(tmp_path: Path) -> None:
    assert on_name(tmp_path / "configs" / "java_sed" / "voice.yaml") == "java_sed_voice"
    assert on_name(tmp_path / "clips" / "experiment.yaml") == "clips_experiment"


def test_no_folder_is_made_for_a_run_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no run"):
        evaluate(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
