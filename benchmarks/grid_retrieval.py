"""GRID: does a pretrained pair of streams find the sound that belongs to a mouth, and by speech?

    python benchmarks/grid_retrieval.py OUTPUT.md RUN [RUN ...]

Each RUN is a finished `fusion pretrain` of one config of configs/grid, by a seed of its own. Its test clips (60 of the
one speaker, unseen) are matched three times by the same network: as they are, with the sound taken a second later than
the picture, and with the pictures of each window in random order. A network that finds something other than speech (a
voice, a room, a level) would not mind. Then the ten clips of other people are matched among each other. The test clips
are scored once by each run.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from contrastive.batches import clip_facts
from contrastive.comparison import window_facts
from contrastive.loading import Pretrained, load_pretrained
from contrastive.pairs import pair_kinds
from contrastive.retrieval import RANKS, Retrieval, retrieval
from fusion.catalog import catalog
from fusion.config.models import CorpusSettings
from fusion.contract import Clip, Objective, Row, Span, Target
from fusion.corpora import load_corpus
from fusion.data.batches import ClipTable
from fusion.data.plan import Window
from fusion.data.randomness import generator
from fusion.data.rows import Absent
from fusion.data.streams import plan_streams
from fusion.evaluation.splits import plan_splits
from fusion.inference.files import read_json
from fusion.store.prepare import prepare
from fusion.store.store import Store, store_folder

DRAWS = 2000
LATER = Fraction(1)


class Clips:
    """Test clips, cut for both streams."""

    def __init__(self, pretrained: Pretrained, clips: list[Clip]) -> None:
        found = catalog()
        experiment = pretrained.experiment
        self.pretrained = pretrained
        self.plans = plan_streams(experiment, found)
        store = Store(store_folder(experiment.prepare))
        prepare(experiment, clips, catalog=found, store=store)
        target: Target = found.build("target", experiment.target)
        self.table = ClipTable(clips, self.plans, store, target)
        self.facts = clip_facts(self.table, target)
        seconds = experiment.window.seconds
        assert seconds != "clip"
        self.seconds = seconds

    @torch.no_grad()
    def embedded(self, stream: str, start: Fraction, *, shuffled: bool = False) -> Tensor:
        """Embeddings ``[N, D]`` of one window of each clip."""
        rows: list[Row] = []
        spans = [Span(start, start + self.seconds)] * len(self.table.clips)
        for clip, span in enumerate(spans):
            row = self.table.row(Window(clip, span, 0), stream)
            assert not isinstance(row, Absent), (self.table.clips[clip].id, row)
            rows.append(_shuffled(row, clip) if shuffled else row)
        fitted = self.pretrained.fitted[stream]
        model = self.pretrained.model
        parts = [
            model.embeddings(stream, self.plans[stream].modality.batch(rows[k : k + 16], spans[k : k + 16], fitted))
            for k in range(0, len(rows), 16)
        ]
        return torch.cat(parts)

    @torch.no_grad()
    def found(self, *, later: Fraction = Fraction(0), shuffled: bool = False) -> tuple[Retrieval, Retrieval]:
        """Retrieval from sound to picture and back."""
        model = self.pretrained.model
        first, second = model.pairs[0]
        objective = cast("Objective", model.objectives[0])
        one = model.projected(0, self.embedded(first, later), 0)
        other = model.projected(0, self.embedded(second, Fraction(0), shuffled=shuffled), 1)
        windows = [Window(clip, Span(Fraction(0), self.seconds), 0) for clip in range(len(self.table.clips))]
        facts = window_facts(self.facts, windows)
        kinds = pair_kinds(facts, facts, shift=None)
        similarity = objective.similarity(one, other)
        return retrieval(similarity, kinds), retrieval(similarity.T, kinds.T)


def _shuffled(row: Row, clip: int) -> Row:
    """The same pictures in another order."""
    order = generator(0, "shuffled pictures", clip).permutation(len(row["frames"]))
    return {name: replace(pieces, data=np.asarray(pieces.data)[order]) for name, pieces in row.items()}


def hits(found: tuple[Retrieval, Retrieval], rank: int) -> NDArray[np.float64]:
    """For each clip, the share of the two directions in which its partner was among the nearest."""
    both = np.stack([(one.ranks < rank).numpy() for one in found]).astype(np.float64)
    return np.asarray(both.mean(axis=0), dtype=np.float64)


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """The middle 95 % of bootstrap means over clips."""
    draws = generator(0, "bootstrap").integers(len(values), size=(DRAWS, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def main(output: Path, runs: list[Path]) -> None:
    """Print the table and write it."""
    lines: list[str] = []
    sentences: list[str] = []
    for run in runs:
        record = read_json(run / "run.json")
        (fold,) = record["folds"]
        pretrained = load_pretrained(run, fold, catalog())
        experiment = pretrained.experiment
        everyone = load_corpus(experiment.corpus, catalog=catalog(), base=Path("configs/grid"))
        splits = plan_splits(experiment, everyone, catalog())
        if splits.hash != record["split"]["hash"]:
            raise SystemExit(f"{run} is of another split ({record['split']['hash']}) than these clips give")
        (split,) = splits.splits
        test = Clips(pretrained, [clip for clip in everyone if clip.id in set(split.test)])
        count = len(test.table.clips)
        lines = lines or [
            f"- command: `fusion pretrain {record['source']} seed=SEED`, then `python benchmarks/grid_retrieval.py "
            f"{output} RUN ...`",
            f"- protocol: {record['split']['guarantee']}; split hash {record['split']['hash']}; {len(split.train)} "
            f"clips to train, {len(split.validation)} to validate, {count} to test, scored once by each run",
            f"- windows of {float(test.seconds):g} s from second 0, both directions averaged; intervals: 95 %, "
            f"bootstrap over clips, {DRAWS} draws; chance of recall@1 is {1 / count:.3f}",
            "",
            "| seed | windows | recall@1 | 95 % interval | recall@5 | recall@10 | as they are minus this, recall@1 |",
            "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        rows: Mapping[str, tuple[Retrieval, Retrieval]] = {
            "as they are": test.found(),
            "sound a second later": test.found(later=LATER),
            "pictures shuffled": test.found(shuffled=True),
        }
        matched = hits(rows["as they are"], 1)
        for name, found in rows.items():
            low, high = interval(hits(found, 1))
            first, *others = (f"{hits(found, rank).mean():.3f}" for rank in RANKS)
            less = interval(matched - hits(found, 1))
            paired = "" if name == "as they are" else f"{less[0]:+.3f} .. {less[1]:+.3f}"
            lines.append(
                f"| {experiment.seed} | {name} | {first} | {low:.3f} .. {high:.3f} | {' | '.join(others)} | {paired} |"
            )
        sentences.append(f"Seed {experiment.seed}: recall at 1 is {matched.mean() * count:.1f} times chance.")
        everybody = CorpusSettings.model_validate({"name": "grid", "known_speakers": False})
        known = {clip.id for clip in everyone}
        listed = load_corpus(everybody, catalog=catalog(), base=Path("configs/grid"))
        strangers = [clip for clip in listed if clip.id not in known]
        if strangers:
            found = Clips(pretrained, strangers).found()
            low, high = interval(hits(found, 1))
            sentences[-1] += (
                f" Among {len(strangers)} clips of other people it is {hits(found, 1).mean():.3f} "
                f"({low:.3f} .. {high:.3f}; chance {1 / len(strangers):.3f})."
            )
    text = "\n".join(["# GRID, one speaker: the sound that belongs to a mouth", "", *lines, "", *sentences, ""])
    print(text)
    output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(run) for run in sys.argv[2:]])
