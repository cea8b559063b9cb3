"""What the transforms of pictures share: their input."""

from __future__ import annotations

from fractions import Fraction

from fusion.contract import PICTURES, DataError, Pieces, Row


def pictures_of(row: Row, step: str) -> tuple[Pieces, Fraction]:
    """The pictures of a row and their rate.

    Raises:
        DataError: The row has none, or they do not lie on a grid.
    """
    pictures = row.get(PICTURES)
    if pictures is None or pictures.rate is None:
        raise DataError(
            f"there are no pictures on a grid, only {', '.join(row) or 'nothing'}",
            where=step,
            remedy="place it before the step that turns pictures into something else",
        )
    return pictures, pictures.rate
