"""Reading a recording: a CSV file with the columns ``seconds`` and ``beats_per_minute``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from fusion.contract import Clip, DataError, NoOptions, Pieces, Span, Track, Want


class PulseDecoder:
    """Opens recordings. The engine asks for it wherever a modality needs the media kind ``pulse``."""

    version = 1
    kinds = ("pulse",)

    def __init__(self, options: NoOptions) -> None:
        self.options = options

    def open(self, clip: Clip, tracks: Sequence[Track], wants: Sequence[Want]) -> PulseSource:
        """The clip's first recording; raises DataError where the file is none."""
        track = tracks[0]
        try:
            table = np.loadtxt(track.file, delimiter=",", skiprows=1, ndmin=2, encoding="utf-8")
            seconds, beats = table.T
        except ValueError as error:
            raise DataError(
                "is no recording of a pulse", where=str(track.file), remedy="write seconds,beats_per_minute"
            ) from error
        if not len(seconds) or not np.isfinite(table).all() or np.any(np.diff(seconds) <= 0):
            raise DataError("needs ascending seconds and finite values", where=str(track.file))
        return PulseSource(seconds - float(track.start), beats, wants)

    def identity(self, clip: Clip, track: Track) -> Mapping[str, str]:
        """Nothing but the file's bytes and the track's place decides what comes out."""
        return {}


class PulseSource:
    """Hands over the heart rate along the clip's clock, on the grid that each want asks for."""

    missing: Mapping[str, str] = {}

    def __init__(self, seconds: np.ndarray, beats: np.ndarray, wants: Sequence[Want]) -> None:
        self._seconds, self._beats, self._wants = seconds, beats, wants
        self._done = Fraction(0)
        self.duration = max(Fraction(float(seconds[-1])).limit_denominator(1000), Fraction(0))

    @property
    def exhausted(self) -> bool:
        return self._done >= self.duration

    def advance(self, until: Fraction) -> Mapping[Want, Pieces]:
        """Items i/rate of the time that has not been handed over yet, before ``until``."""
        span = Span(self._done, max(self._done, min(until, self.duration)))
        self._done = span.end
        answer = {}
        for want in self._wants:
            assert want.rate is not None
            wanted = span.indices(want.rate)
            times = np.array([float(i / want.rate) for i in wanted])
            beats = np.interp(times, self._seconds, self._beats).astype(np.float32)
            answer[want] = Pieces(beats, want.rate, wanted.start)
        return answer

    def close(self) -> None:
        """Nothing stays open."""
