"""One window of a clip, with what every step of every stream's chain made of it.

The chains run as in every other job: only the steps' instances are wrapped by ones that keep what passes through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from fusion.contract import Clip, DataError, Row, Span, View
from fusion.data.assemble import AssembledWindow, ClipRows, clip_windows
from fusion.data.buffers import Buffer, beginning_within
from fusion.data.chain import ChainEnd
from fusion.data.rows import Absent
from fusion.data.stages import naming
from fusion.data.streams import Step, StreamPlan
from fusion.data.windows import full_window

if TYPE_CHECKING:
    from fusion.config.models import WindowSettings

_ZERO = Fraction(0)
_NO_CONTEXT = (_ZERO, _ZERO)


@dataclass(frozen=True, slots=True)
class StepTrace:
    """What one step made.

    Args:
        name: The transform; None for the media as they are decoded.
        scope: Where it ran: ``local``, ``clip`` or ``window``.
        row: Its answer within the window, as long as the step does not move it.
        views: What the transform tells of itself (``explain``).
    """

    name: str | None
    scope: str
    row: Row
    views: Mapping[str, View | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StreamTrace:
    """One stream's way.

    Args:
        plan: The stream.
        steps: The media and every transform, as far as the window came.
        result: The window's row, as jobs get it, or why there is none.
    """

    plan: StreamPlan
    steps: Sequence[StepTrace]
    result: Row | Absent


@dataclass(frozen=True, slots=True)
class ClipTrace:
    """A window of a clip on its way through every stream of an experiment."""

    clip: Clip
    window: Span
    streams: Sequence[StreamTrace]


def trace_clip(
    clip: Clip,
    plans: Sequence[StreamPlan],
    settings: WindowSettings,
    *,
    at: Fraction = _ZERO,
    step: Fraction = Fraction(5),
) -> ClipTrace:
    """Run the chains over a clip and keep what they make of one evaluation window.

    Args:
        clip: The clip.
        plans: Streams.
        settings: How windows are cut.
        at: The last window that begins at or before this second is kept.
        step: Seconds that are read at a time.

    Raises:
        DataError: The clip cannot be read or has nothing for any stream, or ends before ``at``.
    """
    kept = _kept_span(plans, settings, at)
    watched = [_Watched(plan, None if plan.modality.extent == "clip" else kept) for plan in plans]
    # Streams of one key share their stored part, which runs for the first of them.
    stored = {one.plan.key: one for one in reversed(watched)}
    events = clip_windows(clip, [one.watching for one in watched], settings, step=step)
    window, rows, end = _window(events, watched, settings, at)
    if window is None or all(isinstance(row, Absent) for row in rows.values()):
        for error in end.failed.values() if end is not None else ():
            raise error
        reasons = dict(end.absent) if end is not None else {}
        reasons |= {name: row.reason for name, row in rows.items() if isinstance(row, Absent)}
        told = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        raise DataError(f"no stream has anything to draw ({told or 'the clip is empty'})", where=clip.id)
    if end is not None and at >= end.duration:
        raise DataError(f"the clip ends at {float(end.duration):g} s", where=clip.id, remedy="name an earlier second")
    return ClipTrace(
        clip,
        window,
        [StreamTrace(one.plan, one.steps(stored[one.plan.key], window), rows[one.plan.name]) for one in watched],
    )


def _kept_span(plans: Sequence[StreamPlan], settings: WindowSettings, at: Fraction) -> Span | None:
    """Where the wanted window may lie, with all context; None for anywhere."""
    if settings.seconds == "clip":
        return None
    steps = [step for plan in plans for step in (*plan.stored, *plan.live)]
    reach = sum((max(step.context) for step in steps), _ZERO)
    back = settings.seconds + (settings.hop or settings.seconds)
    return Span(max(_ZERO, at - back - reach), at + settings.seconds + reach)


def _window(
    events: Iterator[ClipRows | AssembledWindow | ChainEnd],
    watched: Sequence[_Watched],
    settings: WindowSettings,
    at: Fraction,
) -> tuple[Span | None, dict[str, Row | Absent], ChainEnd | None]:
    """The wanted window and the rows of all streams; with the end, where the clip was read to it."""
    whole: Mapping[str, Row | Absent] = {}
    chosen: AssembledWindow | None = None
    number = 0
    for event in events:
        if isinstance(event, ClipRows):
            whole = event.rows
        elif isinstance(event, ChainEnd):
            rows = {**whole, **(chosen.rows if chosen is not None else {})}
            return (chosen.span if chosen is not None else None), rows, event
        else:
            if event.span.start <= at:
                chosen = event
                for live in (live for one in watched for _, live in one.live):
                    live.keep()
            number += 1
            rows = {**whole, **(chosen.rows if chosen is not None else {})}
            found = any(not isinstance(row, Absent) for row in rows.values())
            # Where nothing was found, the end knows why; where ``at`` lies behind the window, whether the clip goes on.
            reached = chosen is not None and at < chosen.span.end and _next_start(number, settings) > at
            if found and (reached or event.span.start > at):
                break
    assert chosen is not None
    return chosen.span, {**whole, **chosen.rows}, None


def _next_start(number: int, settings: WindowSettings) -> Fraction:
    return _ZERO if settings.seconds == "clip" else full_window(number, settings).start


class _Watched:
    """A stream whose steps keep what passes through them."""

    def __init__(self, plan: StreamPlan, kept: Span | None) -> None:
        self.plan = plan
        media = Step("transform", "media", _Media(), "local", _NO_CONTEXT, {})
        self.stored = [(step, _Stored(step.instance, kept)) for step in (media, *plan.stored)]
        self.live = [(step, _Live(step.instance)) for step in plan.live if step.kind == "transform"]
        self.watching = replace(
            plan,
            stored=tuple(replace(step, instance=_named(step, watch)) for step, watch in self.stored),
            live=tuple(replace(step, instance=_named(step, watch)) for step, watch in self.live),
        )

    def steps(self, shared: _Watched, window: Span) -> list[StepTrace]:
        """What the steps made of the window; shared is the stream that the stored part ran for."""
        made: list[StepTrace] = []
        before = Buffer()
        for k, (step, watch) in enumerate(shared.stored):
            if not watch.ran:
                return made
            whole = self.plan.modality.extent == "clip"
            span = Span(_ZERO, watch.until) if whole else window
            pieces = before.everything() if whole else before.within(span.extended(*step.context))
            row = watch.answers.everything() if whole else watch.answers.within(span)
            views = {} if k == 0 else _explained(step, pieces, span, watch.state)
            made.append(StepTrace(None if k == 0 else step.name, step.scope, row, views))
            before = watch.answers
        for step, live in self.live:
            if live.kept is None:
                break
            pieces, span, answer = live.kept
            made.append(StepTrace(step.name, step.scope, answer, _explained(step, pieces, span, None)))
        return made


def _explained(step: Step, pieces: Row, span: Span, state: Any) -> Mapping[str, View | None]:
    explain = getattr(step.instance, "explain", None)
    if explain is None:
        return {}
    with naming(step):
        return dict(explain(pieces, span, state))


def _named(step: Step, watch: Any) -> Any:
    """The wrapper under the name of the class that it wraps: errors name it."""
    watch.__class__ = type(type(step.instance).__name__, (type(watch),), {})
    return watch


class _Media:
    """Hands over what was decoded."""

    def start(self, clip: Clip) -> None:  # noqa: ARG002
        return None

    def update(self, state: Any, pieces: Row) -> Any:  # noqa: ARG002
        return state

    def apply(self, pieces: Row, span: Span, state: Any) -> Row:  # noqa: ARG002
        return pieces


class _Stored:
    """A step before the store: it is called block after block, once more in every pass that folds."""

    def __init__(self, instance: Any, kept: Span | None) -> None:
        self._instance = instance
        self._kept = kept
        self.answers = Buffer()
        self.ran = False
        self.until = _ZERO
        self.state: Any = None

    def start(self, clip: Clip) -> Any:
        return self._instance.start(clip)

    def update(self, state: Any, pieces: Row) -> Any:
        return self._instance.update(state, pieces)

    def apply(self, pieces: Row, span: Span, state: Any) -> Row:
        answer: Row = self._instance.apply(pieces, span, state)
        if span.start < self.until or span.start == 0:
            self.answers = Buffer()
        self.ran, self.until, self.state = True, span.end, state
        if self._kept is None or (span.start < self._kept.end and span.end > self._kept.start):
            self.answers.add({name: beginning_within(given, span) for name, given in answer.items()})
        return answer


class _Live:
    """A step after the store: it is called once for each window."""

    def __init__(self, instance: Any) -> None:
        self._instance = instance
        self._call: tuple[Row, Span, Row] | None = None
        self.kept: tuple[Row, Span, Row] | None = None

    def keep(self) -> None:
        """Keep the call for the window that has just been made; it may have failed before this step."""
        self.kept, self._call = self._call, None

    def apply(self, pieces: Row, span: Span, state: Any) -> Row:
        self._call = None
        answer: Row = self._instance.apply(pieces, span, state)
        self._call = pieces, span, answer
        return answer
