"""The demo corpus is no toy: no stream alone settles it, and fusion is above each, on unseen speakers and five seeds.

Writes ``benchmarks/demo_corpus.json`` with what it measured.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fusion.catalog import catalog
from fusion.config.experiment import read_experiment
from fusion.corpora import load_corpus
from fusion.data.streams import plan_streams
from fusion.evaluation.evaluate import evaluate
from fusion.store.store import Store, store_folder
from fusion.training.finetune import finetune

ROOT = Path(__file__).parents[2]
SEEDS = range(5)
RECORD = ROOT / "benchmarks" / "demo_corpus.json"


def measured(folder: Path, seed: int) -> dict[str, float]:
    """Train with one seed and score 480 clips of eight unseen speakers."""
    loaded = read_experiment(
        ROOT / "configs" / "demo_large.yaml",
        (f"corpus.root={folder / 'clips'}", f"seed={seed}", f"prepare.store={folder / 'store'}"),
    )
    run = finetune(loaded, folder / f"run_{seed}")
    results = evaluate(run).results
    assert results["clips"] == 480
    rows = results["rows"]
    clips = load_corpus(loaded.experiment.corpus, catalog=catalog(), base=loaded.source.parent)
    plans = plan_streams(loaded.experiment, catalog())
    store = Store(store_folder(loaded.experiment.prepare))
    found = []
    for clip in clips:
        stored = store.read(store.entry_key(clip, plans["face"]))
        found.append(0.0 if stored.absence else float(np.asarray(stored.row(None)["face"].data)[:, 0].mean()))
    emotional = [clip for clip in clips if clip.labels["emotion"] != "neutral"]
    return {
        **{name: rows[name]["accuracy"] for name in ("voice", "face", "text", "late_average")},
        **{f"{name}_low": rows[name]["accuracy_interval"]["low"] for name in ("voice", "face", "text")},
        "difference_low": results["headline_minus_best_stream"]["low"],
        "faces_found": float(np.mean(found)),
        "emotional_words": float(
            np.mean([clip.details["shown_by_words"] == clip.labels["emotion"] for clip in emotional])
        ),
    }


@pytest.mark.soak
@pytest.mark.timeout(5400)
def test_streams_are_between_chance_and_certainty_and_fusion_is_above_them(tmp_path: Path) -> None:
    figures = [measured(tmp_path, seed) for seed in SEEDS]
    RECORD.write_text(json.dumps(dict(zip(map(str, SEEDS), figures, strict=True)), indent=2) + "\n", encoding="utf-8")
    for seed, row in enumerate(figures):
        for stream in ("voice", "face", "text"):
            assert row[f"{stream}_low"] > 0.25, (seed, stream, row)
            assert row[stream] < 0.95, (seed, stream, row)
            assert row["late_average"] > row[stream], (seed, stream, row)
        assert row["difference_low"] > 0, (seed, row)
        assert row["faces_found"] >= 0.95, (seed, row)
        assert 0.3 < row["emotional_words"] < 0.9, (seed, row)
