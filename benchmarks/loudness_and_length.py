"""The row "loudness and length" of every table, on Java-SED with one speaker left out in turn.

    python benchmarks/loudness_and_length.py [OUTPUT.json]

Over the eight speakers of the audio-video clips; nothing is tuned. A network that does not clearly pass it has learnt
the recording level. FUSION_DATA names the folder that holds java_sed/.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from fusion.catalog import catalog
from fusion.config.models import CorpusSettings, PrepareSettings
from fusion.corpora import load_corpus
from fusion.evaluation.intervals import Bootstrap
from fusion.evaluation.scores import accuracy, additive_accuracy, unweighted_average_recall
from fusion.evaluation.shortcut import loudness_and_length
from fusion.store.levels import Levels
from fusion.store.store import Store, store_folder

CLASSES = ("neutral", "sadness", "happiness", "surprise", "fear", "anger")


def main() -> None:
    """Print the score with its interval, and write it where asked."""
    clips = load_corpus(CorpusSettings(name="java_sed"), catalog=catalog(), base=Path())
    store = Store(store_folder(PrepareSettings()))
    levels = Levels(store.folder / "levels.sqlite", store.hashes).of(clips)
    labels = np.array([CLASSES.index(clip.labels["emotion"]) for clip in clips])
    speakers = [str(clip.speaker) for clip in clips]
    targets = np.eye(len(CLASSES))[labels]
    probabilities = np.zeros(targets.shape)
    for speaker in sorted(set(speakers)):
        held = np.array([one == speaker for one in speakers])
        known, tested = ([levels[place] for place in np.flatnonzero(part)] for part in (~held, held))
        row = loudness_and_length(known, targets[~held].astype(np.float32), tested, kind="single")
        assert row is not None
        probabilities[held] = row.probabilities
    interval = Bootstrap(speakers).interval(additive_accuracy(), probabilities, targets)
    result = {
        "row": "loudness and length alone",
        "accuracy": accuracy(probabilities, targets),
        "unweighted_average_recall": unweighted_average_recall(probabilities, targets),
        "interval": [interval.low, interval.high],
        "over": interval.over,
        "clips": len(clips),
    }
    print(json.dumps(result))
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
