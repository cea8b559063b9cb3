"""Clips and the tracks they consist of: what a corpus hands to the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

#: Media kinds that the engine decodes itself. A plugin may add kinds by bringing a decoder for them.
PICTURES = "pictures"
SOUND = "sound"
WORDS = "words"


def media_kind(kind: str) -> str:
    """A track's kind without the name that tells several tracks of it apart: ``pulse`` of ``pulse:wrist``."""
    return kind.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of the picture in fractions of its width and height (0 to 1), after rotation."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    def __post_init__(self) -> None:
        if not (0.0 <= self.left < self.right <= 1.0 and 0.0 <= self.top < self.bottom <= 1.0):
            raise ValueError(f"a region needs 0 <= left < right <= 1 and 0 <= top < bottom <= 1, not {self}")

    @classmethod
    def named(cls, name: str) -> Region:
        """``left`` or ``right``: that half of the picture."""
        if name == "left":
            return cls(right=0.5)
        if name == "right":
            return cls(left=0.5)
        raise ValueError(f"a named region is 'left' or 'right', not {name!r}")


@dataclass(frozen=True, slots=True)
class Track:
    """Where a part of a clip lies.

    Args:
        kind: Media kind: ``pictures``, ``sound``, ``words`` or a plugin's own. Several tracks of a plugin's kind are
            told apart by a name after a colon (``pulse:wrist``); its decoder is that of the kind before it.
        file: The file; several tracks and several clips may share it.
        stream: Which of the file's elementary streams of that kind, counted from 0; None takes the first.
        start: Second of the *file* that is second 0 of the clip (exact, hence a fraction).
        channel: Sound only: one channel instead of the mean of all.
        region: Pictures only: the part of the picture that belongs to the clip.
        shared: Whether the file holds many clips, in which the decoder finds each by its id. Equal bytes then do not
            mean equal content, and the id belongs to the key of what is stored.
    """

    kind: str
    file: Path
    stream: int | None = None
    start: Fraction = Fraction(0)
    channel: int | None = None
    region: Region | None = None
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Clip:
    """One stretch of behaviour on one clock, with what is known of it.

    Args:
        id: Unique in its corpus and stable across machines and releases; never a path outside the corpus.
        tracks: The clip's tracks, of any number and kinds.
        duration: Seconds on the clip's clock; None lets the engine take it from the media.
        labels: What is known, by label name (``{"emotion": "happy", "intensity": "strong"}``);
            a value is a string, a number, a list of strings, or a mapping from class to weight.
        speaker: Who is seen or heard, namespaced by corpus (``ravdess:07``); None if unknown.
        sex: ``female`` or ``male`` where the corpus states it.
        transcript: The words, if known without times.
        group: Session or dialogue; protocols may keep groups together.
        take: What may exist in several copies (twins): never on two sides of a split.
        rights: The licence of the material, as the corpus states it.
        generated: True for synthetic material; every report says so.
        details: Further columns, shown by ``fusion data inspect`` and usable for selection.
    """

    id: str
    tracks: tuple[Track, ...]
    duration: Fraction | None = None
    labels: Mapping[str, Any] = field(default_factory=dict)
    speaker: str | None = None
    sex: str | None = None
    transcript: str | None = None
    group: str | None = None
    take: str | None = None
    rights: str | None = None
    generated: bool = False
    details: Mapping[str, str] = field(default_factory=dict)

    def tracks_of(self, kind: str) -> tuple[Track, ...]:
        """The clip's tracks of one media kind, in order."""
        return tuple(track for track in self.tracks if track.kind == kind)
