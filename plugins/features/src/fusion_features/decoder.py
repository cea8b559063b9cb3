"""The decoder: from a file of features to a clip's timestamped pieces."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusion.contract import Clip, DataError, Pieces, Span, Track, Want
from fusion_features.files import Asked, FeatureFile, Steps, open_features

#: The media kind; several files of a clip are told apart as ``features:NAME``.
KIND = "features"
#: Seconds of a clip of which nothing is known but features without times.
NOMINAL = Fraction(1)


@dataclass(frozen=True)
class Question:
    """What a modality asks of the decoder, as it travels in a need's options.

    Args:
        id: How a clip is called in the file; ``{id}`` stands for its id.
        id_column: See ``Asked``.
        columns: See ``Asked``.
        times: See ``Asked``.
        rate: Steps per second as a fraction's text; None for steps with times, or a single one.
    """

    id: str
    id_column: str | None
    columns: tuple[str, ...] | None
    times: str | None = None
    rate: str | None = None

    def options(self) -> tuple[tuple[str, Any], ...]:
        """For ``Need.options``."""
        return tuple((name, getattr(self, name)) for name in ("id", "id_column", "columns", "times", "rate"))

    @classmethod
    def of(cls, want: Want) -> Question:
        """The inverse of ``options``."""
        return cls(**dict(want.options))


class FeatureDecoder:
    """Finds a clip in a file of features and hands its steps over along the clip's clock."""

    version = 1
    kinds = (KIND,)

    def __init__(self, options: object) -> None:
        del options

    def open(self, clip: Clip, tracks: Sequence[Track], wants: Sequence[Want]) -> FeatureSource:
        """Every want's steps, from the first track of its kind.

        Raises:
            InputMissing: A file is gone.
            DataError: A file, or what it has of the clip, cannot be used.
        """
        answers: dict[Want, Pieces] = {}
        missing: dict[str, str] = {}
        for want in wants:
            track = next(track for track in tracks if track.kind == want.kind)
            question = Question.of(want)
            file = open_features(track.file, Asked(question.id_column, question.columns, question.times))
            names = _names(clip, question.id)
            steps = file.steps(names)
            if steps is None:
                missing[want.kind] = _not_there(track, file, question)
                continue
            where = f"{track.file}, clip {names[0]}"
            _refuse_gaps(steps, where)
            answers[want] = _placed(steps, question, track.start, where)
        return FeatureSource(answers, missing, clip.duration)

    def identity(self, clip: Clip, track: Track) -> Mapping[str, str]:
        """The id, by which the clip is found in the file."""
        del track
        return {"clip": clip.id}


class FeatureSource:
    """Hands over pieces that are in memory already."""

    def __init__(self, answers: Mapping[Want, Pieces], missing: Mapping[str, str], duration: Fraction | None) -> None:
        self._answers = answers
        self.missing = missing
        self.duration = duration or max(map(_end, answers.values()), default=NOMINAL)
        self._done = Fraction(0)

    @property
    def exhausted(self) -> bool:
        """True once the last step has been handed over."""
        return self._done >= self.duration

    def advance(self, until: Fraction) -> Mapping[Want, Pieces]:
        """The steps that begin before ``until`` and have not been handed over."""
        span = Span(self._done, max(self._done, min(until, self.duration)))
        self._done = span.end
        return {want: _beginning_in(pieces, span) for want, pieces in self._answers.items()}

    def close(self) -> None:
        """Nothing stays open."""


def _names(clip: Clip, pattern: str) -> list[str]:
    """What the clip may be called: by its id or, where that is the name of a file of its own, without the suffix."""
    names = [clip.id]
    if any(track.file.name == clip.id for track in clip.tracks):
        names.append(PurePath(clip.id).stem)
    return [pattern.replace("{id}", name) for name in names]


def _not_there(track: Track, file: FeatureFile, question: Question) -> str:
    """Without the clip's own id: reasons of many clips are counted together."""
    looks = f"; ids there look like {file.example!r}, and {question.id!r} was looked for" if file.example else ""
    return f"{track.file.name} has no features of the clip{looks}"


def _refuse_gaps(steps: Steps, where: str) -> None:
    wrong = np.argwhere(~np.isfinite(steps.values))
    if not len(wrong):
        return
    row, column = (int(place) for place in wrong[0])
    name = steps.names[column] if steps.names is not None else f"number {column + 1}"
    at = f" of step {row + 1}" if len(steps.values) > 1 else ""
    value = steps.values[row, column]
    raise DataError(
        f"{name}{at} is {'missing or no number' if np.isnan(value) else 'infinite'}",
        where=where,
        remedy="fill it in, or leave the clip out of the file, so that it counts as absent",
    )


def _placed(steps: Steps, question: Question, start: Fraction, where: str) -> Pieces:
    """Steps on the clip's clock. A single step without a time holds for the whole clip."""
    values, times = steps.values, steps.times
    if question.rate is not None:
        rate = Fraction(question.rate)
        first = round(start * rate)
        kept = values[max(first, 0) :]
        return Pieces(kept, rate, max(-first, 0))
    if times is not None:
        _check_times(times, where)
        times = times - float(start)
        inside = times >= 0
        return Pieces(values[inside], None, times=times[inside])
    if len(values) > 1:
        raise DataError(
            f"has {len(values)} rows",
            where=where,
            remedy="give every clip one row, or say where the steps of a sequence lie with `rate` or `times`",
        )
    return Pieces(values, None, times=np.zeros(1), ends=np.full(1, math.inf))


def _check_times(times: NDArray[np.float64], where: str) -> None:
    if not np.isfinite(times).all() or np.any(np.diff(times) <= 0):
        raise DataError(
            "has times that are missing or do not rise",
            where=where,
            remedy="sort its rows by time, and let no time occur twice",
        )


def _end(pieces: Pieces) -> Fraction:
    """Where pieces end; steps with times a middle step after the last."""
    if pieces.rate is not None:
        return pieces.span.end
    times = pieces.times
    if times is None or len(times) < 2:
        return NOMINAL
    return Fraction(float(times[-1] + np.median(np.diff(times)))).limit_denominator(1000)


def _beginning_in(pieces: Pieces, span: Span) -> Pieces:
    if pieces.times is None:
        return pieces.within(span)
    begin, end = np.searchsorted(pieces.times, [float(span.start), float(span.end)])
    ends = None if pieces.ends is None else pieces.ends[begin:end]
    return Pieces(pieces.data[begin:end], None, times=pieces.times[begin:end], ends=ends)
