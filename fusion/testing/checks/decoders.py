"""Checks of decoders."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from fusion.contract import Clip, DataError, FusionError, InputMissing, Pieces, Row, Span, Track, Want
from fusion.testing.inputs import decoded, same_pieces
from fusion.testing.kit import Case, Fault, case_of, check
from fusion.testing.randomness import touched

#: Steps in which a clip is read, in seconds.
_STEPS = (Fraction(1, 3), Fraction(7, 5), Fraction(10))
#: Rates that are asked for where no installed modality asks for one.
_RATES = (Fraction(4), Fraction(25, 3))
_DECODED = ("decodes_its_recording",)


@case_of("decoder")
class DecoderCase(Case):
    """A decoder with the tracks of a small clip."""

    @property
    def tracks(self) -> Sequence[Track]:
        """What it reads."""
        if not self.example.tracks:
            raise Fault(
                "there is nothing to decode",
                "register it with examples= and give Example.tracks: two seconds or more, written into the folder",
            )
        return self.example.tracks

    @cached_property
    def wants(self) -> list[Want]:
        """As the installed modalities ask, and at other rates where they ask for a rate."""
        kind = self.subject.name
        wants: dict[Want, None] = {}
        for name in self.catalog.names("modality"):
            # A modality that cannot be built is its own check's business.
            with contextlib.suppress(Exception):
                options = self.subject.bench.subject("modality", name).examples[0].options
                need = self.catalog.build("modality", {"name": name, **options}).needs[kind]
                wants[Want(kind, need.rate, need.options)] = None
        if any(want.rate is not None for want in wants) or not wants:
            asked = next(iter(wants)).options if wants else ()
            wants |= dict.fromkeys(Want(kind, rate, asked) for rate in _RATES)
        return list(wants)

    def read(self, want: Want, step: Fraction = Fraction(1), tracks: Sequence[Track] | None = None) -> Pieces | None:
        """All pieces of a want."""
        return decoded(self.build(), self.tracks if tracks is None else tracks, want, step)[0]

    def golden(self) -> tuple[dict[str, int], Row]:
        """The version, and the pieces of every want that are arrays."""
        row: dict[str, Pieces] = {}
        for want in self.wants:
            pieces = self.read(want)
            if pieces is not None and isinstance(pieces.data, np.ndarray) and pieces.data.dtype.kind in "biuf":
                row[f"{want.kind} at {want.rate}"] = pieces
        return {self.subject.name: self.instance.version}, row


@check("decoder", remedy="construct it from its options alone", needs=("examples_are_usable",))
def builds(case: DecoderCase) -> None:
    """It is constructed from its options, and names the media kinds that it reads."""
    kinds = getattr(case.instance, "kinds", None)
    if not isinstance(kinds, tuple) or case.subject.name not in kinds:
        raise Fault(f"its kinds are {kinds!r}", f"let kinds be a tuple with the name it is registered by: "
                    f"('{case.subject.name}',)")  # fmt: skip


@check("decoder", remedy="hand over fusion.contract.Pieces before the end, then be exhausted and know the duration")
def decodes_its_recording(case: DecoderCase) -> None:
    """It hands over pieces at the wanted rates, from second 0 to the clip's end."""
    for want in case.wants:
        pieces, duration = decoded(case.build(), case.tracks, want)
        if pieces is None or not len(pieces):
            raise Fault(f"nothing comes of {want}")
        if want.rate is not None and pieces.rate != want.rate:
            raise Fault(
                f"pieces that are wanted at rate {want.rate} come at {pieces.rate}", "sample at the want's rate"
            )
        if duration < 2:
            raise Fault(f"its example lasts {float(duration):.3g} s", "let Example.tracks last two seconds or more")
        if pieces.rate is not None:
            grid = Span(Fraction(0), duration).indices(pieces.rate)
            if pieces.first < 0 or pieces.first + len(pieces) > grid.stop:
                raise Fault(
                    f"it hands over items {pieces.first} to {pieces.first + len(pieces) - 1} of a clip with items 0 to "
                    f"{grid.stop - 1}",
                    "let item i lie at i / rate seconds of the clip",
                )
        elif pieces.times is not None and (np.any(np.diff(pieces.times) < 0) or pieces.times[-1] > float(duration)):
            raise Fault("the times of its pieces run backwards, or beyond the clip's end")
        values = pieces.data
        if isinstance(values, np.ndarray) and values.dtype.kind == "f" and not np.isfinite(values).all():
            raise Fault("it hands over NaN or infinity", "raise DataError where a file holds such values")


@check("decoder", remedy="keep to the clip's clock: item i lies at i / rate, whatever was asked before", needs=_DECODED)
def steps_do_not_matter(case: DecoderCase) -> None:
    """However a source is advanced, the same pieces come, each once."""
    for want in case.wants:
        expected = case.read(want)
        for step in _STEPS:
            pieces = case.read(want, step)
            assert expected is not None
            difference = "nothing comes" if pieces is None else same_pieces(expected, pieces)
            if difference is not None:
                raise Fault(f"advanced in steps of {float(step):.3g} s, it hands over other pieces: {difference}")


