"""Preparing single clips, in this process or in a worker's.

Light at import: a worker limits its threads before NumPy and the rest are loaded.
"""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusion.contract import Clip, ComponentError, ContractDeprecationWarning, FusionError, RunError
from fusion.store.failures import Failure

if TYPE_CHECKING:
    from fusion.config.models import Experiment
    from fusion.data.streams import StreamPlan
    from fusion.store.store import Store

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Task:
    """One clip and the entries to make of it, by stream."""

    clip: Clip
    keys: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one clip.

    Args:
        clip: Its id.
        made: Streams that were stored.
        failures: Streams that could not be made.
    """

    clip: str
    made: tuple[str, ...]
    failures: tuple[Failure, ...]


class Stopped(Exception):  # noqa: N818 - a request, not an error
    """The job was asked to stop."""


def prepare_clip(
    task: Task,
    plans: Mapping[str, StreamPlan],
    store: Store,
    *,
    longest: Fraction | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Make the entries of one clip that are not there yet.

    Raises:
        RunError: The store cannot be written.
        Stopped: As asked; nothing unfinished is left behind.
    """
    streams_of: dict[str, list[str]] = {}
    for stream, key in task.keys.items():
        streams_of.setdefault(key, []).append(stream)
    todo = {streams[0]: key for key, streams in streams_of.items() if not store.has(key)}
    failed: dict[str, str] = {}
    try:
        failed = _make(
            task.clip, {stream: plans[stream] for stream in todo}, todo, store, longest=longest, stopped=stopped
        )
    except (RunError, Stopped):
        raise
    except FusionError as error:
        failed = dict.fromkeys(todo, str(error))
    except Exception as error:  # a decoder's or plugin's bug costs one clip, not the job
        failed = dict.fromkeys(todo, f"{type(error).__name__}: {error}")
    failures: list[Failure] = []
    for stream, key in task.keys.items():
        first = streams_of[key][0]
        if first in failed:
            failures.append(Failure(task.clip.id, stream, failed[first], key))
    made = tuple(stream for stream, key in task.keys.items() if streams_of[key][0] not in failed)
    return Outcome(task.clip.id, made, tuple(failures))


def _make(
    clip: Clip,
    plans: Mapping[str, StreamPlan],
    keys: Mapping[str, str],
    store: Store,
    *,
    longest: Fraction | None,
    stopped: Callable[[], bool],
) -> dict[str, str]:
    """Why streams failed, by name; all others are stored."""
    from contextlib import ExitStack

    from fusion.data.chain import ChainBlock, ChainEnd, run_chains

    failed: dict[str, str] = {}
    with ExitStack() as stack:
        writers = {stream: stack.enter_context(store.open_writer(key)) for stream, key in keys.items()}
        for event in run_chains(clip, list(plans.values()), longest=longest):
            if stopped():
                raise Stopped
            if isinstance(event, ChainBlock):
                if event.stream in failed:
                    continue
                try:
                    writers[event.stream].append(event.row)
                except ComponentError as error:
                    failed[event.stream] = str(error)
                    writers[event.stream].discard()
                continue
            if not isinstance(event, ChainEnd):
                continue
            failed |= {stream: str(error) for stream, error in event.failed.items()}
            absent = dict(event.absent)
            for stream, writer in writers.items():
                if stream not in failed:
                    writer.finish(event.duration, absent.get(stream))
    return failed


class _Process:
    """What a worker process keeps between its tasks."""

    experiment: Experiment
    folder: Path
    stop: Any
    files: Sequence[Path]
    plans: dict[str, StreamPlan] | None = None


def start(experiment: Experiment, folder: Path, stop: Any, files: Sequence[Path]) -> None:
    """Set a worker process up: one thread, interrupts left to the parent, an end with the parent."""
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    warnings.simplefilter("ignore", ContractDeprecationWarning)  # the parent has said it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _Process.experiment, _Process.folder, _Process.stop, _Process.files = experiment, folder, stop, files
    threading.Thread(target=_end_with_parent, daemon=True).start()


def prepare_shard(tasks: Sequence[Task], chain_keys: Mapping[str, str]) -> list[Outcome]:
    """In a worker process: prepare some clips.

    Args:
        tasks: The clips.
        chain_keys: Keys of the chains by stream, as the parent planned them.

    Raises:
        RunError: The store cannot be written, or the process sees other plugins than its parent.
    """
    from fusion.store.store import Store

    if _Process.plans is None:
        from fusion.catalog import catalog
        from fusion.data.streams import plan_streams

        _Process.plans = plan_streams(_Process.experiment, catalog(files=_Process.files))
        _limit_threads()
    plans = _Process.plans
    if any(plans[stream].key != key for stream, key in chain_keys.items()):
        raise RunError("worker processes see other plugins than this one", remedy="set prepare.workers=0")
    store = Store(_Process.folder)
    longest = Fraction(_Process.experiment.prepare.minutes * 60)
    outcomes: list[Outcome] = []
    for task in tasks:
        try:
            outcomes.append(prepare_clip(task, plans, store, longest=longest, stopped=_Process.stop.is_set))
        except Stopped:
            break
    return outcomes


def _limit_threads() -> None:
    import sys

    import cv2

    cv2.setNumThreads(1)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


def _end_with_parent() -> None:
    """A killed parent must not leave workers behind, waiting for tasks that never come."""
    from multiprocessing import connection, parent_process

    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
