"""One step of pretraining in float64 on invented inputs, in this process or as one of several.

    python -m tests.contrastive.steps OBJECTIVE OUTPUT      (started once for each process, as torchrun does)

The first process writes loss and gradients to OUTPUT.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from contrastive.batches import PairBatch, facts_of
from contrastive.model import PretrainModel, build_objectives
from contrastive.pairs import PairKind
from contrastive.plan import ClipFacts, PairPlan
from contrastive.segments import Segments
from contrastive.settings import Pretrain
from contrastive.step import PairRules, encode, step_loss
from fusion.catalog import catalog
from fusion.contract import Batch, OutputSpec, StreamOutput
from fusion.data.batches import ClipTable, StreamBatch, WindowBatch
from fusion.training.processes import World, current, joined

STREAMS = ("voice", "face", "words")
SIZES = (5, 7, 4)
BATCH = 16
OBJECTIVES: dict[str, dict[str, Any]] = {
    "margin": {"name": "margin", "margin": 3.0},
    "infonce": {"name": "infonce", "dim": 6},
    "supervised_contrastive": {"name": "supervised_contrastive", "dim": 6, "hidden": 5},
    "segments": {"name": "infonce", "dim": 3, "hidden": 4},
}


class Perceptron(nn.Module):
    """An encoder without dropout and batch norm; of some rows the end of the sequence is not there."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(size, 9), nn.Tanh(), nn.Linear(9, 8))
        self.spec = OutputSpec(dim=8, sequence=2)

    def forward(self, batch: Batch) -> StreamOutput:
        embedding = self.layers(batch["values"])
        times = torch.tensor([0.0, 0.6, 0.9, 1.5]).expand(len(embedding), 4)
        mask = torch.stack([torch.ones(len(embedding), dtype=torch.bool)] * 3 + [batch["values"][:, 0] > 0], dim=1)
        return StreamOutput(embedding, embedding.reshape(-1, 4, 2), mask, times)


def planned() -> PairPlan:
    random = np.random.default_rng(0)
    facts = ClipFacts(random.integers(-1, 3, 40), np.arange(40) // 2 * 2, random.integers(4000, 6000, 40))
    mix = {"positive": 1, "other_emotion": 1, "same_emotion": 2, "same_clip_shifted": 1}
    return PairPlan(0, facts, 1900, BATCH, mix, {}, 1, 1000, True)


def build(objective: str) -> PretrainModel:
    segments = Segments(3, 1.8) if objective == "segments" else None
    settings = Pretrain(objective=OBJECTIVES[objective], segments=None if segments is None else segments.count)
    torch.manual_seed(0)
    encoders = {name: Perceptron(size) for name, size in zip(STREAMS, SIZES, strict=True)}
    pairs = (("voice", "face"), ("voice", "words"), ("face", "words"))
    return PretrainModel(encoders, build_objectives(settings, encoders, pairs, catalog(), 0), pairs, segments).double()


def batch_of(world: World, plan: PairPlan, *, drawn: bool) -> PairBatch:
    """This process's slice; of "face" the first half of the batch has nothing at all."""
    step = plan.planned(0, 0)
    rows = world.slice_of(BATCH)
    own = [place for place in range(*rows.indices(BATCH)) if step.valid[place]]
    streams: dict[str, StreamBatch | None] = {}
    for name, size in zip(STREAMS, SIZES, strict=True):
        values = torch.randn(BATCH, size, dtype=torch.float64, generator=torch.Generator().manual_seed(size))
        kept = [k for k, place in enumerate(own) if not (name == "face" and place < BATCH // 2)]
        tensors = {"values": values[[own[k] for k in kept]]}
        streams[name] = StreamBatch(torch.tensor(kept), tensors) if kept else None
    windows = WindowBatch((), torch.zeros(len(own), 3, dtype=torch.bool), streams, torch.zeros(0), {})
    places = torch.tensor([place - rows.start for place in own], dtype=torch.long)
    return PairBatch(windows, places, rows, facts_of(step, plan.facts), step.pairs if drawn else None)


def loss_and_gradients(objective: str, world: World) -> dict[str, Tensor]:
    """What one step comes to, summed over processes as the training loop does."""
    model = build(objective)
    drawn = objective == "margin"
    batch = batch_of(world, planned(), drawn=drawn)
    mining = {} if drawn else {PairKind.OTHER_EMOTION: 3}
    rules = PairRules(1000, frozenset(), mining, frozenset({"words"}))
    table: ClipTable = object.__new__(ClipTable)
    encoded = encode(model, batch, table, world, torch.autocast("cpu", enabled=False))
    result = step_loss(model, encoded, batch, rules, world)
    assert result.loss is not None
    result.loss.backward()
    gradients = {
        name: torch.zeros_like(value) if value.grad is None else value.grad for name, value in model.named_parameters()
    }
    total = result.loss.detach().clone()
    world.sum_([total, *gradients.values()])
    counts = torch.tensor([result.counts[kind] for kind in sorted(result.counts)])
    return {"loss": total, "counts": counts, **gradients}


def main(objective: str, output: Path) -> None:
    with joined():
        found = loss_and_gradients(objective, current())
        if current().first:
            save_file({name: value.contiguous() for name, value in found.items()}, output)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1], Path(sys.argv[2]))