@check("decoder", remedy="hand over only what begins before the asked time", needs=_DECODED)
def does_not_run_ahead(case: DecoderCase) -> None:
    """What it hands over lies before the time that it was advanced to."""
    for want in case.wants:
        source = case.build().open(Clip("kit", tuple(case.tracks)), case.tracks, [want])
        try:
            handed = source.advance(Fraction(1, 2)).get(want)
        finally:
            source.close()
            source.close()
        if handed is None or not len(handed):
            continue
        last = (handed.first + len(handed) - 1) / handed.rate if handed.rate is not None else handed.times[-1]
        if last >= Fraction(1, 2):
            raise Fault(f"advanced to 0.5 s, it hands over an item at {float(last):.3g} s")


@check("decoder", remedy="subtract the track's start from the file's times", needs=("steps_do_not_matter",))
def start_moves_the_clock(case: DecoderCase) -> None:
    """A track that starts a second into its file hands over what lies a second later."""
    for want in case.wants:
        pieces = case.read(want)
        moved = case.read(want, tracks=[replace(track, start=track.start + 1) for track in case.tracks])
        if moved is None or pieces is None:
            raise Fault("a track that starts a second into its file hands over nothing")
        if pieces.rate is None:
            assert pieces.times is not None
            assert moved.times is not None
            if abs(float(moved.times[-1]) - (float(pieces.times[-1]) - 1)) > 1e-6:
                raise Fault("a track that starts a second into its file has the same times as before")
            continue
        if pieces.rate.denominator != 1 or not isinstance(pieces.data, np.ndarray):
            continue
        later = pieces.within(Span(Fraction(1), pieces.span.end))
        count = min(len(later), len(moved.within(Span(Fraction(0), moved.span.end))))
        if not np.allclose(later.data[:count], moved.within(Span(Fraction(0), moved.span.end)).data[:count], atol=1e-4):
            raise Fault("a track that starts a second into its file hands over what it did without")


@check("decoder", remedy="raise DataError that says what the file should be", needs=_DECODED)
def broken_files_are_refused(case: DecoderCase) -> None:
    """Files that are missing, empty, cut off or something else are refused in one sentence, or read in part."""
    track = case.tracks[0]
    whole = track.file.read_bytes()
    for what, content in (("something else", b"\x00\xffno such format\n" * 9), ("empty", b""), ("missing", None)):
        broken = case.subject.folder / f"broken{track.file.suffix}"
        broken.unlink(missing_ok=True)
        if content is not None:
            broken.write_bytes(content)
        _require_refusal(case, replace(track, file=broken), what)
    cut = case.subject.folder / f"cut{track.file.suffix}"
    cut.write_bytes(whole[: len(whole) // 2])
    try:
        case.read(case.wants[0], tracks=[replace(track, file=cut)])
    except FusionError:
        return
    except Exception as error:
        raise Fault(f"a file that is cut off raises {type(error).__name__}: {error}") from error


@check("decoder", remedy="name library versions and sidecars' hashes by strings", needs=_DECODED)
def identity_is_told(case: DecoderCase) -> None:
    """What decides the pieces besides the file's bytes is told as strings, the same each time."""
    clip = Clip("kit", tuple(case.tracks))
    told = [case.build().identity(clip, case.tracks[0]) for _ in range(2)]
    if not isinstance(told[0], Mapping) or not all(
        isinstance(key, str) and isinstance(value, str) for key, value in told[0].items()
    ):
        raise Fault(f"its identity is {told[0]!r}", "answer a mapping of strings, empty where the bytes decide")
    if told[0] != told[1]:
        raise Fault("its identity changes from one time to the next", "leave out times and temporary paths")


@check("decoder", remedy="draw nothing", needs=_DECODED)
def is_deterministic(case: DecoderCase) -> None:
    """The same file gives the same pieces, and the global generators stay as they are."""
    want = case.wants[0]
    first, second = case.read(want), case.read(want)
    assert first is not None
    difference = "nothing comes" if second is None else same_pieces(first, second)
    if difference is not None:
        raise Fault(f"a second time it hands over other pieces: {difference}")
    found = touched(lambda: case.read(want))
    if found:
        raise Fault(f"it changes the global state of {' and '.join(found)}")


def _require_refusal(case: DecoderCase, track: Track, what: str) -> None:
    try:
        case.read(case.wants[0], tracks=[track])
    except (DataError, InputMissing):
        return
    except Exception as error:
        if what == "missing" and isinstance(error, FileNotFoundError):
            return  # the engine looks for files before it opens them
        raise Fault(f"a file that is {what} raises {type(error).__name__}: {error}") from error
    raise Fault(f"a file that is {what} is read without complaint")
