"""Decoders of a CSV of values, ten a second, each with one fault. Each is registered for a media kind of its name."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from fusion.contract import Clip, DataError, Example, NoOptions, Pieces, Span, Track, Want
from tests.testing.planted.planting import planted as plant
from tests.testing.planted.planting import sound


def recording(folder: Path) -> Sequence[Example]:
    file = folder / "values.csv"
    file.write_text("\n".join(f"{np.sin(k / 3):.4f}" for k in range(41)), encoding="utf-8")
    return [Example(tracks=[Track("values", file)])]


def nothing(folder: Path) -> Sequence[Example]:
    return [Example()]


def planted(check: str, sentence: str, examples: str = "recording") -> Any:
    return plant("decoder", check, sentence, examples=f"{__name__}:{examples}")


class Source:
    missing: ClassVar[Mapping[str, str]] = {}

    def __init__(self, values: Any, start: Fraction, wants: Sequence[Want]) -> None:
        self.values, self.start, self.wants = values, start, wants
        self.done = Fraction(0)
        self.duration: Any = max(Fraction(len(values) - 1, 10) - start, Fraction(0))

    @property
    def exhausted(self) -> bool:
        return self.done >= self.duration

    def advance(self, until: Fraction) -> dict[Want, Pieces]:
        span = Span(self.done, max(self.done, min(until, self.duration)))
        self.done = span.end
        return {want: self.pieces(want, span) for want in self.wants}

    def pieces(self, want: Want, span: Span) -> Pieces:
        assert want.rate is not None
        wanted = span.indices(want.rate)
        times = np.array([float(i / want.rate + self.start) for i in wanted])
        data = np.interp(times, np.arange(len(self.values)) / 10, self.values).astype(np.float32)
        return Pieces(data, want.rate, wanted.start)

    def close(self) -> None: ...


@sound("decoder", "good", examples=f"{__name__}:recording")
class Good:
    version = 1
    source: Any = Source
    kinds: Any = ("good",)

    def __init__(self, options: NoOptions) -> None:
        self.options = options

    def __init_subclass__(cls) -> None:
        if "kinds" not in vars(cls):
            cls.kinds = (cls.__name__.lower(),)

    def open(self, clip: Clip, tracks: Sequence[Track], wants: Sequence[Want]) -> Any:
        try:
            values = np.array(tracks[0].file.read_text(encoding="utf-8").split(), np.float64)
        except ValueError as error:
            raise DataError("is no list of numbers", where=str(tracks[0].file)) from error
        if not len(values):
            raise DataError("holds no number", where=str(tracks[0].file))
        return self.source(values, tracks[0].start, wants)

    def identity(self, clip: Clip, track: Track) -> Any:
        return {}


@planted("has_a_version", "it has no version; write version = 1 in the class")
class Versionless(Good):
    version: Any = None


@planted("output_is_the_kept_one", "has versions {'older': 1} but its golden output has {'older': 2}")
class Older(Good): ...


@planted("builds", "its kinds are ('values',); let kinds be a tuple with the name it is registered by: ('othername',)")
class OtherName(Good):
    kinds = ("values",)


@planted("decodes_its_recording", "there is nothing to decode; register it with examples=", "nothing")
class Untold(Good): ...


class TwiceAsFast(Source):
    def pieces(self, want: Want, span: Span) -> Pieces:
        made = super().pieces(want, span)
        return Pieces(made.data, want.rate * 2, made.first)  # type: ignore[operator]


@planted("decodes_its_recording", "pieces that are wanted at rate 4 come at 8; sample at the want's rate")
class OtherRate(Good):
    source = TwiceAsFast


class Unending(Source):
    exhausted = False  # type: ignore[assignment]


@planted("decodes_its_recording", "the source is not exhausted after two hours of a small clip")
class Endless(Good):
    source = Unending


class ByStep(Source):
    def pieces(self, want: Want, span: Span) -> Pieces:
        made = super().pieces(want, span)
        return Pieces(made.data - (made.data[:1] if len(made) else 0), made.rate, made.first)


@planted("steps_do_not_matter", "advanced in steps of 0.333 s, it hands over other pieces")
class Stepwise(Good):
    source = ByStep


class Eager(Source):
    def advance(self, until: Fraction) -> dict[Want, Pieces]:
        return super().advance(self.duration)


@planted("does_not_run_ahead", "advanced to 0.5 s, it hands over an item at 3.")
class Ahead(Good):
    source = Eager


class Startless(Source):
    def __init__(self, values: Any, start: Fraction, wants: Sequence[Want]) -> None:
        super().__init__(values, Fraction(0), wants)


@planted("start_moves_the_clock", "a track that starts a second into its file hands over what it did without")
class Unmoved(Good):
    source = Startless


@planted("broken_files_are_refused", "a file that is something else raises")
class Trusting(Good):
    def open(self, clip: Clip, tracks: Sequence[Track], wants: Sequence[Want]) -> Any:
        values = np.array(tracks[0].file.read_text(encoding="utf-8").split(), np.float64)
        return self.source(values, tracks[0].start, wants)


@planted("broken_files_are_refused", "a file that is empty is read without complaint")
class Patient(Good):
    def open(self, clip: Clip, tracks: Sequence[Track], wants: Sequence[Want]) -> Any:
        if tracks[0].file.stat().st_size == 0:
            return self.source(np.zeros(30), tracks[0].start, wants)
        return super().open(clip, tracks, wants)


@planted("identity_is_told", "its identity is {'rate': 10}; answer a mapping of strings")
class Numbered(Good):
    def identity(self, clip: Clip, track: Track) -> Any:
        return {"rate": 10}


class Noise(Source):
    def pieces(self, want: Want, span: Span) -> Pieces:
        made = super().pieces(want, span)
        return Pieces(made.data + np.random.rand(len(made)).astype(np.float32), made.rate, made.first)


@planted("is_deterministic", "a second time it hands over other pieces")
class Noisy(Good):
    source = Noise


@planted("is_deterministic", "it changes the global state of random")
class Drawing(Good):
    def open(self, clip: Clip, tracks: Sequence[Track], wants: Sequence[Want]) -> Any:
        random.random()
        return super().open(clip, tracks, wants)
