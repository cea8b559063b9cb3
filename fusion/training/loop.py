"""The training loop: one model, one stream of addressed batches, checkpoints that resume exactly."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from fusion.config.models import TrainingSettings
from fusion.contract import FusionError
from fusion.data.randomness import torch_seed
from fusion.training.files import read_state, write_atomic, write_state


@dataclass(frozen=True, slots=True)
class Score:
    """A validation result: the main score (higher is better) and the loss (lower is better)."""

    score: float
    loss: float

    def better_than(self, other: Score | None, monitor: str) -> bool:
        """Whether this is an improvement; ties of the score are broken by the loss."""
        if other is None:
            return True
        if monitor == "loss":
            return self.loss < other.loss
        return (self.score, -self.loss) > (other.score, -other.loss)


class Task(Protocol):
    """What the loop trains."""

    @property
    def model(self) -> nn.Module: ...

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        ...

    def groups(self) -> Sequence[dict[str, Any]]:
        """Parameter groups with their learning rates (``lr``)."""
        ...

    def batches(self, first: tuple[int, int], epochs: int) -> Iterator[tuple[int, int, Any]]:
        """(epoch, step, batch) from ``first`` on."""
        ...

    def loss(self, batch: Any, epoch: int, step: int) -> Tensor | None:
        """The loss of a batch; None where it holds nothing to learn from."""
        ...

    def validate(self) -> Score:
        """Score the model as it is."""
        ...


@dataclass
class Progress:
    """How far a fit has come; saved with every checkpoint."""

    epoch: int = 0
    step: int = 0
    loss: float = 0.0
    seen: int = 0
    best: Score | None = None
    best_epoch: int = -1
    history: list[dict[str, float]] = field(default_factory=list)
    finished: bool = False


Report = Callable[[Progress], None]


def fit(
    task: Task,
    settings: TrainingSettings,
    folder: Path,
    *,
    seed: int,
    device: torch.device,
    checkpoint_every: int | None = None,
    report: Report | None = None,
    validated: bool = True,
    stop: int | None = None,
) -> Progress:
    """Train for the settings' epochs, or until validation no longer improves; leaves the best weights in the model.

    The same call goes on where a killed one stopped, and ends with the same weights: batches and augmentations are
    addressed by (seed, epoch, step), and torch's generators are seeded anew before every step.

    Args:
        task: What to train.
        settings: Epochs, rates and so on.
        folder: For ``checkpoint.safetensors``, ``best.safetensors``, ``log.csv`` and TensorBoard's files.
        seed: Of the run.
        device: Where the model is.
        checkpoint_every: Steps between checkpoints inside an epoch; None for the ends of epochs only.
        report: Called after every step.
        validated: Whether validation chooses the epoch; otherwise the last one is kept.
        stop: End after so many epochs, on the schedule of all of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = task.model.to(device)
    optimizer = torch.optim.AdamW(task.groups(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    rates = [group["lr"] for group in optimizer.param_groups]
    average = _Average(model, settings.average) if settings.average else None
    progress = _resume(folder, model, optimizer, average)
    last = settings.epochs if stop is None else min(stop, settings.epochs)
    if not progress.finished:
        log = _Log(folder, progress)
        began = time.monotonic()
        for epoch, step, batch in task.batches((progress.epoch, progress.step), last):
            model.train()
            _set_rates(optimizer, rates, settings, epoch * task.steps + step, task.steps)
            torch.manual_seed(torch_seed(seed, "forward", epoch, step, 0))
            loss = task.loss(batch, epoch, step)
            if loss is not None:
                _descend(model, optimizer, loss, settings, f"epoch {epoch}, step {step}")
                if average is not None:
                    average.update(model)
                progress.loss += float(loss.detach())
                progress.seen += 1
            progress.epoch, progress.step = epoch, step + 1
            if report is not None:
                report(progress)
            if progress.step == task.steps:
                _end_epoch(task, model, average, settings, progress, folder, last, validated=validated)
                log.add(progress, time.monotonic() - began)
                began = time.monotonic()
                _save(folder, model, optimizer, average, progress)
                if progress.finished:
                    break
            elif checkpoint_every and progress.step % checkpoint_every == 0:
                _save(folder, model, optimizer, average, progress)
        log.close()
    model.load_state_dict(read_state(folder / "best.safetensors"))
    model.eval()
    return progress


def _descend(
    model: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor, settings: TrainingSettings, where: str
) -> None:
    if not torch.isfinite(loss):
        raise FusionError("the loss is not a number", where=where,
                          remedy="lower the learning rate or look for extreme values with `fusion data inspect`")
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    if settings.clip_gradient is not None:
        nn.utils.clip_grad_norm_(model.parameters(), settings.clip_gradient)
    optimizer.step()


def _end_epoch(
    task: Task,
    model: nn.Module,
    average: _Average | None,
    settings: TrainingSettings,
    progress: Progress,
    folder: Path,
    last: int,
    *,
    validated: bool,
) -> None:
    weights = average.applied(model) if average is not None else None
    model.eval()
    score = task.validate() if validated else Score(math.nan, math.nan)
    progress.history.append({
        "epoch": progress.epoch,
        "loss": progress.loss / max(progress.seen, 1),
        "validation_score": score.score,
        "validation_loss": score.loss,
    })
    if not validated or score.better_than(progress.best, settings.monitor):
        progress.best, progress.best_epoch = score, progress.epoch
        write_state(folder / "best.safetensors", model.state_dict())
    if weights is not None:
        model.load_state_dict(weights)
    patience = settings.patience
    late = validated and patience is not None and progress.epoch - progress.best_epoch >= patience
    progress.finished = late or progress.epoch + 1 >= last
    progress.epoch, progress.step, progress.loss, progress.seen = progress.epoch + 1, 0, 0.0, 0


def _set_rates(
    optimizer: torch.optim.Optimizer, rates: Sequence[float], settings: TrainingSettings, step: int, per_epoch: int
) -> None:
    warmup, total = settings.warmup * per_epoch, settings.epochs * per_epoch
    factor = min(1.0, (step + 1) / warmup) if warmup else 1.0
    if settings.schedule == "cosine" and step >= warmup:
        factor = 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(total - warmup, 1)))
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate * factor


