"""Describing a stream by its training part: what its modality fits there, and what its encoder is built for."""

from __future__ import annotations

from collections.abc import Iterator

from fusion.config.models import WindowSettings
from fusion.contract import DataError, Row
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
    windows = evaluation_windows(table.durations, window)
    if modality.extent == "clip":
        windows = [one for one in windows if one.number == 0]

    def rows() -> Iterator[Row]:
        return (row for one in windows if not isinstance(row := table.row(one, name), Absent))

    example = next(rows(), None)
    if example is None:
        raise DataError(
            "is absent from every training clip",
            where=f"stream {name!r}",
            remedy="`fusion data inspect` says what the clips lack",
        )
    fitted = modality.fit(rows())
    return StreamDescription(fitted, modality.input(example, fitted))
