"""From windows to batches: rows of every stream as tensors, with a presence mask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from fusion.catalog.faults import guarded
from fusion.contract import Batch, Clip, ComponentError, DataError, Fitted, FusionError, Row, Span, Target
from fusion.data.copies import CopiedClip, original
from fusion.data.plan import TrainingPlan, Window
from fusion.data.randomness import generator
from fusion.data.rows import Absent, RowSource, window_row
from fusion.data.streams import StreamPlan

if TYPE_CHECKING:
    from fusion.store.store import Store

T = TypeVar("T")
_REPORT = "report it to the modality's authors; fusion plugins list says who they are"


@dataclass(slots=True)
class StreamBatch:
    """The present rows of one stream: their places in the batch ``[P]`` and their tensors."""

    places: Tensor
    tensors: Batch


@dataclass(slots=True)
class WindowBatch:
    """B windows of S streams.

    Args:
        windows: The windows, in order.
        present: ``[B, S]`` bool.
        streams: By stream, in order; None where no row has it.
        targets: ``[B, C]``; NaN rows where unlabelled.
        absent: Reasons by (place in the batch, stream).
    """

    windows: Sequence[Window]
    present: Tensor
    streams: dict[str, StreamBatch | None]
    targets: Tensor
    absent: Mapping[tuple[int, str], str] = field(default_factory=dict)

    def to(self, device: torch.device) -> WindowBatch:
        """The batch on a device."""
        if device.type == "cpu":
            return self
        streams = {
            name: None
            if batch is None
            else StreamBatch(
                batch.places.to(device, non_blocking=True),
                {key: tensor.to(device, non_blocking=True) for key, tensor in batch.tensors.items()},
            )
            for name, batch in self.streams.items()
        }
        return WindowBatch(self.windows, self.present.to(device), streams, self.targets.to(device), self.absent)


class ClipTable:
    """Prepared clips with their stored streams and targets: what batches are made from.

    Args:
        clips: The clips, in order.
        plans: The streams, by name.
        store: Where their arrays are.
        target: What is predicted; None for jobs without labels.

    Raises:
        DataError: Where a clip has not been prepared (``fusion prepare`` is the remedy).
    """

    def __init__(
        self, clips: Sequence[Clip], plans: Mapping[str, StreamPlan], store: Store, target: Target | None
    ) -> None:
        self.clips = tuple(clips)
        self.plans = dict(plans)
        self._stored: list[dict[str, RowSource]] = []
        durations: list[Fraction] = []
        for clip in self.clips:
            streams = {name: store.lookup(original(clip), plan) for name, plan in self.plans.items()}
            self._stored.append(streams)
            duration = max(stored.duration for stored in streams.values())
            piece = _piece(clip)
            durations.append(duration if piece is None else max(min(piece.end, duration) - piece.start, Fraction(0)))
        self.durations = tuple(durations)
        self.targets = _targets(self.clips, target)

    def stored(self, clip: int, stream: str) -> RowSource:
        """What the store holds of one clip's stream."""
        return self._stored[clip][stream]

    def row(
        self, window: Window, stream: str, *, training: bool = False, address: Sequence[int | str] = ()
    ) -> Row | Absent:
        """One stream's row of a window; draws of augmentations come from the address.

        An augmented copy goes through its own augmentation, the same each time and in whichever part it stands; its
        unchanged siblings through none.
        """
        clip, plan, stored = self.clips[window.clip], self.plans[stream], self._stored[window.clip][stream]
        span = self.on_clock(window).span
        if isinstance(clip, CopiedClip) and clip.settled:
            random = generator("copy", stream, clip.id)
            named = clip.augmentation
            return window_row(plan, stored, span, training=named is not None, random=random, augmentation=named)
        own = generator(*address, stream, clip.id, window.number) if training else None
        return window_row(plan, stored, span, training=training, random=own)

    def on_clock(self, window: Window) -> Window:
        """A window of a piece, moved to where it lies on the clock of the clip that the piece comes from."""
        piece = _piece(self.clips[window.clip])
        if piece is None:
            return window
        return replace(window, span=Span(window.span.start + piece.start, window.span.end + piece.start))

    def subset(self, streams: Sequence[str], clips: Sequence[int] | None = None) -> ClipTable:
        """The same clips (or some of them) with some of the streams; nothing is read again."""
        table = object.__new__(ClipTable)
        chosen = range(len(self.clips)) if clips is None else clips
        table.clips = tuple(self.clips[index] for index in chosen)
        table.plans = {name: self.plans[name] for name in streams}
        table._stored = [{name: self._stored[index][name] for name in streams} for index in chosen]
        table.durations = tuple(self.durations[index] for index in chosen)
        table.targets = self.targets[list(chosen)]
        return table


def _piece(clip: Clip) -> Span | None:
    return clip.span if isinstance(clip, CopiedClip) else None


def _targets(clips: Sequence[Clip], target: Target | None) -> NDArray[np.float32]:
    if target is None:
        return np.full((len(clips), 1), np.nan, dtype=np.float32)
    rows = np.full((len(clips), len(target.names)), np.nan, dtype=np.float32)
    for place, clip in enumerate(clips):
        try:
            encoded = target.encode(clip.labels)
        except DataError as error:
            raise DataError(error.what, where=f"clip {clip.id}, {error.where}", remedy=error.remedy) from None
        if encoded is not None:
            rows[place] = encoded
    return rows


