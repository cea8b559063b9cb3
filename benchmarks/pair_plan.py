"""Planning a pretraining batch: 4,096 windows from a million clips, against one 4,096 x 4,096 x 256 float32 product.

    python benchmarks/pair_plan.py [OUTPUT.md]

Both in one process on one thread, in turn; medians. What a plan keeps in memory is measured after 1 and after 200
epochs.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch

from contrastive.plan import ClipFacts, PairPlan

CLIPS, BATCH, ROUNDS = 1_000_000, 4096, 15
MIX = {"positive": 1, "other_emotion": 1, "same_emotion": 1, "same_clip_shifted": 1}


def plan(facts: ClipFacts, *, drawn: bool) -> PairPlan:
    """A plan with every kind of pair."""
    return PairPlan(0, facts, 1900, BATCH, MIX, {}, 1000, 1000, drawn)


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def memory(facts: ClipFacts) -> tuple[int, int]:
    """Bytes that a plan holds on to after its first epoch, and after 200."""
    one = plan(facts, drawn=True)
    tracemalloc.start()
    one.planned(0, 0)
    first = tracemalloc.get_traced_memory()[0]
    for epoch in range(1, 200):
        one.planned(epoch, 0)
    last = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return first, last


def main(output: Path | None) -> None:
    """Measure, print, and write where asked."""
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    facts = ClipFacts(random.integers(0, 6, CLIPS), np.arange(CLIPS), random.integers(2000, 9000, CLIPS))
    plans = {"drawn pairs (margin)": plan(facts, drawn=True), "filled by kind (InfoNCE)": plan(facts, drawn=False)}
    matrix = torch.randn(BATCH, 256)
    product: list[float] = []
    later: dict[str, list[float]] = {name: [] for name in plans}
    begins: dict[str, list[float]] = {name: [] for name in plans}
    for turn in range(ROUNDS):
        product.append(timed(lambda: matrix @ matrix.T))
        for name, one in plans.items():
            begins[name].append(timed(lambda one=one, turn=turn: one.planned(turn, 0)))  # type: ignore[misc]
            later[name].append(timed(lambda one=one, turn=turn: one.planned(turn, 1)))  # type: ignore[misc]
    first, last = memory(facts)
    lines = [
        "# Planning a batch of 4,096 windows from 1,000,000 clips",
        "",
        "- command: `python benchmarks/pair_plan.py benchmarks/pair_plan.md`; one thread; medians of "
        f"{ROUNDS} turns, in turn with the product",
        "- limit: 1.0 of one 4,096 x 4,096 x 256 float32 product",
        "",
        "| plan | a batch / product | the first batch of an epoch (with its permutation) / product |",
        "| --- | --- | --- |",
    ]
    for name in plans:
        each, begin = (median(values[name]) / median(product) for values in (later, begins))
        lines.append(f"| {name} | {each:.3f} | {begin:.3f} |")
    lines += ["", f"Memory held after 200 epochs / after one: {last / first:.3f} (one permutation of the clips)."]
    text = "\n".join([*lines, ""])
    print(text)
    if output is not None:
        output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
