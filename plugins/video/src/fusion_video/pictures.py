"""What the transforms of pictures share: their input, and exact seconds in options."""

from __future__ import annotations

from fractions import Fraction

from fusion.contract import PICTURES, ConfigError, DataError, Pieces, Problem, Row


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


def seconds_of(text: str, key: str) -> Fraction:
    """Exact seconds above 0 from "3", "0.5" or "20/3".

    Raises:
        ConfigError: It is none of these.
    """
    try:
        seconds = Fraction(text)
    except (ValueError, ZeroDivisionError):
        seconds = Fraction(0)
    if seconds <= 0:
        raise ConfigError(
            "video", [Problem(key, f"{text!r} is not a number of seconds above 0, such as '3' or '20/3'")]
        )
    return seconds
