"""The processes of one job, and what they do together: the only place that touches torch.distributed."""

from __future__ import annotations

import datetime as dt
import os
import re
import signal
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from fusion.contract import ConfigError, FusionError, Problem, RunError
from fusion.training.launched import LAUNCHER, LOST

T = TypeVar("T")

#: How long a process waits for the others: the first one prepares, validates and fits heads meanwhile. A process that
#: dies is noticed at once, whatever this is.
PATIENCE = dt.timedelta(days=1)


class ProcessLostError(RunError):
    """Another process of this job has ended in the middle of it."""

    exit_code = LOST


@dataclass(frozen=True)
class World:
    """This process among those of its job.

    Everything that is done together (``sum_``, ``gathered``, ``shared``, ``wait``) is done by every process, in the
    same order. In a world of one each of them is the identity.

    Args:
        rank: From 0.
        count: How many there are.
    """

    rank: int
    count: int

    @property
    def first(self) -> bool:
        """Whether this process writes and speaks for all."""
        return self.rank == 0

    def slice_of(self, count: int, key: str = "batch") -> slice:
        """This process's part of a global batch.

        Args:
            count: Rows of the batch.
            key: The setting that says so.

        Raises:
            ConfigError: The batch cannot be dealt out evenly.
        """
        if count % self.count:
            problem = Problem(
                key,
                f"{count} windows cannot be dealt out evenly to {self.count} processes; "
                f"take a multiple of {self.count}",
            )
            raise ConfigError("config", [problem])
        size = count // self.count
        return slice(self.rank * size, (self.rank + 1) * size)

    def sum_(self, tensors: Sequence[Tensor]) -> None:
        """Add up each tensor over all processes, in place: one flat collective for each type of number and device.

        Raises:
            ProcessLostError: Another process has ended.
        """
        if self.count == 1:
            return
        from torch import distributed

        alike: dict[tuple[torch.dtype, torch.device], list[Tensor]] = defaultdict(list)
        for tensor in tensors:
            alike[tensor.dtype, tensor.device].append(tensor.detach())
        for group in alike.values():
            flat = torch.cat([tensor.reshape(-1) for tensor in group])
            with _noticing_loss():
                distributed.all_reduce(flat)
            for tensor, summed in zip(group, torch.split(flat, [tensor.numel() for tensor in group]), strict=True):
                tensor.copy_(summed.view_as(tensor))

    def gathered(self, rows: Tensor, *, replicated: bool) -> Tensor:
        """All processes' rows ``[N, ...]`` as ``[count * N, ...]``, in the order of processes; equal shapes everywhere.

        A process whose rows need no gradient (a stream that all its rows lack) takes part in the backward pass too.

        Args:
            rows: This process's.
            replicated: True: every process computes the whole loss from the result, and each takes its own rows'
                gradient. False: every process computes a part of the loss, so gradients are added up over processes;
                the backward pass is then a collective too, and all must reach it, in the same order.

        Raises:
            ProcessLostError: Another process has ended; also from the backward pass.
        """
        if self.count == 1:
            return rows
        if rows.is_floating_point() and torch.is_grad_enabled() and not rows.requires_grad:
            rows = rows.detach().requires_grad_()
        gathered: Tensor = _Gather.apply(rows, self, replicated)  # type: ignore[no-untyped-call]
        return gathered

    def shared(self, value: T) -> T:
        """What the first process has, on every process; anything that can be pickled.

        Raises:
            ProcessLostError: Another process has ended.
        """
        if self.count == 1:
            return value
        from torch import distributed

        box: list[Any] = [value]
        with _noticing_loss():
            distributed.broadcast_object_list(box, src=0, device=torch.device("cpu"))
        received: T = box[0]
        return received

    def wait(self) -> None:
        """Until all processes have come here.

        Raises:
            ProcessLostError: Another process has ended.
        """
        # A barrier of nccl would keep the GPUs of those who wait busy.
        self.sum_([torch.zeros(1)])


#: A job of one process.
ALONE = World(0, 1)
_joined: list[World] = []


def current() -> World:
    """The world that this process has joined, else ALONE."""
    return _joined[-1] if _joined else ALONE


@contextmanager
def joined() -> Iterator[World]:
    """Join the other processes of this job, where torchrun or our launcher started several; leave them at the end.

    Yields:
        The world; ALONE where there is one process. Within another ``joined`` it is that one's.

    Raises:
        FusionError: There are fewer GPUs than processes on this machine.
        ProcessLostError: The others cannot be reached.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1 or "RANK" not in os.environ or _joined:
        yield current()
        return
    from torch import distributed

    _follow_launcher()
    backend = _backend(count)
    with _noticing_loss():
        distributed.init_process_group(backend, timeout=PATIENCE)
    world = World(int(os.environ["RANK"]), count)
    _joined.append(world)
    try:
        yield world
        # Whoever left early would look like one that died.
        world.wait()
    finally:
        _joined.pop()
        distributed.destroy_process_group()


def _backend(count: int) -> str:
    """What carries tensors from process to process; where there are GPUs, each process takes its own."""
    if not torch.cuda.is_available():
        return "gloo"
    here, devices = int(os.environ.get("LOCAL_WORLD_SIZE", count)), torch.cuda.device_count()
    if here > devices:
        raise FusionError(
            f"{here} processes need as many GPUs, and there are {devices}",
            where="this machine",
            remedy=f"start at most {devices}, or hide the GPUs with CUDA_VISIBLE_DEVICES=",
        )
    torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", os.environ["RANK"])))
    return "cpu:gloo,cuda:nccl"


def _follow_launcher() -> None:
    """End with the launcher, however it ends: a job without it would hold the run, and nobody would see it."""
    if LAUNCHER not in os.environ:
        return
    descriptor = int(os.environ[LAUNCHER])

    def follow() -> None:
        os.read(descriptor, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=follow, daemon=True).start()


class _Gather(torch.autograd.Function):
    """All rows forwards; backwards this process's rows of the gradient, added up over processes where asked for."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, world: World, replicated: bool) -> Tensor:
        from torch import distributed

        ctx.world, ctx.replicated, ctx.rows = world, replicated, len(rows)
        parts = [torch.empty_like(rows, memory_format=torch.contiguous_format) for _ in range(world.count)]
        with _noticing_loss():
            distributed.all_gather(parts, rows.detach().contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = gradients
        if not ctx.replicated:
            gradient = gradient.clone(memory_format=torch.contiguous_format)
            ctx.world.sum_([gradient])
        start = ctx.world.rank * ctx.rows
        return gradient[start : start + ctx.rows], None, None


@contextmanager
def _noticing_loss() -> Iterator[None]:
    """Where something is done together and fails, another process has ended: one sentence, not its library's stack."""
    try:
        yield
    except RuntimeError as error:
        reason = re.sub(r"^\[[^\]]*\]\s*", "", (str(error).splitlines() or [""])[0]).rstrip(". ")
        raise ProcessLostError(
            f"another process of this job has ended ({reason})", remedy="give the same command again to go on"
        ) from error
