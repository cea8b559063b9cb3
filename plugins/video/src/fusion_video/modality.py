"""The modality ``video``: pictures sampled by time, as a batch of frames and a mask of those that show a face."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from fusion.contract import PICTURES, Batch, DataError, Extent, Fitted, InputSpec, Need, Pieces, Row, Span
from fusion_video.checks import exact_seconds
from fusion_video.options import Video as VideoOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Weights of red, green and blue in grey (ITU-R BT.601).
_LUMA = (0.299, 0.587, 0.114)
#: Smallest spread that is divided by: flat pictures stay flat.
_FLAT = 0.02
#: What brings differences between the pictures of a window to about the spread of the pictures themselves.
_GAINS = {"difference": 2.0, "motion": 3.0}


class Video:
    """``frames`` pictures per ``seconds``, by timestamp.

    A batch holds ``frames`` ``[B, T, C, H, W]`` float32 and ``mask`` ``[B, T]``, False for padding and for pictures
    without a face. Index 0 is the first place on the grid in the window: pictures that begin later are padded in
    front. C is 3, or 1 with ``grey``, for each view of ``normalise``. Views but ``none`` compare a picture with the
    others of its window, over the pictures that show a face.
    """

    version = 1

    def __init__(self, options: VideoOptions) -> None:
        self.options = options
        self.rate = options.frames / exact_seconds(options.seconds, "seconds")

    @property
    def needs(self) -> Mapping[str, Need]:
        return {PICTURES: Need(self.rate)}

    @property
    def extent(self) -> Extent:
        return "window"

    @property
    def mixable(self) -> tuple[str, ...]:
        return ("frames",)

    def absence(self, row: Row) -> str | None:
        """``no pictures`` or ``no face found in this window``; None where enough pictures show one."""
        _, face = _crops(row)
        if len(face) == 0:
            return "no pictures in this window"
        if np.mean(np.asarray(face.data)[:, 0] > 0) < self.options.least or not np.any(np.asarray(face.data)[:, 0]):
            return "no face found in this window"
        return None

    def notes(self, row: Row) -> Sequence[str]:
        """That there were several faces to choose from, and in how many of the row's pictures."""
        _, face = _crops(row)
        counts = np.asarray(face.data)[:, 1]
        several = counts[counts > 1]
        if not len(several):
            return ()
        most = f"{several.max()} faces" if several.min() == several.max() else f"up to {several.max()} faces"
        return (f"{most} in {len(several)} of {len(counts)} pictures; the largest was followed",)

    def fit(self, rows: Iterable[Row]) -> Fitted:  # noqa: ARG002
        """Nothing is fitted."""
        return {}

    def input(self, row: Row, fitted: Fitted) -> InputSpec:  # noqa: ARG002
        """Shapes of ``frames`` and ``mask``; the rate is that of the frames."""
        frames, _ = _crops(row)
        height, width = np.shape(frames.data)[1:3]
        channels = (1 if self.options.grey else 3) * len(self.options.normalise)
        return InputSpec({"frames": (None, channels, int(height), int(width)), "mask": (None,)}, rate=self.rate)

    def batch(self, rows: Sequence[Row], spans: Sequence[Span], fitted: Fitted) -> Batch:  # noqa: ARG002
        """Stack rows; all pictures must have one size.

        Raises:
            DataError: Pictures of several sizes.
        """
        import torch

        crops = [_crops(row) for row in rows]
        sizes = {tuple(np.shape(frames.data)[1:3]) for frames, _ in crops}
        if len(sizes) > 1:
            raise DataError(
                f"pictures of sizes {' and '.join(f'{w}x{h}' for h, w in sorted(sizes))} in one batch",
                where="video",
                remedy="end the chain with face_crop or picture_resize, which give one size",
            )
        leads = [
            max(frames.first - span.indices(self.rate).start, 0) for (frames, _), span in zip(crops, spans, strict=True)
        ]
        length = max(lead + len(frames) for lead, (frames, _) in zip(leads, crops, strict=True))
        height, width = sizes.pop()
        channels = (1 if self.options.grey else 3) * len(self.options.normalise)
        stacked = np.zeros((len(rows), length, channels, height, width), np.float32)
        mask = np.zeros((len(rows), length), np.bool_)
        for item, (lead, (frames, face)) in enumerate(zip(leads, crops, strict=True)):
            found = np.asarray(face.data)[:, 0] > 0
            place = slice(lead, lead + len(found))
            mask[item, place] = found
            stacked[item, place] = self._views(np.asarray(frames.data), found)
        return {"frames": torch.from_numpy(stacked), "mask": torch.from_numpy(mask)}

    def _views(self, pictures: NDArray[np.uint8], found: NDArray[np.bool_]) -> NDArray[np.float32]:
        """uint8 ``[T, H, W, 3]`` to float32 ``[T, C, H, W]``; pictures without a face are zeros."""
        if self.options.grey:
            plain = (pictures @ (np.array(_LUMA, np.float32) / np.float32(255)))[:, None]
        else:
            plain = np.moveaxis(pictures, 3, 1).astype(np.float32) / np.float32(255)
        standard = plain
        if any(view != "none" for view in self.options.normalise):
            known = plain[found] if found.any() else plain
            standard = (plain - known.mean(dtype=np.float64)) / max(known.std(dtype=np.float64), _FLAT)
        views: list[NDArray[Any]] = []
        for view in self.options.normalise:
            if view == "none":
                views.append(plain)
            elif view == "standard":
                views.append(standard)
            elif view == "difference":
                views.append(_GAINS[view] * (standard - (standard[found] if found.any() else standard).mean(0)))
            else:
                motion = np.zeros_like(standard)
                both = found[1:] & found[:-1]
                motion[1:][both] = (standard[1:] - standard[:-1])[both]
                views.append(_GAINS[view] * motion)
        stacked = np.concatenate(views, axis=1).astype(np.float32)
        stacked[~found] = 0
        return stacked


def _crops(row: Row) -> tuple[Pieces, Pieces]:
    """The pieces ``frames`` and ``face`` of a row.

    Raises:
        DataError: The chain has not made them.
    """
    frames, face = row.get("frames"), row.get("face")
    if frames is None or face is None:
        raise DataError(
            f"a row has {', '.join(row) or 'nothing'} where frames and face are needed",
            where="video",
            remedy="end the chain with face_crop or picture_resize",
        )
    return frames, face


def rate_of(spec: InputSpec) -> Fraction:
    """Frames per second of an encoder's input; 1 where it is not known, so that times count frames."""
    return spec.rate if spec.rate is not None else Fraction(1)
