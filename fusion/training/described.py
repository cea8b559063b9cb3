"""Describing a stream by its training part: what its modality fits there, and what its encoder is built for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from fusion.config.models import WindowSettings
from fusion.contract import DataError, InputSpec, Row, RunError
from fusion.data.batches import ClipTable
from fusion.data.plan import evaluation_windows
from fusion.data.rows import Absent
from fusion.inference.described import StreamDescription


def describe_stream(table: ClipTable, name: str, window: WindowSettings) -> StreamDescription:
    """Fit a stream's modality on the evaluation windows of a training part.

    Raises:
        DataError: The stream is absent from every training clip, or its rows do not fit together.
    """
    modality = table.plans[name].modality
    example = next(_rows(table, name, window), None)
    if example is None:
        reason = _commonest_absence(table, name, window)
        raise DataError(
            f"is absent from every training clip{f' ({reason})' if reason else ''}",
            where=f"stream {name!r}",
            remedy="`fusion data inspect` says what the clips lack",
        )
    reached: list[str] = []
    try:
        fitted = modality.fit(_rows(table, name, window, reached))
    except DataError as error:
        clip = f", clip {reached[-1]}" if reached else ""
        raise DataError(error.what, where=f"stream {name!r}{clip}", remedy=error.remedy) from None
    return StreamDescription(fitted, modality.input(example, fitted))


def _commonest_absence(table: ClipTable, name: str, window: WindowSettings) -> str | None:
    reasons = Counter(
        row.reason
        for one in evaluation_windows(table.durations, window)
        if isinstance(row := table.row(one, name), Absent)
    )
    reasons.update(filter(None, (table.stored(place, name).absence for place in range(len(table.clips)))))
    return max(reasons, key=reasons.__getitem__) if reasons else None


def check_described(table: ClipTable, name: str, window: WindowSettings, description: StreamDescription) -> None:
    """Whether a description that comes from another run is of the same kind of input.

    Raises:
        RunError: Shapes or rate are others.
    """
    example = next(_rows(table, name, window), None)
    if example is None:
        return
    found, known = table.plans[name].modality.input(example, description.fitted), description.input
    if (found.shapes, found.rate) != (known.shapes, known.rate):
        raise RunError(
            f"was fitted on {_shown(known)}, and here there are {_shown(found)}",
            where=f"the start of stream {name!r}",
            remedy="give the stream the transforms that it had there",
        )


def _shown(spec: InputSpec) -> str:
    shapes = ", ".join(
        f"{key} [{', '.join('any' if size is None else str(size) for size in shape)}]"
        for key, shape in spec.shapes.items()
        if key != "mask"
    )
    return shapes if spec.rate is None else f"{shapes} at {float(spec.rate):g} a second"


def _rows(table: ClipTable, name: str, window: WindowSettings, reached: list[str] | None = None) -> Iterator[Row]:
    """The rows of the evaluation windows that have the stream; one a clip for streams of extent clip.

    The clips that are reached are listed, where a list is given.
    """
    once = table.plans[name].modality.extent == "clip"
    for one in evaluation_windows(table.durations, window):
        if not (once and one.number) and not isinstance(row := table.row(one, name), Absent):
            if reached is not None:
                reached.append(table.clips[one.clip].id)
            yield row
