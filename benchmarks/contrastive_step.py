"""A contrastive step against the two encoders' forward and backward passes alone, at batch 256.

    python benchmarks/contrastive_step.py [OUTPUT.md]

The encoders of configs/demo.yaml on inputs of its sizes, one thread, both kinds of steps in turn; medians. A step is
what pretraining does with a batch: encode, project, compare, and go back through all of it. Reading the batch and the
optimiser's update, which both kinds share, are left out.
"""

from __future__ import annotations

import sys
import time
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from contrastive.batches import PairBatch, facts_of
from contrastive.model import PretrainModel, build_objectives
from contrastive.plan import ClipFacts, PairPlan
from contrastive.settings import Pretrain
from contrastive.step import PairRules, encode, step_loss
from fusion.catalog import catalog
from fusion.contract import InputSpec
from fusion.data.batches import ClipTable, StreamBatch, WindowBatch
from fusion.training.processes import ALONE

BATCH, ROUNDS = 256, 7
PAIR = ("voice", "face")
OBJECTIVES: dict[str, dict[str, Any]] = {
    "margin": {"name": "margin"},
    "infonce": {"name": "infonce", "dim": 64},
    "supervised_contrastive": {"name": "supervised_contrastive", "dim": 64},
}
MIX = {"positive": 1, "other_emotion": 1, "same_emotion": 1}


def encoders() -> dict[str, nn.Module]:
    """A voice on 3 s of log-mel frames and a face on 20 crops of 60x100, both with 64 features."""
    found = catalog()
    voice = InputSpec({"frames": (None, 64), "mask": (None,)}, rate=Fraction(125, 2))
    face = InputSpec({"frames": (None, 3, 100, 60), "mask": (None,)}, rate=Fraction(20, 3))
    settings = {"name": "cnn_rnn", "width": 8, "hidden": 32}
    return {
        "voice": found.build("encoder", settings, voice, modality="audio"),
        "face": found.build("encoder", "cnn3d", face, modality="video"),
    }


def main(output: Path | None) -> None:
    """Measure, print, and write where asked."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    inputs = {
        "voice": {"frames": torch.randn(BATCH, 188, 64), "mask": torch.ones(BATCH, 188, dtype=torch.bool)},
        "face": {"frames": torch.randn(BATCH, 20, 3, 100, 60), "mask": torch.ones(BATCH, 20, dtype=torch.bool)},
    }
    places = torch.arange(BATCH)
    streams: dict[str, StreamBatch | None] = {name: StreamBatch(places, tensors) for name, tensors in inputs.items()}
    windows = WindowBatch((), torch.ones(BATCH, 2, dtype=torch.bool), streams, torch.zeros(0), {})
    facts = ClipFacts(torch.randint(0, 6, (BATCH,)).numpy(), places.numpy(), torch.full((BATCH,), 3000).numpy())
    table: ClipTable = object.__new__(ClipTable)
    models, batches = {}, {}
    for name, objective in OBJECTIVES.items():
        own = encoders()
        built = build_objectives(Pretrain(objective=objective), own, (PAIR,), catalog(), 0)
        models[name] = PretrainModel(own, built, (PAIR,))
        planned = PairPlan(0, facts, None, BATCH, MIX, {}, 1, 1000, objective["name"] == "margin").planned(0, 0)
        batches[name] = PairBatch(windows, places, slice(0, BATCH), facts_of(planned, facts), planned.pairs)
    rules = PairRules(None, frozenset(), {}, frozenset())

    def alone(model: PretrainModel) -> Tensor:
        return torch.stack([model.embeddings(name, inputs[name]).square().mean() for name in PAIR]).sum()

    def contrastive(model: PretrainModel, batch: PairBatch) -> Tensor:
        encoded = encode(model, batch, table, ALONE, torch.autocast("cpu", enabled=False))
        loss = step_loss(model, encoded, batch, rules, ALONE).loss
        assert loss is not None
        return loss

    times: dict[str, list[float]] = {name: [] for name in ("encoders", *OBJECTIVES)}
    for turn in range(ROUNDS + 1):
        for name, taken in times.items():
            model = models["margin" if name == "encoders" else name]
            begun = time.perf_counter()
            loss = alone(model) if name == "encoders" else contrastive(model, batches[name])
            torch.autograd.backward(loss)
            if turn:  # the first turn warms up
                taken.append(time.perf_counter() - begun)
            model.zero_grad(set_to_none=True)
    lines = [
        "# A contrastive step against the encoders alone, batch 256",
        "",
        "- command: `python benchmarks/contrastive_step.py benchmarks/contrastive_step.md`; one thread, voice and face "
        f"of the demo; medians of {ROUNDS} turns, in turn",
        "- limit: 1.1",
        "",
        "| objective | step / forward and backward of the encoders alone |",
        "| --- | --- |",
    ]
    lines += [f"| {name} | {median(times[name]) / median(times['encoders']):.3f} |" for name in OBJECTIVES]
    text = "\n".join([*lines, ""])
    print(text)
    if output is not None:
        output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
