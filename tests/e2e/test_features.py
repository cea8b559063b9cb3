"""Tables of features and scores from the shell: finetune and evaluate, with every way of fusing scores."""

from __future__ import annotations

import json
import random
from pathlib import Path

from fusion.testing.trees import write_ravdess_tree
from tests.e2e.test_jobs import fusion

CLASSES = {"03": "happy", "04": "sad", "05": "angry"}
CONFIG = """
corpus:
  name: ravdess
  root: clips
  attach: {features:units: units.csv, features:scores: scores.csv}
target: {name: classes, classes: [happy, sad, angry]}
window: {seconds: clip}
streams:
  units:
    modality: {name: features, source: units, id: "03-{id}", id_column: clip}
    encoder: {name: mlp, hidden: [8], embedding: 8}
  other:
    modality:
      name: scores
      source: scores
      id: "03-{id}"
      id_column: clip
      values: logits
      classes: [happy, sad, angry]
    encoder: scores
fusion:
  - {name: late_average}
  - {name: late_average, label: tempered, calibrated: true, fitted_on: validation}
  - {name: weighted_sum, label: stacked, of: logits, fitted_on: train_and_validation}
  - {name: learned, form: concatenate, dim: 8, hidden: 8}
headline: tempered
protocol: {name: held_out, validation: ["03", "04"], test: ["05", "06"]}
finetune: {epochs: 2, head: {epochs: 2}}
"""


def write_tables(root: Path) -> None:
    """Scores that mostly name the class, and units of which the first is missing for one clip."""
    drawn = random.Random(0)
    units, scores = ["clip,first,second"], ["clip,happy,sad,angry"]
    for place, file in enumerate(sorted(root.rglob("03-*.wav"))):
        emotion = file.stem.split("-")[2]
        if place:
            units.append(f"{file.stem},{int(emotion) + drawn.random()},{drawn.random()}")
        numbers = [4.0 * (code == emotion) + drawn.random() for code in CLASSES]
        scores.append(",".join([file.stem, *map(str, numbers)]))
    (root / "units.csv").write_text("\n".join(units) + "\n")
    (root / "scores.csv").write_text("\n".join(scores) + "\n")


def test_tables_are_fused_and_a_warning_goes_with_the_scores(tmp_path: Path) -> None:
    write_ravdess_tree(tmp_path / "clips", actors=range(1, 7), emotions=tuple(CLASSES), modalities=("03",))
    write_tables(tmp_path / "clips")
    config = tmp_path / "tables.yaml"
    config.write_text(CONFIG)
    done = fusion(tmp_path, "finetune", str(config), "prepare.workers=0")
    assert "other: nothing says what the models behind these scores were trained on" in done.stdout + done.stderr
    run = Path(done.stdout.split("run: ")[1].splitlines()[0])
    fusion(tmp_path, "evaluate", str(run))
    results = json.loads((run / "evaluation" / "results.json").read_text())
    assert {"units", "other", "late_average", "tempered", "stacked", "learned"} <= set(results["rows"])
    assert results["rows"]["other"]["accuracy"] == 1.0
    assert any("fitted_on: validation" in note for note in results["notes"])
