from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fusion.config.models import TrainingSettings
from fusion.contract import DataError
from fusion.inference.files import read_state
from fusion.training.loop import Progress, Score, fit

STEPS = 3


class Line:
    """Fits a line with dropout to addressed points; validation follows a script or the distance from the truth."""

    def __init__(self, scores: Sequence[float] | None = None) -> None:
        torch.manual_seed(3)
        self.model: nn.Module = nn.Sequential(nn.Dropout(0.3), nn.Linear(2, 1))
        self.steps = STEPS
        self.counts: Counter[str] = Counter()
        self._scores = scores
        self._validated = 0

    def groups(self) -> Sequence[dict[str, Any]]:
        return [{"params": [p for p in self.model.parameters() if p.requires_grad], "lr": 0.1}]

    def batches(self, first: tuple[int, int], epochs: int) -> Iterator[tuple[int, int, Tensor]]:
        for epoch in range(first[0], epochs):
            for step in range(first[1] if epoch == first[0] else 0, self.steps):
                yield epoch, step, torch.sin(torch.arange(8.0).reshape(4, 2) + 10 * epoch + step)

    def loss(self, batch: Tensor, epoch: int, step: int) -> Tensor | None:
        self.counts.update({"steps": 1, "numbers": epoch + step})
        if (epoch, step) == (0, 1):
            return None
        found: Tensor = self.model(batch)
        return ((found[:, 0] - batch.sum(dim=1)) ** 2).mean()

    def validate(self) -> Score:
        self._validated += 1
        if self._scores is not None:
            return Score(self._scores[self._validated - 1], 1.0)
        line = self.model[1]  # type: ignore[index]
        loss = float((line.weight.detach() - 1).abs().sum())
        return Score(-loss, loss)


def run(task: Line, folder: Path, **changes: Any) -> Progress:
    options = {key: changes.pop(key) for key in ("stop", "validated", "report", "checkpoint_every") if key in changes}
    settings = TrainingSettings(**{"epochs": 4, "warmup": 1, "average": 0.5, **changes})
    return fit(task, settings, folder, seed=1, device=torch.device("cpu"), counts=task.counts, **options)


class Stopped(Exception):
    pass


@pytest.mark.parametrize("after", range(1, 4 * STEPS))
def test_stopped_anywhere_it_ends_with_the_same_weights(tmp_path: Path, after: int) -> None:
    plain = Line()
    expected = run(plain, tmp_path / "plain", checkpoint_every=2)
    steps = 0

    def report(_: Progress) -> None:
        nonlocal steps
        steps += 1
        if steps == after:
            raise Stopped

    with pytest.raises(Stopped):
        run(Line(), tmp_path / "stopped", checkpoint_every=2, report=report)
    torch.manual_seed(after)  # whatever state torch is in
    again = Line()
    progress = run(again, tmp_path / "stopped", checkpoint_every=2)
    for key, value in plain.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[key])
    assert progress.best == expected.best
    assert [without_time(row) for row in progress.history] == [without_time(row) for row in expected.history]


def without_time(row: dict[str, float]) -> dict[str, float]:
    return {key: value for key, value in row.items() if key != "seconds"}


def test_what_a_task_counts_is_logged_for_each_epoch(tmp_path: Path) -> None:
    task = Line()
    history = run(task, tmp_path).history
    assert [row["steps"] for row in history] == [STEPS] * 4
    assert [row["numbers"] for row in history] == [3, 6, 9, 12]
    assert not task.counts


def test_the_best_epoch_is_kept_and_patience_ends(tmp_path: Path) -> None:
    task = Line([0.2, 0.6, 0.5, 0.6, 0.1])
    progress = run(task, tmp_path, epochs=9, patience=2)
    assert (progress.best_epoch, len(progress.history), progress.finished) == (1, 4, True)
    best = read_state(tmp_path / "best.safetensors")
    assert all(torch.equal(best[key], value) for key, value in task.model.state_dict().items())
    # a finished fit is not repeated
    assert run(Line([]), tmp_path, epochs=9, patience=2) == progress


def test_without_validation_the_last_epoch_is_kept(tmp_path: Path) -> None:
    progress = run(Line(), tmp_path, validated=False, stop=2)
    assert (progress.best_epoch, len(progress.history)) == (1, 2)
    assert math.isnan(progress.history[0]["validation_score"])


def test_the_average_of_weights_is_what_is_validated_and_kept(tmp_path: Path) -> None:
    task = Line()
    run(task, tmp_path, epochs=1, validated=False)
    state = read_state(tmp_path / "checkpoint.safetensors")
    assert not torch.equal(state["model"]["1.weight"], state["average"]["shadow"]["1.weight"])
    assert torch.equal(task.model.state_dict()["1.weight"], state["average"]["shadow"]["1.weight"])
    assert state["average"]["count"] == STEPS - 1  # one step had nothing to learn from


def test_learning_rates_rise_and_fall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []
    original: Any = torch.optim.AdamW.step

    def step(self: torch.optim.AdamW, *args: Any, **kwargs: Any) -> Any:
        seen.append(self.param_groups[0]["lr"])
        return original(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    run(Line(), tmp_path, epochs=4, warmup=1)
    by_hand = [0.1 / 3, 0.1, *(0.1 * 0.5 * (1 + math.cos(math.pi * k / 9)) for k in range(9))]
    assert seen == pytest.approx(by_hand)


@pytest.mark.parametrize(("monitor", "expected"), [("score", [True, False, True]), ("loss", [False, True, True])])
def test_better(monitor: str, expected: list[bool]) -> None:
    old = Score(0.5, 0.5)
    others = [Score(0.6, 0.9), Score(0.4, 0.1), Score(0.5, 0.4)]
    assert [other.better_than(old, monitor) for other in others] == expected
    assert not old.better_than(old, monitor)
    assert old.better_than(None, monitor)


def test_nothing_to_train_is_said(tmp_path: Path) -> None:
    task = Line()
    task.model.requires_grad_(False)
    with pytest.raises(DataError, match="every part that could learn is frozen"):
        run(task, tmp_path)
    task = Line()
    task.steps = 0
    with pytest.raises(DataError, match="nothing to train on"):
        run(task, tmp_path)