class _Average:
    """Moving average of weights, warmed up so that early steps count (decay at most (1 + n) / (10 + n))."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._decay = decay
        self.count = 0
        self.shadow = {key: value.detach().clone() for key, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        self.count += 1
        decay = min(self._decay, (1 + self.count) / (10 + self.count))
        for key, value in model.state_dict().items():
            if value.is_floating_point():
                self.shadow[key].lerp_(value, 1 - decay)
            else:
                self.shadow[key].copy_(value)

    def applied(self, model: nn.Module) -> dict[str, Tensor]:
        """Put the average into the model; answers the weights it had."""
        before = {key: value.detach().clone() for key, value in model.state_dict().items()}
        model.load_state_dict(self.shadow)
        return before


def _save(
    folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, average: _Average | None, progress: Progress
) -> None:
    best = progress.best
    state: dict[str, Any] = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "progress": {
            "epoch": progress.epoch, "step": progress.step, "loss": progress.loss, "seen": progress.seen,
            "best": None if best is None else [best.score, best.loss], "best_epoch": progress.best_epoch,
            "history": progress.history, "finished": progress.finished,
        },
    }
    if average is not None:
        state["average"] = {"count": average.count, "shadow": average.shadow}
    write_state(folder / "checkpoint.safetensors", state)


def _resume(
    folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, average: _Average | None
) -> Progress:
    path = folder / "checkpoint.safetensors"
    if not path.exists():
        return Progress()
    state = read_state(path)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    if average is not None:
        average.count = state["average"]["count"]
        for key, value in state["average"]["shadow"].items():
            average.shadow[key].copy_(value)
    saved: Mapping[str, Any] = state["progress"]
    return Progress(**{**saved, "best": None if saved["best"] is None else Score(*saved["best"])})


class _Log:
    """``log.csv``, one row an epoch, and the same for TensorBoard."""

    def __init__(self, folder: Path, progress: Progress) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        self._path = folder / "log.csv"
        self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=progress.epoch)  # type: ignore[no-untyped-call]

    def add(self, progress: Progress, seconds: float) -> None:
        progress.history[-1]["seconds"] = round(seconds, 3)
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(progress.history[0]))
        writer.writeheader()
        writer.writerows(progress.history)
        write_atomic(self._path, text.getvalue().encode())
        last = progress.history[-1]
        for key, value in last.items():
            if key != "epoch":
                self._writer.add_scalar(key, value, int(last["epoch"]))  # type: ignore[no-untyped-call]

    def close(self) -> None:
        self._writer.close()  # type: ignore[no-untyped-call]