def make_batch(
    table: ClipTable,
    windows: Sequence[Window],
    fitted: Mapping[str, Fitted],
    *,
    training: bool = False,
    address: Sequence[int | str] = (),
) -> WindowBatch:
    """Rows of all streams for these windows, as tensors."""
    rows = [
        {name: table.row(window, name, training=training, address=address) for name in table.plans}
        for window in windows
    ]
    placed = [table.on_clock(window) for window in windows]
    return collate(table.plans, placed, rows, fitted, table.targets[[window.clip for window in windows]])


def collate(
    plans: Mapping[str, StreamPlan],
    windows: Sequence[Window],
    rows: Sequence[Mapping[str, Row | Absent]],
    fitted: Mapping[str, Fitted],
    targets: NDArray[np.float32],
) -> WindowBatch:
    """Stack rows by stream; training, evaluation and prediction share this path."""
    present = torch.zeros(len(windows), len(plans), dtype=torch.bool)
    streams: dict[str, StreamBatch | None] = {}
    absent: dict[tuple[int, str], str] = {}
    for column, (name, plan) in enumerate(plans.items()):
        kept: list[Row] = []
        spans: list[Span] = []
        places: list[int] = []
        for place, window in enumerate(windows):
            row = rows[place][name]
            if isinstance(row, Absent):
                absent[place, name] = row.reason
                continue
            kept.append(row)
            spans.append(window.span)
            places.append(place)
        if not kept:
            streams[name] = None
            continue
        present[places, column] = True
        streams[name] = StreamBatch(torch.tensor(places), _batched(name, plan, kept, spans, fitted[name]))
    return WindowBatch(tuple(windows), present, streams, torch.from_numpy(targets), absent)


def _batched(name: str, plan: StreamPlan, rows: Sequence[Row], spans: Sequence[Span], fitted: Fitted) -> Batch:
    """A modality's batch, with as many rows as it was given."""
    where = f"stream '{name}', modality {type(plan.modality).__name__}"
    with guarded("its batch fails", where=where, remedy=_REPORT):
        batch = plan.modality.batch(rows, spans, fitted)
    lengths = {key: len(value) if isinstance(value, torch.Tensor) else None for key, value in batch.items()}
    wrong = {key: length for key, length in lengths.items() if length != len(rows)}
    if wrong or not batch:
        key, length = next(iter(wrong.items()), ("nothing", 0))
        found = f"{key} without rows" if length is None else f"{key} with {length} rows"
        raise ComponentError(f"its batch of {len(rows)} rows holds {found}", where=where, remedy=_REPORT)
    return batch


class _TrainingBatches(Dataset["WindowBatch | FusionError"]):
    """Batches by (epoch, step): what loader workers compute, each batch whole.

    Errors for people are handed over rather than raised: torch would make a traceback of them on their way.
    """

    def __init__(self, table: ClipTable, plan: TrainingPlan, fitted: Mapping[str, Fitted], rows: slice) -> None:
        self._table = table
        self._plan = plan
        self._fitted = fitted
        self._rows = rows

    def __getitem__(self, address: tuple[int, int]) -> WindowBatch | FusionError:
        epoch, step = address
        try:
            return make_batch(
                self._table,
                self._plan.windows(epoch, step)[self._rows],
                self._fitted,
                training=True,
                address=(self._plan.seed, "augment", epoch, step),
            )
        except FusionError as error:
            return error


def training_batches(
    table: ClipTable,
    plan: TrainingPlan,
    fitted: Mapping[str, Fitted],
    *,
    first: tuple[int, int],
    epochs: int,
    workers: int,
    rows: slice = slice(None),
) -> Iterator[tuple[int, int, WindowBatch]]:
    """Batches from (epoch, step) ``first`` to the end of the last epoch, as (epoch, step, batch).

    Args:
        table: The clips.
        plan: Which windows make up the global batches.
        fitted: By stream.
        first: Where to begin.
        epochs: Where to end.
        workers: Loader processes.
        rows: This process's places in a full global batch; of a smaller one it gets what is left there, maybe nothing.
    """
    return addressed_batches(
        _TrainingBatches(table, plan, fitted, rows), steps=plan.steps, first=first, epochs=epochs, workers=workers
    )


def addressed_batches(
    dataset: Dataset[T | FusionError], *, steps: int, first: tuple[int, int], epochs: int, workers: int
) -> Iterator[tuple[int, int, T]]:
    """A dataset's batches from (epoch, step) ``first`` to the end of the last epoch, as (epoch, step, batch).

    They depend neither on the number of loader workers nor on where the iteration begins.

    Args:
        dataset: Answers the whole batch of an address (epoch, step), or why there is none.
        steps: Of an epoch.
        first: Where to begin.
        epochs: Where to end.
        workers: Loader processes.

    Raises:
        FusionError: What the dataset answered instead of a batch.
    """
    addresses = [
        (epoch, step)
        for epoch in range(first[0], epochs)
        for step in range(first[1] if epoch == first[0] else 0, steps)
    ]
    loader: DataLoader[T | FusionError] = DataLoader(
        dataset,
        batch_size=None,
        sampler=addresses,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
    )
    for (epoch, step), batch in zip(addresses, loader, strict=True):
        if isinstance(batch, FusionError):
            raise batch
        yield epoch, step, batch


def evaluation_batches(
    table: ClipTable, windows: Sequence[Window], fitted: Mapping[str, Fitted], batch: int
) -> Iterator[WindowBatch]:
    """All windows in order, without augmentation."""
    for start in range(0, len(windows), batch):
        yield make_batch(table, windows[start : start + batch], fitted)
