"""Preparing clips: decoding and transforming each once, into the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from fractions import Fraction
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from fusion.contract import Clip, FusionError, RunError
from fusion.data.streams import StreamPlan, plan_streams
from fusion.store import worker
from fusion.store.failures import Failure
from fusion.store.store import Store
from fusion.store.worker import Outcome, Task
from fusion.store.writer import naming_full_disk

if TYPE_CHECKING:
    from fusion.catalog import Catalog
    from fusion.config.models import Experiment

#: Tasks that wait beside each worker.
_AHEAD = 2
#: Tasks each worker gets at least, where there are enough clips: the last one should not be waited for long.
_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is to do.

    Args:
        clips: Clips in all.
        streams: Names of the streams.
        stored: Entries (one for each clip and stream) that are there already.
        tasks: What is to be made, by clip.
        files: Media files of the clips to do.
        size: Their bytes.
        unreadable: Entries that cannot be made because a file is missing.
    """

    clips: int
    streams: tuple[str, ...]
    stored: int
    tasks: tuple[Task, ...]
    files: int
    size: int
    unreadable: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class PrepareReport:
    """What was done.

    Args:
        clips: Clips in all.
        made: Entries made now, those of absent streams included.
        stored: Entries that were there before.
        failures: What could not be made; tried again the next time.
        seconds: Time it took.
    """

    clips: int
    made: int
    stored: int
    failures: tuple[Failure, ...]
    seconds: float

    @property
    def failed_clips(self) -> int:
        """Clips of which at least one stream failed."""
        return len({failure.clip for failure in self.failures})


class Progress(Protocol):
    """What is told of the progress, as ``fusion.cli.console.progress`` gives it."""

    def __call__(self, count: int = 1, *, note: str | None = None) -> None:
        """So many more clips are done; the note says how many have failed."""
        ...


@dataclass(slots=True)
class _Tally:
    made: int = 0
    failures: list[Failure] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.failed.update(failure.clip for failure in self.failures)

    def count(self, outcome: Outcome) -> None:
        self.made += len(outcome.made)
        self.failures.extend(outcome.failures)
        self.failed.update(failure.clip for failure in outcome.failures)

    @property
    def note(self) -> str:
        return f"{len(self.failed)} failed"


def survey(clips: Sequence[Clip], plans: Mapping[str, StreamPlan], store: Store, *, threads: int = 2) -> Survey:
    """Find out what is stored already. Reads every file that is new or changed once, for its hash."""
    files_used = (file for clip in clips for plan in plans.values() for file in store.files(clip, plan))
    store.hashes.read_ahead(files_used, threads)
    tasks: list[Task] = []
    unreadable: list[Failure] = []
    sizes: dict[Path, int] = {}
    stored = 0
    for clip in clips:
        missing: dict[str, str] = {}
        for name, plan in plans.items():
            try:
                key = store.entry_key(clip, plan)
            except FusionError as error:
                unreadable.append(Failure(clip.id, name, str(error)))
                continue
            if store.has(key):
                stored += 1
            else:
                missing[name] = key
        if missing:
            tasks.append(Task(clip, missing))
            wanted = {kind for name in missing for kind in plans[name].wants}
            files = {track.file for track in clip.tracks if track.kind in wanted} - sizes.keys()
            sizes |= {file: file.stat().st_size for file in files}
    return Survey(len(clips), tuple(plans), stored, tuple(tasks), len(sizes), sum(sizes.values()), tuple(unreadable))


