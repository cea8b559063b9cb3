"""Describing a stream by its training part: what its modality fits there, and what its encoder is built for."""

from __future__ import annotations

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
        DataError: The stream is absent from every training clip.
    """
    modality = table.plans[name].modality
    example = next(_rows(table, name, window), None)
    if example is None:
        raise DataError(
            "is absent from every training clip",
            where=f"stream {name!r}",
            remedy="`fusion data inspect` says what the clips lack",
        )
    fitted = modality.fit(_rows(table, name, window))
    return StreamDescription(fitted, modality.input(example, fitted))


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


def _rows(table: ClipTable, name: str, window: WindowSettings) -> Iterator[Row]:
    """The rows of the evaluation windows that have the stream; one a clip for streams of extent clip."""
    once = table.plans[name].modality.extent == "clip"
    for one in evaluation_windows(table.durations, window):
        if not (once and one.number) and not isinstance(row := table.row(one, name), Absent):
            yield row
