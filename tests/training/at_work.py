"""What several processes do together, for tests: forked from one that has imported everything once.

Run as ``python -m tests.training.at_work OUT``; what each process has found lies in ``OUT/NAME-COUNT-RANK.pkl``, and a
world of clips in ``OUT/world``.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fusion.catalog import catalog
from fusion.config.models import TrainingSettings
from fusion.contract import ConfigError, FusionError
from fusion.data.batches import StreamBatch, WindowBatch
from fusion.data.plan import TrainingPlan
from fusion.heads.model import FusionModel, StreamModel, stream_specs
from fusion.inference.described import build_stream
from fusion.training.described import describe_stream
from fusion.training.finetune import Materials, finetune, gather, make_setting
from fusion.training.heads import build_head
from fusion.training.launched import LAUNCHER
from fusion.training.loop import Score, fit
from fusion.training.processes import ALONE, ProcessLostError, World, current, joined
from fusion.training.report import Silent
from fusion.training.split_data import split_tables
from fusion.training.stages import check_batches
from fusion.training.tasks import JointTask, StreamTask
from tests.training.worlds import World as Clips
from tests.training.worlds import write_world

#: Of the whole run: more than one step an epoch, in blocks of mixup.
RUN = (
    "finetune.batch=8",
    "window.per_clip=2",
    "finetune.joint.batch=4",
    "finetune.epochs=5",
    "finetune.head.epochs=2",
    "finetune.joint.epochs=2",
)
PATIENCE = 100.0


def together(count: int, name: str, work: Callable[[World], Any], out: Path) -> None:
    """Let processes do something in one world, and keep what each of them answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    children = []
    for rank in range(count):
        child = os.fork()
        if child == 0:
            place = {"RANK": str(rank), "WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
            os.environ.update(place, GLOO_SOCKET_IFNAME="lo")
            try:
                with joined() as world:
                    answer = work(world)
                (out / f"{name}-{count}-{rank}.pkl").write_bytes(pickle.dumps(answer))
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        children.append(child)
    codes = [os.waitpid(child, 0)[1] for child in children]
    if any(codes):
        sys.exit(f"{name} in {count} processes ended with {codes}")


def sums(world: World) -> dict[str, Any]:
    """Every collective, and both kinds of gradients, on numbers that a test can follow."""
    tensors = [
        torch.full((2, 3), float(world.rank + 1)),
        torch.tensor([world.rank, 10]),
        torch.full((1,), 0.5, dtype=torch.float64),
        torch.arange(6.0).reshape(2, 3).T * (world.rank + 1),
    ]
    world.sum_(tensors)
    world.wait()
    answer: dict[str, Any] = {
        "sums": tensors,
        "rank": world.rank,
        "shared": world.shared({"from": world.rank}),
        "current": current() == world,
        "slice": world.slice_of(8),
        "flags": world.gathered(torch.tensor([world.first, True]), replicated=True),
    }
    try:
        world.slice_of(world.count + 1, "finetune.batch")
    except ConfigError as error:
        answer["uneven"] = str(error)
    everything = torch.arange(1.0, 2 * 3 * world.count + 1, dtype=torch.float64).reshape(-1, 3) / 10
    for case in ("replicated", "parts", "absent"):
        rows = everything[2 * world.rank : 2 * world.rank + 2].clone()
        # the last process has nothing that could learn, and takes part nevertheless
        if case != "absent" or world.rank < world.count - 1:
            rows.requires_grad_()
        whole = world.gathered(rows, replicated=case == "replicated")
        loss = meeting(whole, whole) if case == "replicated" else meeting(rows, whole)
        loss.backward()  # type: ignore[no-untyped-call]
        answer[case] = (whole.detach(), rows.grad)
    return answer


def meeting(rows: Tensor, columns: Tensor) -> Tensor:
    """A loss in which every row meets every column."""
    return torch.tanh(rows @ columns.T).pow(2).sum()


def lost(world: World) -> str:
    """The last process ends; what the others hear."""
    world.wait()
    if world.rank == world.count - 1:
        os._exit(0)
    try:
        world.wait()
    except ProcessLostError as error:
        Path(os.environ["LOST"]).write_text(str(error))
        os._exit(0)
    return "nothing"


class _Cast:
    """A task whose batches are of double precision; keeps its name for the loop."""

    def __init__(self, task: Any) -> None:
        self._task = task
        self.model: nn.Module = task.model.double()
        for module in self.model.modules():
            if isinstance(module, nn.Dropout | nn.Dropout2d | nn.Dropout3d):
                module.p = 0.0
            if isinstance(module, nn.RNNBase):
                module.dropout = 0.0
        self.rows: list[tuple[int, list[str]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._task, name)

    def batches(self, first: tuple[int, int], epochs: int) -> Iterator[tuple[int, int, Any]]:
        for epoch, step, batch in self._task.batches(first, epochs):
            self.rows.append((len(batch.windows), [name for name, part in batch.streams.items() if part is None]))
            yield epoch, step, _double(batch)


def _double(batch: WindowBatch) -> WindowBatch:
    streams = {
        name: part and StreamBatch(part.places, {k: v.double() if v.is_floating_point() else v
                                                 for k, v in part.tensors.items()})
        for name, part in batch.streams.items()
    }  # fmt: skip
    return WindowBatch(batch.windows, batch.present, streams, batch.targets, batch.absent)


def gradients(task: Any, training: TrainingSettings, world: World, folder: Path) -> dict[str, Any]:
    """Loss and gradients of every step of an epoch as the loop has them; weights stay as they are."""
    cast = _Cast(task)
    names = {id(parameter): name for name, parameter in cast.model.named_parameters()}
    steps: list[dict[str, Tensor]] = []
    losses: list[float] = []

    def note(optimizer: torch.optim.AdamW) -> None:
        own = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        steps.append({names[id(p)]: p.grad.clone() for p in own if p.grad is not None})

    single, original = Tensor.float, torch.optim.AdamW.step
    torch.optim.AdamW.step = note  # type: ignore[assignment,method-assign]
    Tensor.float = Tensor.double  # type: ignore[method-assign]  # encoders that compute in single precision on purpose
    try:
        fit(
            cast,
            training,
            folder,
            seed=0,
            device=torch.device("cpu"),
            report=lambda progress: losses.append(progress.loss),
            validated=False,
            world=world,
        )
    finally:
        torch.optim.AdamW.step = original  # type: ignore[method-assign]
        Tensor.float = single  # type: ignore[method-assign]
    return {"losses": losses, "gradients": steps, "rows": cast.rows}


def tasks(materials: Materials, world: World, out: Path) -> dict[str, Any]:
    """Streams alone, with mixup, and all of them together with a head."""
    (split,) = materials.splits.splits
    experiment = materials.loaded.experiment
    tables = split_tables(
        split, materials.clips, (), plans=materials.plans, store=materials.store, target=materials.target, apart=False
    )
    setting = make_setting(materials, tables.train.targets)
    models: dict[str, StreamModel] = {}
    answer: dict[str, Any] = {}
    for name, settings in experiment.streams.items():
        table = tables.train.subset([name])
        description = describe_stream(table, name, experiment.window)
        setting.fitted[name] = description.fitted
        models[name] = build_stream(
            settings, description.input, setting.target.names, materials.catalog, address=(0, "weights", name)
        )
        training = TrainingSettings(epochs=1, batch=16, mixup=0.4, smoothing=0.1, clip_gradient=None)
        plan = TrainingPlan(0, table.durations, experiment.window, training.batch)
        task = StreamTask(name, models[name], table, None, settings=training, setting=setting, plan=plan)
        folder = out / f"{name}-{world.count}"
        answer[name] = gradients(task, training, world, folder)
    training = TrainingSettings(epochs=1, batch=4, clip_gradient=None)
    head = build_head(experiment.fusion[1], stream_specs(models), len(setting.target.names), materials.catalog, 0)
    joint = JointTask(
        FusionModel(models, head),
        tables.train,
        None,
        settings=training,
        setting=setting,
        plan=TrainingPlan(0, tables.train.durations, experiment.window, training.batch),
        dropout=0.3,
    )
    answer["joint"] = gradients(joint, training, world, out / f"joint-{world.count}")
    return answer


class Normalised:
    """A task with a layer of batch normalisation."""

    steps = 1

    def __init__(self, layer: nn.Module) -> None:
        self.model: nn.Module = nn.Sequential(nn.Linear(2, 3), layer)

    def groups(self) -> Sequence[dict[str, Any]]:
        return [{"params": list(self.model.parameters()), "lr": 0.1}]

    def batches(self, first: tuple[int, int], epochs: int) -> Iterator[tuple[int, int, Tensor]]:
        for epoch in range(first[0], epochs):
            yield epoch, 0, torch.arange(8.0).reshape(4, 2)

    def loss(self, batch: Tensor, epoch: int, step: int) -> Tensor | None:
        found: Tensor = self.model(batch)
        return found.pow(2).mean()

    def validate(self) -> Score:
        raise NotImplementedError


class Still(nn.BatchNorm1d):
    """Keeps its statistics, as a pretrained backbone does."""

    def train(self, mode: bool = True) -> Still:
        return super().train(False)  # type: ignore[return-value]


def normalisation(world: World, out: Path) -> dict[str, str]:
    """What becomes of models with batch normalisation."""
    answer = {}
    for name, layer in {"batch": nn.BatchNorm1d(3), "sync": nn.SyncBatchNorm(3), "still": Still(3)}.items():
        task, settings = Normalised(layer), TrainingSettings(epochs=1)
        try:
            fit(task, settings, out / f"norm-{name}", seed=0, device=torch.device("cpu"), validated=False)
            answer[name] = "trained"
        except FusionError as error:
            answer[name] = str(error)
    return answer


def orphan(out: Path) -> None:
    """A process whose launcher has gone ends as well."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writer)
        os.environ[LAUNCHER] = str(reader)
        try:
            together(2, "orphan", lambda world: time.sleep(PATIENCE), out)
        finally:
            os._exit(0)
    os.close(reader)
    began = time.monotonic()
    time.sleep(1.0)
    os.close(writer)
    os.waitpid(child, 0)
    (out / "orphan.pkl").write_bytes(pickle.dumps(time.monotonic() - began))


def main(out: Path) -> None:
    signal.alarm(int(PATIENCE))
    world = write_world(out / "world")
    materials = gather(world.load("window.per_clip=3", streams=("sound", "pictures", "words")), catalog(), Silent())
    (out / "tasks-1-0.pkl").write_bytes(pickle.dumps(tasks(materials, ALONE, out)))
    os.environ["LOST"] = str(out / "lost.txt")

    def everything(joint: World) -> dict[str, Any]:
        answer = {"sums": sums(joint), "tasks": tasks(materials, joint, out)}
        if joint.count == 2:
            answer["normalisation"] = normalisation(joint, out)
            answer["problems"] = [problems(world, joint, batch) for batch in (3, 4, 8)]
        return answer

    for count in (2, 4):
        together(count, "everything", everything, out)
    together(2, "lost", lost, out)
    orphan(out)
    loaded = world.load(*RUN)
    together(2, "run", lambda joint: finetune(loaded, out / "run"), out)


def problems(world: Clips, joint: World, batch: int) -> str:
    loaded = world.load(f"finetune.batch={batch}", "finetune.joint.batch=4", "streams.sound.training.mixup=0")
    try:
        check_batches(loaded.experiment, joint, "tiny.yaml")
    except ConfigError as error:
        return str(error)
    return ""


if __name__ == "__main__":
    main(Path(sys.argv[1]))
