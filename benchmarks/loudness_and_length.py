"""Baseline on Java-SED: logistic regression on loudness (mean, 95th percentile, spread) and length alone.

    python benchmarks/loudness_and_length.py [OUTPUT.json]

Leave one speaker out over the eight speakers of the audio-video clips; nothing is tuned. A network that does not
clearly pass it has learnt the recording level. FUSION_DATA names the folder that holds java_sed/.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fusion.catalog import catalog
from fusion.config.models import CorpusSettings
from fusion.contract import SOUND, Clip, Want
from fusion.corpora import load_corpus
from fusion.evaluation.intervals import Bootstrap
from fusion.evaluation.scores import accuracy, additive_accuracy, unweighted_average_recall
from fusion.media import open_clip

CLASSES = ("neutral", "sadness", "happiness", "surprise", "fear", "anger")


def describe(clip: Clip) -> list[float]:
    """Mean, 95th percentile and spread of the level in dB over 25 ms frames, and the length in seconds."""
    want = Want(SOUND)
    with open_clip(clip, [want]) as source:
        duration = source.duration
        assert duration is not None
        pieces = [source.advance(duration)[want]]
        while not source.exhausted:
            pieces += source.advance(duration).values()
    samples = np.concatenate([np.asarray(part.data) for part in pieces])
    rate = pieces[0].rate
    assert rate is not None
    size = int(rate * 25 / 1000)
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    level = 10 * np.log10((frames**2).mean(axis=1) + 1e-10)
    return [float(level.mean()), float(np.percentile(level, 95)), float(level.std()), float(duration)]


def main() -> None:
    """Print the score with its interval, and write it where asked."""
    clips = load_corpus(CorpusSettings(name="java_sed"), catalog=catalog(), base=Path())
    features = np.array([describe(clip) for clip in clips])
    labels = np.array([CLASSES.index(clip.labels["emotion"]) for clip in clips])
    speakers = [str(clip.speaker) for clip in clips]
    probabilities = np.zeros((len(clips), len(CLASSES)))
    for speaker in sorted(set(speakers)):
        held = np.array([one == speaker for one in speakers])
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        model.fit(features[~held], labels[~held])
        probabilities[held] = model.predict_proba(features[held])
    targets = np.eye(len(CLASSES))[labels]
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
