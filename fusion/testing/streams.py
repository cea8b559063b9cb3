"""The way of a stream up to a component under check: media, transforms, modality, batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fusion.contract import (
    PICTURES,
    SOUND,
    WORDS,
    Clip,
    Decoder,
    Example,
    Fitted,
    InputSpec,
    Modality,
    Named,
    Row,
    Span,
    Track,
    Transform,
)
from fusion.testing.inputs import end_of, kept_row, made_rows, within
from fusion.testing.kit import Bench, Case, Fault, built

if TYPE_CHECKING:
    from fusion.contract import Batch

_OWN_KINDS = (PICTURES, SOUND, WORDS)


@dataclass(frozen=True)
class Window:
    """One row as a modality gets it, and its window."""

    row: Row
    span: Span


class StreamCase(Case):
    """A component of a stream: a modality, or a transform, augmentation or encoder with the modality it is for."""

    @cached_property
    def modality_component(self) -> Mapping[str, Any]:
        """The modality with its options.

        Raises:
            Fault: It cannot be told which.
        """
        if self.subject.kind == "modality":
            return self.component
        if self.example.modality is not None:
            return named(self.example.modality)
        name = self._modality_name()
        return {"name": name, **_first_example(self.subject.bench, "modality", name).options}

    def _modality_name(self) -> str:
        registration = self.subject.registration
        if registration.modality is not None:
            return registration.modality
        own = [
            name
            for name in self.catalog.names("modality")
            if self.catalog.find("modality", name).distribution == registration.distribution
        ]
        if len(own) == 1:
            return own[0]
        raise Fault(
            f"nothing says which modality it is for (its distribution has {', '.join(own) or 'none'})",
            "give Example.modality",
        )

    @cached_property
    def modality(self) -> Modality:
        """The modality, built."""
        if self.subject.kind == "modality":
            modality: Modality = self.instance
            return modality
        built_one: Modality = built(self.catalog, "modality", self.modality_component)
        return built_one

    @cached_property
    def before(self) -> list[Transform]:
        """The steps before the component (of a modality, an encoder and an augmentation: all of its stream), built."""
        steps = self.example.transforms
        if steps is None and self.subject.kind != "modality":
            name = str(self.modality_component["name"])
            steps = _first_example(self.subject.bench, "modality", name).transforms
            if self.subject.kind == "transform":
                steps = ()
        return [built(self.catalog, "transform", named(step)) for step in steps or ()]

    @cached_property
    def media(self) -> Sequence[Row]:
        """Clips as they are decoded, before any step."""
        rows = self.example.rows
        if rows is None and self.subject.kind != "modality":
            rows = _first_example(self.subject.bench, "modality", str(self.modality_component["name"])).rows
        if rows is not None:
            if len(rows) < 3:
                raise Fault(f"its example has {len(rows)} rows", "give Example.rows three of different lengths")
            return rows
        needs = dict(self.modality.needs)
        kept = self.subject.bench.kept
        key = ("media", tuple(sorted((kind, str(need.rate)) for kind, need in needs.items())))
        if key not in kept:
            decoders = {kind: _decoder(self.subject.bench, kind) for kind in needs if kind not in _OWN_KINDS}
            kept[key] = made_rows(needs, decoders)
        made: list[Row] = kept[key]
        return made

    @property
    def windows(self) -> list[Window]:
        """Rows as the modality gets them: two whole clips, and a window that begins within one.

        Copies, so that a component that writes to them is found by the check that looks for it and by no other.
        """
        return [Window(kept_row(window.row), window.span) for window in self._windows]

    @cached_property
    def _windows(self) -> list[Window]:
        return [
            *(self.window(media, None) for media in self.media[:2]),
            self.window(self.media[2], Span(end_of(self.media[2]) / 3, end_of(self.media[2]))),
        ]

    def window(self, media: Row, span: Span | None) -> Window:
        """A clip through the steps, and cut to a window; None for the whole clip."""
        whole = Span(Fraction(0), end_of(media))
        row, live = media, False
        for step in self.before:
            if step.scope == "window" and not live:
                row, live = within(row, span or whole), True
            row = step.apply(row, (span or whole) if live else whole, folded(step, row, [whole]))
        if not live and span is not None and self.modality.extent == "window":
            row = within(row, span)
        return Window(row, span or whole)

    @cached_property
    def fitted(self) -> Fitted:
        """What the modality fits on the rows."""
        return self.modality.fit(iter([window.row for window in self.windows]))

    @cached_property
    def input(self) -> InputSpec:
        """What encoders are built for."""
        return self.modality.input(self.windows[0].row, self.fitted)

    def batch(self, *places: int) -> Batch:
        """A batch of some of the windows, all unless given; made anew each time."""
        windows = self.windows
        chosen = [windows[place] for place in places] if places else windows
        return self.modality.batch([window.row for window in chosen], [window.span for window in chosen], self.fitted)


def named(component: Named) -> dict[str, Any]:
    """A component as a mapping with ``name``."""
    return {"name": component} if isinstance(component, str) else dict(component)


def folded(transform: Transform, row: Row, spans: Sequence[Span]) -> Any:
    """The state of a transform of scope clip after a clip in these stretches; None for other scopes."""
    if transform.scope != "clip":
        return None
    state = transform.start(Clip("kit", (), duration=spans[-1].end))
    for span in spans:
        state = transform.update(state, within(row, span))
    return state


def _first_example(bench: Bench, kind: str, name: str) -> Example:
    return bench.subject(kind, name).examples[0]


def _decoder(bench: Bench, kind: str) -> tuple[Decoder, Sequence[Track]]:
    """The decoder of a kind with its example's tracks; raises Fault where there is none to be had."""
    if kind not in bench.catalog.names("decoder"):
        raise Fault(f"no decoder of the media kind '{kind}' is installed", "register one, or give Example.rows")
    example = _first_example(bench, "decoder", kind)
    if not example.tracks:
        raise Fault(
            f"there is nothing to decode of the media kind '{kind}'",
            f"register the decoder '{kind}' with examples= and give Example.tracks, or give Example.rows here",
        )
    decoder: Decoder = built(bench.catalog, "decoder", {"name": kind, **example.options})
    return decoder, example.tracks
