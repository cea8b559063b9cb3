import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fusion.contract import RunError
from fusion.evaluation.evaluate import evaluate


def test_every_subset_of_streams_is_a_row(trained: Path) -> None:
    results = evaluate(trained / "run").results
    assert list(results["rows"]) == [
        "voice", "words", "late_average", "headline", "late_average[voice]", "late_average[words]", "gated",
        "gated[voice]", "gated[words]", "loudness and length", "majority class",
    ] or set(results["rows"]) == {
        "voice", "words", "late_average", "headline", "late_average[voice]", "late_average[words]", "gated",
        "gated[voice]", "gated[words]", "loudness and length", "majority class",
    }  # fmt: skip
    assert results["rows"]["late_average[voice]"]["streams"] == ["voice"]
    # With its other stream hidden, averaging is the stream itself.
    alone, masked = results["rows"]["words"], results["rows"]["late_average[words]"]
    assert masked["confusion"] == alone["confusion"]


def test_an_evaluation_killed_between_streams_goes_on(trained: Path, tmp_path: Path) -> None:
    whole = evaluate(trained / "run").results
    shutil.copytree(trained / "run", tmp_path / "run")
    outputs = tmp_path / "run" / "held_out" / "outputs" / "test"
    (outputs / "words.safetensors").unlink()
    assert evaluate(tmp_path / "run").results["rows"] == whole["rows"]
    (outputs / "windows.json").unlink()
    assert evaluate(tmp_path / "run").results["rows"] == whole["rows"]


def test_stored_outputs_of_other_clips_are_refused(trained: Path, tmp_path: Path) -> None:
    evaluate(trained / "run")
    shutil.copytree(trained / "run", tmp_path / "run")
    index = tmp_path / "run" / "held_out" / "outputs" / "test" / "windows.json"
    content = json.loads(index.read_text())
    content["clips"][0] = "somebody_else"
    index.write_text(json.dumps(content))
    with pytest.raises(RunError, match="has stored outputs of other clips"):
        evaluate(tmp_path / "run")


def test_unfinished_runs_and_unknown_folds_say_what_to_do(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="has no fold 'fold_7'; it has held_out"):
        evaluate(trained / "run", fold="fold_7")
    shutil.copytree(trained / "run", tmp_path / "run")
    (tmp_path / "run" / "held_out" / "result.json").unlink()
    with pytest.raises(RunError, match=r"unfinished folds.*repeat the finetune command"):
        evaluate(tmp_path / "run")


def test_words_that_a_clip_lacks_leave_it_to_the_voice(trained: Path, tmp_path: Path) -> None:
    results = evaluate(trained / "run").results
    assert results["absent"]["words"]["windows"] == 6
    assert results["rows"]["headline"]["answered"] == 6
    assert np.isfinite(results["rows"]["headline"]["unweighted_average_recall"])
