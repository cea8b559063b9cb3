"""The demo: does its pretrained pair of streams find the sound that belongs to a mouth, and by what both do together?

    python -m benchmarks.demo_retrieval OUTPUT.md RUN [RUN ...]

Each RUN is a finished `fusion pretrain configs/demo.yaml`, by a seed of its own. Its test clips (unseen speakers) are
matched in the demo's windows, in which a short clip ends early in sound and picture, and in windows of 1.7 s, which
every clip fills: as they are, with the sound taken half a second later, and with the pictures in random order. Clips
are generated, and this is no science: it tells whether the demo shows what it says.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

from benchmarks.grid_retrieval import Clips, hits, interval
from contrastive.loading import load_pretrained
from fusion.catalog import catalog
from fusion.corpora import load_corpus
from fusion.evaluation.splits import plan_splits
from fusion.inference.files import read_json

SHORT, LATER = Fraction(17, 10), Fraction(1, 2)


def main(output: Path, runs: list[Path]) -> None:
    """Print the table and write it."""
    lines: list[str] = []
    for run in runs:
        record = read_json(run / "run.json")
        (fold,) = record["folds"]
        pretrained = load_pretrained(run, fold, catalog())
        experiment = pretrained.experiment
        everyone = load_corpus(experiment.corpus, catalog=catalog(), base=Path("configs"))
        (split,) = plan_splits(experiment, everyone, catalog()).splits
        clips = Clips(pretrained, [clip for clip in everyone if clip.id in set(split.test)])
        whole, count = clips.seconds, len(clips.table.clips)
        if not lines:
            lines = [
                "# The demo: the sound that belongs to a mouth",
                "",
                "- command: `fusion pretrain configs/demo.yaml seed=SEED`, then `python -m benchmarks.demo_retrieval "
                "benchmarks/demo_retrieval.md RUN ...`",
                f"- protocol: {record['split']['guarantee']}; split hash {record['split']['hash']}; {len(split.train)} "
                f"generated clips to train, {len(split.validation)} to validate, {count} to test",
                "- both directions averaged; intervals: 95 %, bootstrap over clips; chance of recall@1 is "
                f"{1 / count:.3f}",
                "",
                "| seed | windows | recall@1 | 95 % interval | recall@5 |",
                "| ---: | --- | ---: | --- | ---: |",
            ]
        found = {f"{float(whole):g} s, as they are": clips.found()}
        clips.seconds = SHORT
        found |= {
            "1.7 s, as they are": clips.found(),
            "1.7 s, sound half a second later": clips.found(later=LATER),
            "1.7 s, pictures shuffled": clips.found(shuffled=True),
        }
        for name, each in found.items():
            first, fifth = hits(each, 1), hits(each, 5)
            low, high = interval(first)
            lines.append(
                f"| {experiment.seed} | {name} | {first.mean():.3f} | {low:.3f} .. {high:.3f} | {fifth.mean():.3f} |"
            )
    text = "\n".join([*lines, ""])
    print(text)
    output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(run) for run in sys.argv[2:]])
