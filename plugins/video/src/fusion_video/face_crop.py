"""Following one face and cutting its head out of every picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from fusion.contract import PICTURES, Clip, DataError, Pieces, Row, Span, View
from fusion_video.checks import exact_seconds
from fusion_video.options import FaceCrop as FaceCropOptions
from fusion_video.pictures import pictures_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Overlap (intersection over union) from which two boxes of neighbouring times are one face.
_SAME_FACE = 0.2
#: Levels between the darkest and the brightest value of a crop below which it shows nothing: clips fade in from black.
_CONTRAST = 16


@dataclass(frozen=True, slots=True)
class _Look:
    """The faces seen in one picture of the grid."""

    place: int
    boxes: NDArray[np.float64]
    count: int


class FaceCrop:
    """Crops of the head, uint8 RGB ``[N, height, width, 3]``, as ``frames``, with ``face`` uint8 ``[N, 2]``.

    The first column of ``face`` is 1 where a face is known, the second the number of faces seen in the nearest look
    (at most 255). Where none is known, or the picture is black, so is the crop.

    A crop at time t depends on nothing but the looks less than ``smooth`` seconds away from t, so it is the same
    whatever window or block it is cut in. Boxes of successive looks that overlap are one face; the face with the
    most area, weighted by nearness to t, is followed (so that a passer-by must be larger for longer than one look
    to take over); its box is the mean of its boxes under a triangle of ``smooth`` seconds on either side, which for
    looks that are as far apart is linear interpolation. Two faces of equal size can change places.

    Only the crop is converted to RGB. Parts outside the picture repeat its edge.
    """

    version = 1
    scope = "local"

    def __init__(self, options: FaceCropOptions) -> None:
        self.options = options
        self.smooth = exact_seconds(options.smooth, "smooth")

    @property
    def context(self) -> tuple[Fraction, Fraction]:
        return (self.smooth, self.smooth)

    def start(self, clip: Clip) -> None:  # noqa: ARG002
        return None

    def update(self, state: Any, pieces: Row) -> Any:  # noqa: ARG002
        return state

    def apply(self, pieces: Row, span: Span, state: Any) -> Row:  # noqa: ARG002
        """``frames`` and ``face`` of the span's pictures.

        Raises:
            DataError: Nobody looked for faces before.
        """
        pictures, rate = pictures_of(pieces, "face_crop")
        wanted = pictures.within(span)
        width, height = self.options.width, self.options.height
        frames = np.zeros((len(wanted), height, width, 3), np.uint8)
        face = np.zeros((len(wanted), 2), np.uint8)
        for item, (count, box) in enumerate(self._heads(pieces, wanted, rate)):
            face[item, 1] = count
            if box is not None:
                crop = wanted.data[item].rgb(box, (width, height))
                if np.ptp(crop) >= _CONTRAST:
                    face[item, 0] = 1
                    frames[item] = crop
        rest = {
            key: value.within(span) for key, value in pieces.items() if key not in (PICTURES, "faces", "face_count")
        }
        return {**rest, "frames": Pieces(frames, rate, wanted.first), "face": Pieces(face, rate, wanted.first)}

    def explain(self, pieces: Row, span: Span, state: Any) -> Mapping[str, View | None]:  # noqa: ARG002
        """Where each picture is cut."""
        pictures, rate = pictures_of(pieces, "face_crop")
        wanted = pictures.within(span)
        boxes = np.zeros((len(wanted), 1, 4))
        for item, (_, box) in enumerate(self._heads(pieces, wanted, rate)):
            if box is not None:
                boxes[item, 0] = box
        return {
            "heads": View("where the head is cut out", wanted, boxes=boxes),
            "frames": View("crops"),
            "face": View("face known (below), faces seen (above)"),
        }

    def _heads(
        self, pieces: Row, wanted: Pieces, rate: Fraction
    ) -> Iterator[tuple[int, tuple[float, float, float, float] | None]]:
        """Of each picture, the number of faces in the nearest look, and the box of the head where one is known."""
        looks = _looks(pieces)
        reach = self.smooth * rate
        # Weights by distance in pictures: exact fractions, but not anew for every picture.
        weights = [float(1 - distance / reach) for distance in range(math.ceil(reach))]
        for place in range(wanted.first, wanted.first + len(wanted)):
            near = [look for look in looks if abs(look.place - place) < len(weights)]
            if not near:
                yield 0, None
                continue
            nearest = min(near, key=lambda look: (abs(look.place - place), look.place))
            box = followed_box([(weights[abs(look.place - place)], look.boxes) for look in near])
            yield min(nearest.count, 255), None if box is None else self._head(box)

    def _head(self, box: NDArray[np.float64]) -> tuple[float, float, float, float]:
        """The crop around a face's box, with the aspect of the options."""
        left, top, across, down = (float(value) for value in box)
        width = across * self.options.enlarge
        height = width * self.options.height / self.options.width
        centre = top + down / 2 + self.options.lower * down
        return (left + across / 2 - width / 2, centre - height / 2, width, height)


def followed_box(looks: list[tuple[float, NDArray[np.float64]]]) -> NDArray[np.float64] | None:
    """The smoothed box (left, top, width, height) of successive looks: their weights and boxes; None without boxes."""
    tracks: list[list[tuple[float, NDArray[np.float64]]]] = []
    for weight, boxes in looks:
        open_tracks = list(tracks)
        for box in boxes:
            best = max(open_tracks, key=lambda track: _overlap(track[-1][1], box), default=None)
            if best is not None and _overlap(best[-1][1], box) >= _SAME_FACE:
                open_tracks = [track for track in open_tracks if track is not best]
                best.append((weight, box))
            else:
                tracks.append([(weight, box)])
    if not tracks:
        return None
    best = max(tracks, key=lambda track: sum(weight * box[2] * box[3] for weight, box in track))
    weights = np.array([weight for weight, _ in best])
    followed = np.stack([box for _, box in best])
    smoothed: NDArray[np.float64] = (weights[:, None] * followed).sum(0) / weights.sum()
    return smoothed


def _looks(row: Row) -> list[_Look]:
    faces, counts = row.get("faces"), row.get("face_count")
    if faces is None or counts is None or faces.rate is None:
        raise DataError(
            "no faces were looked for", where="face_crop", remedy="place the transform face_boxes before face_crop"
        )
    return [
        _Look(
            faces.first + int(item),
            faces.data[item, : max(int(counts.data[item]), 0), :4].astype(np.float64),
            int(counts.data[item]),
        )
        for item in np.flatnonzero(np.asarray(counts.data) >= 0)
    ]


def _overlap(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Intersection over union of two boxes."""
    across = min(first[0] + first[2], second[0] + second[2]) - max(first[0], second[0])
    down = min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1])
    if across <= 0 or down <= 0:
        return 0.0
    both = across * down
    return float(both / (first[2] * first[3] + second[2] * second[3] - both))
