"""Small real components for tests of the data path: a plugin's own media kinds, decoded from memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from fusion.config.models import Experiment
from fusion.contract import (
    Batch,
    Clip,
    ComponentError,
    DataError,
    Fitted,
    InputSpec,
    Need,
    Pieces,
    Row,
    Span,
    Track,
    Want,
)
from fusion.data.streams import StreamPlan, plan_streams

if TYPE_CHECKING:
    from fusion.catalog import Catalog

RATE = Fraction(120)


def samples_of(clip: Clip, kind: str) -> NDArray[np.float32]:
    """The items of a kind at the rate of 120 a second, for the clip's length."""
    seed = int.from_bytes(hashlib.sha256(f"{clip.id} {kind}".encode()).digest()[:4], "little")
    assert clip.duration is not None
    count = len(Span(Fraction(0), clip.duration).indices(RATE))
    return np.random.Generator(np.random.Philox(seed)).normal(size=count).astype(np.float32)


class MemorySource:
    """Hands over pulses at 120 a second, or at a want's rate, and words of 0.4 s every 0.7 s."""

    def __init__(self, clip: Clip, tracks: Sequence[Track], wants: Sequence[Want], fail_at: Fraction | None) -> None:
        self.clip, self.wants = clip, wants
        self.missing: dict[str, str] = {
            want.kind: f"no {want.kind}" for want in wants if all(track.kind != want.kind for track in tracks)
        }
        self.done = Fraction(0)
        self.fail_at = fail_at
        self.advances: list[Fraction] = []

    @property
    def duration(self) -> Fraction | None:
        return self.clip.duration if self.exhausted else None

    @property
    def exhausted(self) -> bool:
        assert self.clip.duration is not None
        return self.done >= self.clip.duration

    def advance(self, until: Fraction) -> Mapping[Want, Pieces]:
        if self.fail_at is not None and until > self.fail_at:
            raise DataError(f"cannot be decoded after {float(self.fail_at):g} s", where=self.clip.id)
        assert self.clip.duration is not None
        span = Span(self.done, max(self.done, min(until, self.clip.duration)))
        self.done = span.end
        answer: dict[Want, Pieces] = {}
        for want in self.wants:
            if want.kind in self.missing:
                continue
            if want.kind == "gestures":
                times = np.arange(0, float(self.clip.duration), 0.7)
                words = Pieces([f"g{k}é" for k in range(len(times))], None, times=times, ends=times + 0.4)
                begin, end = np.searchsorted(times, [float(span.start), float(span.end)])
                answer[want] = Pieces(
                    words.data[begin:end], None, times=times[begin:end], ends=(times + 0.4)[begin:end]
                )
            else:
                rate = want.rate or RATE
                whole = samples_of(self.clip, want.kind)
                wanted = span.indices(rate)
                index = np.array([i * RATE // rate for i in wanted], dtype=np.int64)
                answer[want] = Pieces(whole[index], rate, wanted.start)
        return answer

    def close(self) -> None:
        self.wants = ()


@dataclass
class MemoryDecoder:
    """Decoder of one kind; ``fail`` names clips and the second at which they break."""

    kinds: tuple[str, ...]
    version: int = 1
    fail: Mapping[str, Fraction] = field(default_factory=dict)
    opened: list[MemorySource] = field(default_factory=list)

    def open(self, clip: Clip, tracks: Sequence[Track], wants: Sequence[Want]) -> MemorySource:
        self.opened.append(MemorySource(clip, tracks, wants, self.fail.get(clip.id)))
        return self.opened[-1]

    def identity(self, clip: Clip, track: Track) -> Mapping[str, str]:
        return {"memory": "1", "start": str(track.start)}


@dataclass
class Kind:
    """A modality of the given needs."""

    needs: Mapping[str, Need]
    extent: Any = "window"
    version: int = 1
    mixable: tuple[str, ...] = ()

    def absence(self, row: Row) -> str | None:
        return None if any(len(pieces) for pieces in row.values()) else "nothing there"

    def fit(self, rows: Iterable[Row]) -> Fitted:
        return {}

    def input(self, row: Row, fitted: Fitted) -> InputSpec:
        return InputSpec(dict.fromkeys(row, (None,)))

    def batch(self, rows: Sequence[Row], spans: Sequence[Span], fitted: Fitted) -> Batch:
        raise NotImplementedError


@dataclass
class Smooth:
    """Local: the sum of the items within ``context`` of each output time, at an output rate of its own."""

    rate: Fraction = Fraction(12)
    seconds: Fraction = Fraction(1, 8)
    name: str = "smooth"
    version: int = 1
    scope: Any = "local"

    @property
    def context(self) -> tuple[Fraction, Fraction]:
        return self.seconds, self.seconds

    def start(self, clip: Clip) -> None:
        return None

    def update(self, state: Any, pieces: Row) -> Any:
        return state

    def apply(self, pieces: Row, span: Span, state: Any) -> Row:
        (kind, source), *_ = pieces.items()
        wanted = span.indices(self.rate)
        assert source.rate is not None
        sums = []
        for i in wanted:
            # Each sum is over the same items in the same order, wherever the clip was cut.
            near = Span(i / self.rate - self.seconds, i / self.rate + self.seconds).indices(source.rate)
            begin, end = max(near.start - source.first, 0), max(near.stop - source.first, 0)
            sums.append(np.asarray(source.data[begin:end]).sum(dtype=np.float64))
        out = np.array(sums, dtype=np.float32)
        coarse = Fraction(7, 3)
        marks = span.indices(coarse)
        return {
            kind: Pieces(out, self.rate, wanted.start),
            "marks": Pieces(np.array(marks, np.int64).reshape(-1, 1) * np.array([1, 2]), coarse, marks.start),
        }


@dataclass
class Level:
    """Clip scope: divides by the clip's root mean square."""

    name: str = "level"
    version: int = 1
    scope: Any = "clip"
    context: tuple[Fraction, Fraction] = (Fraction(0), Fraction(0))

    def start(self, clip: Clip) -> tuple[float, int]:
        return 0.0, 0

    def update(self, state: tuple[float, int], pieces: Row) -> tuple[float, int]:
        (run, *_) = pieces.values()
        values = np.asarray(run.data, np.float64)
        return state[0] + float(np.sum(values**2)), state[1] + values.size

    def apply(self, pieces: Row, span: Span, state: tuple[float, int]) -> Row:
        level = np.float32(np.sqrt(state[0] / max(state[1], 1)))
        inside = {name: run.within(span) for name, run in pieces.items()}
        (name, *_) = inside
        first = inside[name]
        return {**inside, name: Pieces(first.data / level, first.rate, first.first)}


@dataclass
class Window:
    """Window scope: adds the window's mean."""

    name: str = "window"
    version: int = 1
    scope: Any = "window"
    context: tuple[Fraction, Fraction] = (Fraction(0), Fraction(0))

    def start(self, clip: Clip) -> None:
        return None

    def update(self, state: Any, pieces: Row) -> Any:
        return state

    def apply(self, pieces: Row, span: Span, state: Any) -> Row:
        return {
            name: run
            if isinstance(run.data, list)
            else Pieces(np.concatenate([run.data, np.full_like(run.data[:1], len(run))]), run.rate, run.first)
            for name, run in pieces.items()
        }


@dataclass
class Jitter:
    """An augmentation: adds one random number."""

    name: str = "jitter"
    size: float = 1.0

    def __call__(self, pieces: Row, span: Span, random: np.random.Generator) -> Row:
        shift = np.float32(random.normal() * self.size)
        return {name: Pieces(run.data + shift, run.rate, run.first) for name, run in pieces.items()}


@dataclass
class Refuse:
    """Local: fails on some clips once it has got so far, with a bug or with a DataError."""

    at: Fraction = Fraction(1)
    bug: bool = False
    name: str = "refuse"
    version: int = 1
    scope: Any = "local"
    context: tuple[Fraction, Fraction] = (Fraction(0), Fraction(0))

    def start(self, clip: Clip) -> None:
        return None

    def update(self, state: Any, pieces: Row) -> Any:
        return state

    def apply(self, pieces: Row, span: Span, state: Any) -> Row:
        if span.end > self.at:
            if self.bug:
                raise KeyError("oops")
            raise DataError("refused")
        return {name: run.within(span) for name, run in pieces.items()}


class Parts:
    """A catalog of ready-made instances, with the interface of the real one as far as plans ask for it."""

    def __init__(self, **instances: dict[str, Any]) -> None:
        self.instances = instances

    def names(self, kind: str, modality: str | None = None) -> tuple[str, ...]:
        return tuple(self.instances.get(kind, {}))

    def build(self, kind: str, component: Any, *args: Any, modality: str | None = None) -> Any:
        name = component if isinstance(component, str) else component.name
        if name not in self.instances.get(kind, {}):
            raise ComponentError(f"{name!r} is no {kind}")
        return self.instances[kind][name]

    def identity(self, kind: str, component: Any) -> dict[str, Any]:
        instance = self.build(kind, component)
        values = {key: str(value) for key, value in asdict(instance).items() if key not in ("opened", "fail")}
        options = component if isinstance(component, str) else component.options
        name = component if isinstance(component, str) else component.name
        return {
            "name": name,
            "version": getattr(instance, "version", None),
            "values": values,
            "options": str(options),
        }


def decoders(**fail: Mapping[str, Fraction]) -> dict[str, MemoryDecoder]:
    return {kind: MemoryDecoder((kind,), fail=fail.get(kind, {})) for kind in ("pulse", "breath", "gestures")}


def parts(fail: Mapping[str, Mapping[str, Fraction]] | None = None) -> Parts:
    return Parts(
        decoder=decoders(**(fail or {})),
        modality={
            "pulse": Kind({"pulse": Need()}),
            "slow_pulse": Kind({"pulse": Need(Fraction(20, 3))}),
            "breath": Kind({"breath": Need()}),
            "both": Kind({"pulse": Need(), "breath": Need(optional=True)}),
            "gestures": Kind({"gestures": Need()}),
            "said": Kind({"gestures": Need()}, extent="clip"),
        },
        transform={
            "smooth": Smooth(),
            "smoother": Smooth(Fraction(25), Fraction(1, 3)),
            "level": Level(),
            "window": Window(),
            "refuse": Refuse(),
            "bug": Refuse(bug=True),
        },
        augmentation={"jitter": Jitter()},
    )


def as_catalog(found: Parts) -> Catalog:
    """The same object, for type checkers."""
    return cast("Catalog", found)


def planned(found: Parts, **streams: Mapping[str, Any]) -> dict[str, StreamPlan]:
    """The plans of these streams."""
    return plan_streams(experiment(**streams), as_catalog(found))


def experiment(prepare: Mapping[str, Any] | None = None, /, **streams: Mapping[str, Any]) -> Experiment:
    """An experiment with these streams; an encoder is added where none is given."""
    return Experiment.model_validate(
        {
            "corpus": "demo",
            "target": "classes",
            "protocol": "speaker_folds",
            "streams": {name: {"encoder": "any", **stream} for name, stream in streams.items()},
            "prepare": {"workers": 0, **(prepare or {})},
        }
    )


def clip_in(
    folder: Path,
    name: str = "a",
    seconds: Fraction | str = "4.37",
    kinds: Sequence[str] = ("pulse", "breath", "gestures"),
) -> Clip:
    """A clip whose files exist (their content is the clip's name)."""
    tracks = []
    for kind in kinds:
        file = folder / f"{name}.{kind}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{name} {kind}")
        tracks.append(Track(kind, file))
    return Clip(name, tuple(tracks), duration=Fraction(seconds))


def same(first: Row, second: Row) -> None:
    """Assert that two rows are equal to the bit."""
    assert first.keys() == second.keys()
    for name, pieces in first.items():
        other = second[name]
        assert (pieces.rate, pieces.first, len(pieces)) == (other.rate, other.first, len(other)), name
        if isinstance(pieces.data, np.ndarray):
            assert pieces.data.dtype == other.data.dtype
            assert pieces.data.tobytes() == np.asarray(other.data).tobytes(), name
        else:
            assert list(pieces.data) == list(other.data)
        for one, two in ((pieces.times, other.times), (pieces.ends, other.ends)):
            assert (one is None) == (two is None)
            assert one is None or (two is not None and np.array_equal(one, two))
