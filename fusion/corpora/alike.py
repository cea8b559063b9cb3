"""Pictures that look alike though their bytes differ: stored again, shrunk, or brightened, under another name."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from fusion.contract import PICTURES, Clip, FusionError, Split, Want
from fusion.corpora.layout import PICTURE_FILES
from fusion.media import open_clip

#: Most bits of 256 by which pictures that look alike differ. Of 1,500 faces of 48 x 48 pixels, 99 % differ by less
#: from their own copy in JPEG of quality 50, and all but double ones by 70 and more from any other face.
DISTANCE = 16
_SIDE, _LOW, _FAINT = 32, 16, 0.1
_ROWS = 128
#: Ones in the bits of each byte.
_ONES = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(axis=1, dtype=np.uint8)
_WANT = Want(PICTURES)


def picture_hash(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """256 bits ``[32]`` of a grey picture ``[height, width]``: which low frequencies are positive."""
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:_LOW, :_LOW].ravel()
    low[0] = 0
    # Frequencies that hardly occur have no sign that would survive another coding.
    return np.packbits(low > _FAINT * np.abs(low).mean())


def alike(hashes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """A number for each picture ``[N]``, equal where a chain of pictures leads from one to the other by DISTANCE.

    Args:
        hashes: ``[N, 32]``.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    distinct, places = np.unique(hashes, axis=0, return_inverse=True)
    bits = np.unpackbits(distinct, axis=1)
    edges: set[tuple[int, int]] = set()
    # Of more bands than bits may differ, one is equal.
    for band in range(DISTANCE + 1):
        for members in _equal_rows(bits[:, band :: DISTANCE + 1]):
            edges.update(_near(distinct, members))
    rows, columns = np.array(sorted(edges), dtype=np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(len(distinct), len(distinct)))
    groups: NDArray[np.int64] = connected_components(graph, directed=False)[1][places.ravel()].astype(np.int64)
    return groups


def _near(hashes: NDArray[np.uint8], members: NDArray[np.int64]) -> Iterable[tuple[int, int]]:
    """Pairs of members that differ by no more than DISTANCE; a few rows at a time, so that memory is bounded."""
    for first in range(0, len(members), _ROWS):
        some = members[first : first + _ROWS]
        apart = _ONES[hashes[some][:, None] ^ hashes[members][None]].sum(axis=2, dtype=np.int64)
        for a, b in zip(*np.nonzero(apart <= DISTANCE), strict=True):
            if some[a] < members[b]:
                yield int(some[a]), int(members[b])


def _equal_rows(band: NDArray[np.uint8]) -> Iterable[NDArray[np.int64]]:
    """Places of rows that occur several times, by row."""
    _, places, counts = np.unique(band, axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(places.ravel(), kind="stable")
    for members in np.split(order, np.cumsum(counts)[:-1]):
        if len(members) > 1:
            yield members


def alike_stills(clips: Sequence[Clip], step: Callable[[], object] = lambda: None) -> dict[str, int]:
    """By the id of each clip that is a single picture, the number of the pictures it looks like.

    Those of videos are not looked at: they are alike wherever one person sits before one wall. Pictures that cannot be
    read are left to the decoder's report.

    Args:
        clips: Any clips.
        step: Called after each of them.
    """
    found: dict[str, NDArray[np.uint8]] = {}
    for clip in clips:
        track = next(iter(clip.tracks_of(PICTURES)), None)
        if track is not None and track.file.suffix.lower() in PICTURE_FILES:
            with contextlib.suppress(FusionError):
                found[clip.id] = picture_hash(_picture(clip))
        step()
    if not found:
        return {}
    return dict(zip(found, alike(np.stack(list(found.values()))).tolist(), strict=True))


def _picture(clip: Clip) -> NDArray[np.uint8]:
    with open_clip(clip, (_WANT,)) as source:
        assert source.duration is not None
        return np.asarray(source.advance(source.duration)[_WANT].data[0].grey())


def crossing(split: Split, groups: Mapping[str, int]) -> dict[str, str]:
    """Test clips of a split that look like a clip of training or validation, each with the first such clip.

    Args:
        split: Of the clips.
        groups: See ``alike_stills``.
    """
    known: dict[int, str] = {}
    for clip in (*split.train, *split.validation):
        if clip in groups:
            known.setdefault(groups[clip], clip)
    return {clip: known[groups[clip]] for clip in split.test if clip in groups and groups[clip] in known}
