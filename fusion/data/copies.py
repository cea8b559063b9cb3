"""Rows of a derived manifest: pieces, repetitions and augmented copies of clips, which may stand in several parts.

They are what papers split that cut, repeat and augment first. Each row names the clip that it comes from and reads what
is stored of it, so that nothing is prepared again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from fractions import Fraction
from typing import TYPE_CHECKING

from fusion.config.models import WindowSettings
from fusion.contract import PICTURES, SOUND, Clip, ConfigError, FusionError, Problem, Span, Target, Want
from fusion.data.randomness import generator
from fusion.data.windows import windows_of
from fusion.media import open_clip

if TYPE_CHECKING:
    from fusion.config.models import CopySettings, Experiment


#: Between the id of a clip and the number of a piece of it.
_PIECE = "~piece_"


@dataclass(frozen=True, slots=True)
class CopiedClip(Clip):
    """One row of the derived manifest; tracks, labels and speaker are the origin's, and it has no take.

    Args:
        origin: The clip that it comes from.
        span: The piece of it on its clock; None for the whole.
        augmentation: The one augmentation that it always goes through, in whichever part it stands; None for none.
        settled: Whether the manifest has augmented copies, so that nothing is drawn in training.
    """

    origin: Clip = field(kw_only=True)
    span: Span | None = field(default=None, kw_only=True)
    augmentation: str | None = field(default=None, kw_only=True)
    settled: bool = field(default=False, kw_only=True)


def original(clip: Clip) -> Clip:
    """The clip that a row comes from; itself where it is no copy."""
    return clip.origin if isinstance(clip, CopiedClip) else clip


def origin_of(name: str) -> str:
    """The id of the clip that a row of this id was made of; the id itself where it is a clip's."""
    return name.rpartition(_PIECE)[0] or name


def split_rows(experiment: Experiment, clips: Sequence[Clip], target: Target) -> list[Clip]:
    """What an experiment's protocol splits: the clips, or the rows that it makes of them.

    Args:
        experiment: Whose ``copies`` say which rows.
        clips: With labels.
        target: By whose classes rows are repeated.

    Raises:
        ConfigError: Rows are to be repeated by class, but the target is not one class of several.
    """
    settings = experiment.copies
    if settings is None:
        return list(clips)
    pieces = [(clip, span, number) for clip in clips for number, span in enumerate(_pieces(clip, settings.pieces))]
    times = [1] * len(pieces)
    if settings.repeat:
        if target.kind != "single" or not target.names:
            raise ConfigError("config", [Problem("copies.repeat", "needs a target of one class of several")])
        times = _repeated([_class(clip, target) for clip, _, _ in pieces], experiment.seed)
    return [
        _row(clip, f"{clip.id}{_PIECE}{number}" + (f"~repeat_{turn}" if turn else ""), span, augmentation, settings)
        for (clip, span, number), count in zip(pieces, times, strict=True)
        for turn in range(count)
        for augmentation in (None, *settings.augmentations)
    ]


def _class(clip: Clip, target: Target) -> str:
    encoded = target.encode(clip.labels)
    assert encoded is not None
    return target.names[int(encoded.argmax())]


def _repeated(classes: Sequence[str], seed: int) -> list[int]:
    """How often each row stands there so that all classes have as many as the largest; it is drawn who comes first."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(classes):
        places.setdefault(name, []).append(place)
    most = max(map(len, places.values()))
    times = [0] * len(classes)
    for name, own in places.items():
        order = generator(seed, "repeat", name).permutation(len(own))
        for turn in range(most):
            times[own[order[turn % len(own)]]] += 1
    return times


def _row(clip: Clip, name: str, span: Span | None, augmentation: str | None, settings: CopySettings) -> CopiedClip:
    known = {one.name: getattr(clip, one.name) for one in fields(Clip)}
    known |= {"id": name if augmentation is None else f"{name}~{augmentation}", "take": None}
    settled = bool(settings.augmentations)
    return CopiedClip(**known, origin=clip, span=span, augmentation=augmentation, settled=settled)


def _pieces(clip: Clip, seconds: Fraction | None) -> tuple[Span | None, ...]:
    """As evaluation windows lie; a clip that is not longer than one, or cannot be read, is one piece."""
    if seconds is None:
        return (None,)
    duration = clip.duration if clip.duration is not None else _duration(clip)
    spans = windows_of(duration, WindowSettings(seconds=seconds))
    return spans if len(spans) > 1 else (None,)


def _duration(clip: Clip) -> Fraction:
    kinds = [kind for kind in (SOUND, PICTURES) if clip.tracks_of(kind)]
    try:
        with open_clip(clip, [Want(kinds[0])] if kinds else []) as source:
            return source.duration or Fraction(0)
    except FusionError:
        return Fraction(0)  # preparing says what is wrong with it
