"""A sheet of pictures from clips, one column for each class, so that a person sees what the clips show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fusion.contract import PICTURES, Clip, DataError, FusionError, Want
from fusion.corpora.inspection import look_into

Image = NDArray[np.uint8]

#: Size of one picture, and of the strip under it, in pixels.
TILE = (200, 150)
STRIP = 22
GAP = 10
PAPER, INK, FAINT = (250, 250, 248), (40, 42, 46), (130, 134, 140)
MOST_COLUMNS, MOST_ROWS = 8, 4
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_contact_sheet(clips: Mapping[str, Sequence[Clip]], title: str) -> Image:
    """A picture from the middle of some clips of each class, uint8 RGB ``[height, width, 3]``.

    Args:
        clips: By class, in the order of the columns. Of each, up to four clips of different speakers are shown.
        title: Stands on top.

    Raises:
        DataError: No clip has a picture.
    """
    columns = {}
    for name, members in list(clips.items())[:MOST_COLUMNS]:
        tiles = [tile for clip in _spread(members) if (tile := _tile(clip)) is not None][:MOST_ROWS]
        if tiles:
            columns[name] = tiles
    if not columns:
        raise DataError("no clip has pictures to show", where=title)
    rows = max(map(len, columns.values()))
    width = max(GAP + len(columns) * (TILE[0] + GAP), 420)
    height = 78 + rows * (TILE[1] + STRIP + GAP)
    sheet = np.full((height, width, 3), PAPER, np.uint8)
    _write(sheet, title, (GAP, 26), scale=0.55, colour=INK, width=width - 2 * GAP)
    for index, (name, tiles) in enumerate(columns.items()):
        left = GAP + index * (TILE[0] + GAP)
        _write(sheet, name, (left, 60), scale=0.55, colour=INK, width=TILE[0])
        for row, tile in enumerate(tiles):
            top = 72 + row * (TILE[1] + STRIP + GAP)
            sheet[top : top + tile.shape[0], left : left + TILE[0]] = tile
    return sheet


def write_contact_sheet(path: Path, clips: Mapping[str, Sequence[Clip]], title: str) -> None:
    """Write the sheet as PNG."""
    sheet = draw_contact_sheet(clips, title)
    written, data = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    assert written
    path.write_bytes(data.tobytes())


def _spread(clips: Sequence[Clip]) -> list[Clip]:
    """Clips with pictures, every speaker's first before anybody's second; at most three times what is shown."""
    seen: dict[str | None, int] = {}
    turns = []
    for clip in clips:
        if clip.tracks_of(PICTURES):
            turn = seen.get(clip.speaker, 0)
            seen[clip.speaker] = turn + 1
            turns.append((turn, clip))
    ordered = [clip for _, clip in sorted(turns, key=lambda item: item[0])]
    return ordered[: 3 * MOST_ROWS]


def _tile(clip: Clip) -> Image | None:
    picture = middle_picture(clip)
    if picture is None:
        return None
    tile = np.full((TILE[1] + STRIP, TILE[0], 3), PAPER, np.uint8)
    height, width = picture.shape[:2]
    scale = min(TILE[0] / width, TILE[1] / height)
    small = cv2.resize(
        picture, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
    )
    top, left = (TILE[1] - small.shape[0]) // 2, (TILE[0] - small.shape[1]) // 2
    tile[top : top + small.shape[0], left : left + small.shape[1]] = small
    label = clip.id if not clip.generated else f"{clip.id} (generated)"
    _write(tile, label, (0, TILE[1] + 15), scale=0.38, colour=FAINT, width=TILE[0])
    return tile


def middle_picture(clip: Clip) -> Image | None:
    """The picture on display in the middle of a clip, RGB; None where it has none or cannot be read."""
    from fusion.media import open_clip

    _, seconds, problem = look_into(clip)
    if problem is not None or seconds is None or seconds <= 0:
        return None
    rate = 2 / Fraction(seconds)
    want = Want(PICTURES, rate)
    try:
        source = open_clip(clip, [want])
    except FusionError:
        return None
    try:
        if PICTURES in source.missing:
            return None
        pieces = source.advance(seconds * Fraction(3, 4)).get(want)
        if pieces is None or not len(pieces):
            return None
        picture: Image = pieces.data[-1].rgb()
        return picture
    except FusionError:
        return None
    finally:
        source.close()


def _write(
    image: Image, text: str, at: tuple[int, int], *, scale: float, colour: tuple[int, int, int], width: int
) -> None:
    """Write one line, shortened to the width; the built-in font knows ASCII only."""
    shown = text.encode("ascii", "replace").decode("ascii")
    while len(shown) > 4 and cv2.getTextSize(shown, _FONT, scale, 1)[0][0] > width:
        shown = f"{shown[:-4]}..."
    cv2.putText(image, shown, at, _FONT, scale, colour, 1, cv2.LINE_AA)
