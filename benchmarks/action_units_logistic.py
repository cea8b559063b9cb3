"""Baseline on RAVDESS: logistic regression on 35 facial action units, clip means by OpenFace, nothing tuned.

    python benchmarks/action_units_logistic.py [OUTPUT.json]

On the five published folds, as configs/ravdess/action_units.yaml has clips, table and splits: fitted on the training
part alone, as a network is that stops by the validation part, and on both, as nothing here needs one. FUSION_DATA names
the folder that holds ravdess/.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fusion.catalog import catalog
from fusion.config.experiment import read_experiment
from fusion.contract import Clip, Split, Target
from fusion.corpora import load_corpus
from fusion.data.batches import ClipTable
from fusion.data.streams import plan_streams
from fusion.evaluation.intervals import Bootstrap
from fusion.evaluation.scores import accuracy, additive, additive_accuracy, unweighted_average_recall
from fusion.evaluation.splits import plan_splits
from fusion.store.prepare import prepare
from fusion.store.store import Store, store_folder

CONFIG = Path("configs/ravdess/action_units.yaml")
STREAM = "action_units"


def answers(split: Split, parts: tuple[str, ...], table: ClipTable) -> tuple[list[int], NDArray[np.float64]]:
    """Places of a split's test clips, and their probabilities by a model fitted on some of its other parts."""
    places = {clip.id: place for place, clip in enumerate(table.clips)}
    features = np.array(
        [np.asarray(table.stored(k, STREAM).row(None)[f"features:{STREAM}"].data)[0] for k in range(len(places))]
    )
    known = [places[i] for part in parts for i in getattr(split, part)]
    asked = [places[i] for i in split.test]
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    model.fit(features[known], table.targets[known].argmax(axis=1))
    return asked, model.predict_proba(features[asked])


def main() -> None:
    """Print the scores with their intervals, and write them where asked."""
    found = catalog()
    experiment = read_experiment(CONFIG).experiment
    clips = load_corpus(experiment.corpus, catalog=found, base=CONFIG.parent)
    target: Target = found.build("target", experiment.target)
    store = Store(store_folder(experiment.prepare))
    prepare(experiment, clips, catalog=found, store=store)
    results = [result(("train",), clips, store, target), result(("train", "validation"), clips, store, target)]
    print(json.dumps(results, indent=1))
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def result(parts: tuple[str, ...], clips: list[Clip], store: Store, target: Target) -> dict[str, object]:
    """Scores over all folds."""
    experiment = read_experiment(CONFIG).experiment
    table = ClipTable(clips, plan_streams(experiment, catalog()), store, target)
    plan = plan_splits(experiment, clips, catalog())
    probabilities = np.zeros(table.targets.shape)
    targets = table.targets.astype(np.float64)
    by_split = {}
    for split in plan.splits:
        asked, probabilities[asked] = answers(split, parts, table)
        by_split[split.name] = round(unweighted_average_recall(probabilities[asked], table.targets[asked]), 4)
    bootstrap = Bootstrap([clip.speaker for clip in clips])
    recall = bootstrap.interval(additive(target.kind), probabilities, targets)
    right = bootstrap.interval(additive_accuracy(), probabilities, targets)
    return {
        "row": f"logistic regression on action units, fitted on {' and '.join(parts)}",
        "unweighted_average_recall": round(unweighted_average_recall(probabilities, table.targets), 4),
        "interval": [round(recall.low, 4), round(recall.high, 4)],
        "accuracy": round(accuracy(probabilities, table.targets), 4),
        "accuracy_interval": [round(right.low, 4), round(right.high, 4)],
        "over": recall.over,
        "by_split": by_split,
        "clips": len(clips),
        "split_hash": plan.hash,
    }


if __name__ == "__main__":
    main()
