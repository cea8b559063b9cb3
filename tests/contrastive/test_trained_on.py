"""What a job really trains on: the pairs that reach the objective, as mining and the curriculum of its config ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from contrastive.infonce import InfoNCEObjective
from contrastive.margin import MarginObjective
from contrastive.pairs import PairKind, RowFacts
from contrastive.pretrain import pretrain
from contrastive.task import ContrastiveTask
from fusion.contract import ObjectiveOutput
from fusion.inference.files import read_state
from tests.training.worlds import World, write_world

OBJECTIVES = {"margin": MarginObjective, "infonce": InfoNCEObjective}
SETTINGS = ("streams.pictures.encoder.embedding=8", "pretrain.batch=6")
POSITIVE, OTHER, SAME = PairKind.POSITIVE, PairKind.OTHER_EMOTION, PairKind.SAME_EMOTION


@dataclass
class Step:
    """A step of a real job: where it stands, its windows, and for each direction what the objective compares."""

    epoch: int
    facts: RowFacts
    compared: list[tuple[Tensor, Tensor, Tensor]] = field(default_factory=list)

    def nearest(self, direction: int, row: int, kind: PairKind, count: int) -> set[int]:
        """The windows of one kind that lie nearest to a row's, one distance after another; no clip has a twin here."""
        rows, columns, _ = self.compared[direction]
        labels, clips, distances = self.facts.label.tolist(), self.facts.clip.tolist(), {}
        for column in range(len(labels)):
            same = labels[row] == labels[column] and kind != PairKind.OTHER_CLIP
            if clips[column] != clips[row] and same == (kind == SAME):
                distances[column] = float((rows[row] - columns[column]).norm())
        return set(sorted(distances, key=distances.__getitem__)[:count])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return write_world(tmp_path_factory.mktemp("trained_on"))


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    """Filled by the job that a test runs."""
    found: list[Step] = []
    learn = ContrastiveTask.loss

    def loss(self: ContrastiveTask, batch: Any, epoch: int, step: int) -> Tensor | None:
        found.append(Step(epoch, batch.facts))
        return learn(self, batch, epoch, step)

    def noting(compare: Callable[..., ObjectiveOutput]) -> Callable[..., ObjectiveOutput]:
        def forward(self: Any, rows: Tensor, columns: Tensor, kinds: Tensor) -> ObjectiveOutput:
            found[-1].compared.append((rows.detach(), columns.detach(), kinds.clone()))
            return compare(self, rows, columns, kinds)

        return forward

    monkeypatch.setattr(ContrastiveTask, "loss", loss)
    for objective in OBJECTIVES.values():
        monkeypatch.setattr(objective, "forward", noting(objective.forward))
    return found


def run(world: World, folder: Path, objective: str, *overrides: str) -> list[dict[str, float]]:
    """The job's log."""
    name = f"pretrain.objective={{name: {objective}}}"
    done = pretrain(world.load(*SETTINGS, name, *overrides), folder)
    rows: list[dict[str, float]] = read_state(done / "held_out" / "checkpoint.safetensors")["progress"]["history"]
    return rows


@pytest.mark.parametrize(
    ("objective", "mining"),
    [
        ("margin", {OTHER: 1}),
        ("margin", {SAME: 1, OTHER: 2}),
        ("infonce", {OTHER: 1}),
        ("infonce", {SAME: 1, OTHER: 2}),
    ],
)
def test_a_job_trains_on_the_nearest_negatives(
    world: World, tmp_path: Path, steps: list[Step], objective: str, mining: dict[PairKind, int]
) -> None:
    asked = ", ".join(f"{kind.name.lower()}: {count}" for kind, count in mining.items())
    mix = "pretrain.pairs={positive: 1, other_emotion: 1, same_emotion: 1}"
    run(world, tmp_path, objective, f"pretrain.mining={{{asked}}}", mix, "pretrain.epochs=3")
    assert len(steps) == 3
    for step in steps:
        assert len(step.compared) == {"margin": 1, "infonce": 2}[objective], "directions"
        for direction, (_, _, kinds) in enumerate(step.compared):
            for row, own in enumerate(kinds.tolist()):
                assert own[row] == POSITIVE
                for kind, count in mining.items():
                    chosen = {column for column, found in enumerate(own) if found == kind}
                    assert chosen == step.nearest(direction, row, kind, count)
            if SAME not in mining:
                assert int((kinds == SAME).sum()) > 0, "what is not mined stays as it was"


def test_of_clips_of_unknown_emotion_the_nearest_of_all_are_mined(
    world: World, tmp_path: Path, steps: list[Step]
) -> None:
    unlabelled = world.variant("unlabelled", target="none")
    run(unlabelled, tmp_path, "infonce", "pretrain.mining={other_emotion: 2}", "pretrain.epochs=1")
    (step,) = steps
    for direction, (_, _, kinds) in enumerate(step.compared):
        for row, own in enumerate(kinds.tolist()):
            chosen = {column for column, found in enumerate(own) if found == PairKind.OTHER_CLIP}
            assert chosen == step.nearest(direction, row, PairKind.OTHER_CLIP, 2)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_job_meets_easy_negatives_first(world: World, tmp_path: Path, steps: list[Step], objective: str) -> None:
    log = run(
        world,
        tmp_path,
        objective,
        "window.seconds=0.5",
        "pretrain.batch=12",
        "pretrain.epochs=5",
        "pretrain.pairs={positive: 1, other_emotion: 1, same_emotion: 1, same_clip_shifted: 1}",
        "pretrain.curriculum={same_emotion: 0.2, same_clip_shifted: 0.6}",
    )
    met: dict[int, set[PairKind]] = {}
    for step in steps:
        for _, _, kinds in step.compared:
            met.setdefault(step.epoch, set()).update(PairKind(kind) for kind in kinds.unique().tolist() if kind)
    easy = {POSITIVE, OTHER}
    middle = easy | {SAME}
    hard = middle | {PairKind.SAME_CLIP_SHIFTED}
    assert met == {0: easy, 1: middle, 2: middle, 3: hard, 4: hard}
    for epoch, row in enumerate(log):
        first = [step.compared[0][2] for step in steps if step.epoch == epoch]
        for kind in hard:
            assert row[f"pairs {kind.name.lower()}"] == sum(int((kinds == kind).sum()) for kinds in first)


def test_margin_compares_as_many_pairs_of_each_kind_as_the_mix_says(
    world: World, tmp_path: Path, steps: list[Step]
) -> None:
    run(
        world,
        tmp_path,
        "margin",
        "pretrain.pairs={positive: 2, other_emotion: 3, same_emotion: 1}",
        "pretrain.epochs=2",
    )
    for step in steps:
        ((_, _, kinds),) = step.compared
        assert torch.bincount(kinds.flatten().long(), minlength=5).tolist()[1:4] == [6, 9, 3]
