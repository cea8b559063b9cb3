"""Who moves: a look at a copy of IEMOCAP itself for which half of a picture belongs to whoever is talking."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from fusion.contract import PICTURES, Clip, DataError, Region, Want
from fusion.media import open_clip

_WANT = Want(PICTURES, Fraction(10))


def speaker_moves_more(clips: Sequence[Clip]) -> float:
    """The share of turns in which the half given to the speaker moves more than the other half.

    Well above a half where the halves are right, well below where they are swapped.

    Args:
        clips: Turns with a picture of half a dialogue's.

    Raises:
        DataError: A clip has no such picture, or there are none.
    """
    others = [_other_half(clip) for clip in clips]
    if not others:
        raise DataError("no turns to look at", where="IEMOCAP")
    return float(np.mean([_motion(own) > _motion(other) for own, other in zip(clips, others, strict=True)]))


def _other_half(clip: Clip) -> Clip:
    track = next(iter(clip.tracks_of(PICTURES)), None)
    if track is None or track.region not in (Region.named("left"), Region.named("right")):
        raise DataError("has no picture of one half", where=clip.id, remedy="read it with left: named or left: other")
    side = "right" if track.region == Region.named("left") else "left"
    return replace(clip, tracks=(replace(track, region=Region.named(side)),))


def _motion(clip: Clip) -> float:
    """Mean absolute difference of successive pictures, ten a second, in grey levels."""
    with open_clip(clip, (_WANT,)) as source:
        assert clip.duration is not None
        pieces = source.advance(clip.duration)[_WANT]
        grey = [picture.grey().astype(np.int16) for picture in pieces.data]
    return float(np.mean([np.abs(after - before).mean() for before, after in itertools.pairwise(grey)]))