def prepare(
    experiment: Experiment,
    clips: Sequence[Clip],
    *,
    catalog: Catalog,
    store: Store,
    progress: Progress | None = None,
    announce: Callable[[Survey], None] | None = None,
) -> PrepareReport:
    """Make every entry that an experiment needs and the store lacks.

    Killed at any moment and called again, it goes on; several calls may run at once on one store. With
    ``prepare.workers`` above 0 the work is done by processes that build the catalog for themselves.

    Args:
        experiment: Its streams say what is made, its ``prepare`` settings how.
        clips: The clips.
        catalog: Where components are found.
        store: Where entries go.
        progress: Told how many clips have just been finished, and how many have failed so far.
        announce: Called once with what there is to do, before anything is done.

    Raises:
        RunError: The disk is full, or a worker process was killed. The same call goes on from there.
        ComponentError: A stream's component cannot be built.
    """
    begun = time.monotonic()
    plans = plan_streams(experiment, catalog)
    settings = experiment.prepare
    found = survey(clips, plans, store, threads=max(settings.workers, 1))
    if announce is not None:
        announce(found)
    tally = _Tally(failures=list(found.unreadable))
    advance = progress or _silent
    advance(found.clips - len(found.tasks), note=tally.note)
    store.sweep()
    if settings.workers == 0 or len(found.tasks) <= 1:
        outcomes = _here(found.tasks, plans, store, Fraction(settings.minutes * 60))
    else:
        size = max(1, min(settings.shard, len(found.tasks) // (settings.workers * _ROUNDS)))
        files = [file.path.absolute() for file in catalog.files]
        outcomes = _in_processes(shards(found.tasks, size), plans, experiment, store, files)
    try:
        for outcome in outcomes:
            tally.count(outcome)
            advance(1, note=tally.note)
    finally:
        with naming_full_disk(store.folder):
            store.folder.mkdir(parents=True, exist_ok=True)
            store.failures.add(tally.failures)
    return PrepareReport(found.clips, tally.made, found.stored, tuple(tally.failures), time.monotonic() - begun)


def shards(tasks: Sequence[Task], size: int) -> list[list[Task]]:
    """Tasks in groups of about size; clips that are cut from one file come to lie in one group, however many they are.

    A file that holds many clips side by side (a table) binds none: it would bind all of a corpus.
    The same tasks give the same groups, and groups depend on each other in nothing.
    """
    leader: dict[object, object] = {}

    def root(node: object) -> object:
        while leader.setdefault(node, node) != node:
            leader[node] = leader[leader[node]]
            node = leader[node]
        return node

    for number, task in enumerate(tasks):
        for track in (track for track in task.clip.tracks if not track.shared):
            leader[root(track.file)] = root(number)
    connected: dict[object, list[Task]] = {}
    for number, task in enumerate(tasks):
        connected.setdefault(root(number), []).append(task)
    groups: list[list[Task]] = []
    for group in connected.values():
        if groups and len(groups[-1]) + len(group) <= size:
            groups[-1].extend(group)
        else:
            groups.append(list(group))
    return groups


def _silent(count: int = 1, *, note: str | None = None) -> None:
    """Tell nobody."""


def _here(tasks: Sequence[Task], plans: Mapping[str, StreamPlan], store: Store, longest: Fraction) -> Iterator[Outcome]:
    for task in tasks:
        yield worker.prepare_clip(task, plans, store, longest=longest)


def _in_processes(
    groups: Sequence[Sequence[Task]],
    plans: Mapping[str, StreamPlan],
    experiment: Experiment,
    store: Store,
    files: Sequence[Path],
) -> Iterator[Outcome]:
    context = get_context("spawn")
    stop = context.Event()
    chain_keys = {name: plan.key for name, plan in plans.items()}
    workers = min(experiment.prepare.workers, len(groups))
    pool = ProcessPoolExecutor(
        workers,
        mp_context=context,
        initializer=worker.start,
        initargs=(experiment, store.folder.absolute(), stop, files),
    )
    waiting = iter(groups)
    running: set[Future[list[Outcome]]] = set()
    try:
        while True:
            for group in waiting:
                running.add(pool.submit(worker.prepare_shard, group, chain_keys))
                if len(running) >= workers * _AHEAD:
                    break
            if not running:
                break
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield from future.result()
    except BrokenProcessPool:
        raise RunError(
            "a worker process was killed, perhaps for want of memory",
            remedy="give the same command again: it goes on; fewer prepare.workers need less memory",
        ) from None
    finally:
        # Also on an interrupt: workers end after the piece they are at, and leave nothing unfinished behind.
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
