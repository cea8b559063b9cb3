"""A linear probe: what frozen pretrained embeddings know of a label, beside those of the same networks untrained.

    python benchmarks/linear_probe.py RUN OUTPUT.md [TITLE]

RUN is a finished `fusion pretrain CONFIG` whose config has a target. For each fold, logistic regression (nothing tuned)
is fitted on the embeddings of the training clips' middle windows (where segments were compared, on their mean and
spread) and scored on the test clips, by stream and for all streams joined; a clip counts where it has every stream.
Intervals are bootstraps over speakers, differences paired.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from contrastive.comparison import central_windows, embed
from contrastive.loading import Pretrained, load_pretrained
from fusion.catalog import catalog
from fusion.contract import Target
from fusion.corpora import load_corpus
from fusion.data.batches import ClipTable
from fusion.data.streams import plan_streams
from fusion.evaluation.intervals import Bootstrap
from fusion.evaluation.scores import additive_accuracy
from fusion.evaluation.splits import plan_splits
from fusion.inference.described import build_stream
from fusion.inference.files import read_json
from fusion.store.store import Store, store_folder
from fusion.training.start import read_description

Features = NDArray[np.float32]


@dataclass
class Answers:
    """Probabilities of test clips, collected over folds."""

    probabilities: list[NDArray[np.float64]]
    targets: list[NDArray[np.float64]]
    speakers: list[str]


def features(pretrained: Pretrained, table: ClipTable) -> tuple[dict[str, Features], NDArray[np.bool_]]:
    """Embeddings ``[N, D]`` by stream, and which clips have every stream."""
    windows = central_windows(table, pretrained.experiment.window.seconds)
    off = torch.autocast("cpu", enabled=False)
    embeddings, present = embed(pretrained.model, table, windows, pretrained.fitted, precision=lambda: off)
    found = {name: _flat(values.numpy()) for name, values in embeddings.items()}
    return found, torch.stack(list(present.values())).all(dim=0).numpy()


def _flat(values: Features) -> Features:
    """``[N, D]`` as it is; of segments ``[N, S, D]`` their mean and spread, ``[N, 2 D]``."""
    return values if values.ndim == 2 else np.concatenate([values.mean(axis=1), values.std(axis=1)], axis=1)


def untrained(pretrained: Pretrained, run: Path, fold: str) -> Pretrained:
    """The same networks with the weights that pretraining began with."""
    experiment = pretrained.experiment
    for name, encoder in pretrained.model.encoders.items():
        description = read_description(run / fold / "streams" / name)
        address = (experiment.seed, "weights", name)
        new = build_stream(experiment.streams[name], description.input, ("one", "other"), catalog(), address=address)
        encoder.load_state_dict(new.encoder.state_dict())
    return pretrained


def main(run: Path, output: Path, title: str) -> None:
    """Write the table."""
    record = read_json(run / "run.json")
    found = catalog()
    rows: dict[str, Answers] = {}
    classes = 0
    for fold in record["folds"]:
        for kind in ("pretrained", "untrained"):
            pretrained = load_pretrained(run, fold, found)
            experiment = pretrained.experiment
            if kind == "untrained":
                pretrained = untrained(pretrained, run, fold)
            target: Target = found.build("target", experiment.target)
            classes = len(target.names)
            listed = load_corpus(experiment.corpus, catalog=found, base=Path(record["source"]).parent)
            clips = {clip.id: clip for clip in listed if target.encode(clip.labels) is not None}
            splits = plan_splits(experiment, list(clips.values()), found)
            if splits.hash != record["split"]["hash"]:
                raise SystemExit(f"{run} is of another split ({record['split']['hash']}) than these clips give")
            split = next(one for one in splits.splits if one.name == fold)
            plans, store = plan_streams(experiment, found), Store(store_folder(experiment.prepare))
            train, test = (
                ClipTable([clips[i] for i in part], plans, store, target) for part in (split.train, split.test)
            )
            (known, full), (asked, whole) = features(pretrained, train), features(pretrained, test)
            known["all"] = np.concatenate(list(known.values()), axis=1)
            asked["all"] = np.concatenate(list(asked.values()), axis=1)
            for name, values in known.items():
                model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
                model.fit(values[full], train.targets[full].argmax(axis=1))
                answer = np.zeros((int(whole.sum()), classes))
                answer[:, model.classes_] = model.predict_proba(asked[name][whole])
                kept = rows.setdefault(f"{name}, {kind}", Answers([], [], []))
                kept.probabilities.append(answer)
                kept.targets.append(test.targets[whole].astype(np.float64))
                kept.speakers += [str(c.speaker) for c, there in zip(test.clips, whole, strict=True) if there]
    lines = [
        f"# {title}",
        "",
        f"- command: `fusion pretrain {record['source']}`, then `python benchmarks/linear_probe.py RUN {output}`",
        f"- protocol: {record['split']['guarantee']}; split hash {record['split']['hash']}; chance {1 / classes:.3f}",
        "",
        "| embeddings | accuracy | 95 % interval | pretrained minus untrained |",
        "| --- | --- | --- | --- |",
    ]
    for name, kept in rows.items():
        probabilities, targets = np.concatenate(kept.probabilities), np.concatenate(kept.targets)
        bootstrap = Bootstrap(kept.speakers)
        interval = bootstrap.interval(additive_accuracy(), probabilities, targets)
        accuracy = float((probabilities.argmax(axis=1) == targets.argmax(axis=1)).mean())
        paired = ""
        if name.endswith(", pretrained"):
            other = np.concatenate(rows[name.replace(", pretrained", ", untrained")].probabilities)
            difference = bootstrap.difference(additive_accuracy(), probabilities, other, targets)
            paired = f"{difference.low:+.3f} .. {difference.high:+.3f}"
        lines.append(f"| {name} | {accuracy:.3f} | {interval.low:.3f} .. {interval.high:.3f} | {paired} |")
    output.write_text("\n".join([*lines, ""]), encoding="utf-8")
    print(output.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "Linear probe")
