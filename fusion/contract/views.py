"""How a transform says what its insides and its answers are, for a picture of a clip's way through a chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fusion.contract.pieces import Pieces

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Axis:
    """What evenly spaced items stand for.

    Args:
        name: Such as ``frequency``.
        unit: Such as ``Hz``; empty for plain numbers.
        first: Value of the first item.
        last: Value of the last item.
    """

    name: str
    unit: str
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class View:
    """Something that is worth a picture.

    Args:
        title: A few words, such as ``the noise``.
        data: Pieces along the clip's clock (sound, pictures, words or numbers); or an array ``[N]`` or ``[N, M]`` of
            numbers without time. None stands for the pieces of that name which ``apply`` answers.
        axes: Of pieces ``[N, F]``, one axis for F; of an array, one for each of its axes. May be left out.
        unit: Of the values.
        limits: Values at the ends of the scale; None takes the least and the largest.
        boxes: For pictures, ``[N, K, 4]`` or more columns: (left, top, width, height) in pixels of each picture;
            boxes without area are not drawn, nor pictures without boxes.
    """

    title: str
    data: Pieces | NDArray[Any] | None = None
    axes: tuple[Axis, ...] = ()
    unit: str = ""
    limits: tuple[float, float] | None = None
    boxes: NDArray[Any] | None = None
