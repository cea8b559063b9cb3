"""The training loop: one model, one stream of addressed batches, checkpoints that resume exactly.

In several processes each computes on its slice of a batch, and gradients are added up, so that all take the same step.
"""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from fusion.config.models import TrainingSettings
from fusion.contract import DataError, FusionError
from fusion.data.randomness import torch_seed
from fusion.inference.files import read_state, write_atomic, write_state
from fusion.training.processes import World, current

#: Every epoch of a stage, one row each.
LOG = "log.csv"


@dataclass(frozen=True, slots=True)
class Score:
    """A validation result: the main score (higher is better), the loss (lower is better), and figures to log."""

    score: float
    loss: float
    figures: Mapping[str, float] = field(default_factory=dict)

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
        """(epoch, step, batch) from ``first`` on; of each batch this process's slice."""
        ...

    def loss(self, batch: Any, epoch: int, step: int) -> Tensor | None:
        """The loss of the whole batch; None, on every process, where it holds nothing to learn from.

        Its gradients, added up over the processes, are those of the whole batch.
        """
        ...

    def validate(self) -> Score:
        """Score the model as it is; called on the first process only."""
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
    counts: MutableMapping[str, int] | None = None,
    world: World | None = None,
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
        counts: What the task counts while it learns, by name: logged with each epoch, then emptied; saved with
            checkpoints.
        world: The processes that take part, each with this same call; those that this one has joined unless given.

    Raises:
        DataError: There is nothing to train on, or nothing that could learn.
        FusionError: The loss is not a number, or the model normalises by batch in several processes.
        ProcessLostError: Another process has ended.
    """
    world = world or current()
    run = _Run(task, settings, folder, device, world=world, counts={} if counts is None else counts)
    last = settings.epochs if stop is None else min(stop, settings.epochs)
    progress = run.progress
    if not progress.finished:
        with run.log(), _refused_batch_norm(run.model, world, folder.name):
            for epoch, step, batch in task.batches((progress.epoch, progress.step), last):
                torch.manual_seed(torch_seed(seed, "forward", epoch, step, world.rank))
                run.step(batch, epoch, step)
                if report is not None:
                    report(progress)
                if progress.step == run.steps:
                    ended = run.end_epoch(last, validated=validated)
                    if report is not None:
                        report(progress)
                    if ended:
                        break
                elif checkpoint_every and progress.step % checkpoint_every == 0:
                    run.save()
    world.wait()
    run.model.load_state_dict(read_state(folder / "best.safetensors"))
    run.model.eval()
    return progress


class _Run:
    """A fit under way: the optimiser, the averaged weights and the progress, as of the last checkpoint at first."""

    def __init__(
        self,
        task: Task,
        settings: TrainingSettings,
        folder: Path,
        device: torch.device,
        *,
        world: World,
        counts: MutableMapping[str, int],
    ) -> None:
        self.task, self.settings, self.folder, self.world, self.counts = task, settings, folder, world, counts
        self.steps = task.steps
        self.model = task.model.to(device)
        groups = task.groups()
        if not self.steps or not any(group["params"] for group in groups):
            raise DataError(
                "there is nothing to train on" if not self.steps else "every part that could learn is frozen",
                where=str(folder),
                remedy="see what the clips lack with `fusion data inspect`" if not self.steps else "set epochs: 0",
            )
        folder.mkdir(parents=True, exist_ok=True)
        self.optimizer = torch.optim.AdamW(groups, lr=settings.learning_rate, weight_decay=settings.weight_decay)
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        self.average = _Average(self.model, settings.average) if settings.average else None
        self.progress = self._resumed()
        self._log: _Log | None = None

    @contextmanager
    def log(self) -> Iterator[None]:
        """Keep a log of epochs."""
        if not self.world.first:
            yield
            return
        self._log = _Log(self.folder, self.progress)
        try:
            yield
        finally:
            self._log.close()

    def step(self, batch: Any, epoch: int, step: int) -> None:
        """Learn from one batch."""
        self.model.train()
        _set_rates(self.optimizer, self.rates, self.settings, epoch * self.steps + step, self.steps)
        loss = self.task.loss(batch, epoch, step)
        if loss is not None:
            self._descend(loss, f"{self.folder.name}, epoch {epoch}, step {step}")
            self.progress.loss += float(loss.detach())
            self.progress.seen += 1
        self.progress.epoch, self.progress.step = epoch, step + 1

    def _descend(self, loss: Tensor, where: str) -> None:
        if not bool(torch.isfinite(loss)):
            begun = self.progress.epoch > 0 or self.progress.step > 0
            raise FusionError(
                "the loss is not a number" if begun else "the loss is not a number before a single step is taken",
                where=where,
                remedy="lower the learning rate, or look for extreme values in what the stream reads"
                if begun
                else "look at what the stream reads, and check its encoder with `fusion plugins check`",
            )
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self._add_up_gradients()
        if self.settings.clip_gradient is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip_gradient)
        self.optimizer.step()
        if self.average is not None:
            self.average.update(self.model)

    def _add_up_gradients(self) -> None:
        """Sum gradients over the processes; a parameter that has none on any is left without.

        A process whose rows lack a stream has none for its encoder where others have: it takes part with zeros.
        """
        if self.world.count == 1:
            return
        free = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        found = torch.tensor([float(parameter.grad is not None) for parameter in free], device=free[0].device)
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in free]
        self.world.sum_([*gradients, found])
        for parameter, gradient, processes in zip(free, gradients, found.tolist(), strict=True):
            parameter.grad = gradient if processes else None

    def end_epoch(self, last: int, *, validated: bool) -> bool:
        """Validate, keep the weights if they are the best, log, and write a checkpoint; whether that was the last."""
        progress, settings, average = self.progress, self.settings, self.average
        weights = average.applied(self.model) if average is not None else None
        self.model.eval()
        score = Score(math.nan, math.nan)
        if validated:
            score = self.world.shared(self.task.validate() if self.world.first else score)
        progress.history.append(
            {
                "epoch": progress.epoch,
                "loss": progress.loss / max(progress.seen, 1),
                "validation_score": score.score,
                "validation_loss": score.loss,
                **score.figures,
                **self.counts,
            }
        )
        self.counts.clear()
        if not validated or score.better_than(progress.best, settings.monitor):
            progress.best, progress.best_epoch = score, progress.epoch
            if self.world.first:
                write_state(self.folder / "best.safetensors", self.model.state_dict())
        if weights is not None:
            self.model.load_state_dict(weights)
        late = settings.patience is not None and progress.epoch - progress.best_epoch >= settings.patience
        progress.finished = (validated and late) or progress.epoch + 1 >= last
        progress.epoch, progress.step, progress.loss, progress.seen = progress.epoch + 1, 0, 0.0, 0
        if self._log is not None:
            self._log.add(progress)
        self.save()
        return progress.finished

    def save(self) -> None:
        """Write a checkpoint: everything that the rest of the fit depends on."""
        if not self.world.first:
            return
        progress = self.progress
        best = None if progress.best is None else [progress.best.score, progress.best.loss]
        state: dict[str, Any] = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "progress": {**{f.name: getattr(progress, f.name) for f in fields(progress)}, "best": best},
            "counts": dict(self.counts),
        }
        if self.average is not None:
            state["average"] = {"count": self.average.count, "shadow": self.average.shadow}
        write_state(self.folder / "checkpoint.safetensors", state)

    def _resumed(self) -> Progress:
        path = self.folder / "checkpoint.safetensors"
        # Not each for itself: who looks late would find what another has written since.
        if not self.world.shared(path.exists()):
            return Progress()
        state = read_state(path)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average is not None:
            self.average.count = state["average"]["count"]
            for key, value in state["average"]["shadow"].items():
                self.average.shadow[key].copy_(value)
        self.counts.clear()
        self.counts.update(state["counts"])
        saved: Mapping[str, Any] = state["progress"]
        return Progress(**{**saved, "best": None if saved["best"] is None else Score(*saved["best"])})


@contextmanager
def _refused_batch_norm(model: nn.Module, world: World, where: str) -> Iterator[None]:
    """Refuse to train through batch normalisation in several processes: each would normalise by its own slice."""

    def refuse(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        together = isinstance(module, nn.SyncBatchNorm) and inputs[0].is_cuda
        if module.training and not together:
            raise FusionError(
                f"batch normalisation ({names[module]}) would depend on the number of processes",
                where=where,
                remedy="train in one process, freeze it, or normalise by group or layer",
            )

    names: dict[nn.Module, str] = {
        module: name for name, module in model.named_modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)
    }
    handles = [module.register_forward_pre_hook(refuse) for module in names] if world.count > 1 else []
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


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


class _Log:
    """``log.csv``, one row an epoch, and the same for TensorBoard."""

    def __init__(self, folder: Path, progress: Progress) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        self._path = folder / LOG
        self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=progress.epoch)
        self._began = time.monotonic()

    def add(self, progress: Progress) -> None:
        """Log the last epoch, with the seconds since the one before (or since the job went on)."""
        now = time.monotonic()
        progress.history[-1]["seconds"] = round(now - self._began, 3)
        self._began = now
        text = io.StringIO()
        # Figures may come and go: a kind of pair that no epoch before has met.
        writer = csv.DictWriter(text, fieldnames=list(dict.fromkeys(key for row in progress.history for key in row)))
        writer.writeheader()
        writer.writerows(progress.history)
        write_atomic(self._path, text.getvalue().encode())
        last = progress.history[-1]
        for key, value in last.items():
            if key != "epoch":
                self._writer.add_scalar(key, value, int(last["epoch"]))

    def close(self) -> None:
        self._writer.close()


def logged_seconds(folder: Path) -> float:
    """How long the epochs took that are logged in a folder; 0 where none was trained."""
    log = folder / LOG
    if not log.is_file():
        return 0.0
    with log.open(encoding="utf-8", newline="") as file:
        return sum(float(row["seconds"]) for row in csv.DictReader(file))
