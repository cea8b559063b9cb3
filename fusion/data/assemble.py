"""Windows of a clip while it is being read: the same rows as from the store, without a store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from fusion.contract import Clip, Row, Span
from fusion.data.buffers import Buffer
from fusion.data.chain import ChainEnd, ChainEvent, ChainStop, run_chains
from fusion.data.rows import Absent, live_context, window_row
from fusion.data.windows import full_window, windows_of

if TYPE_CHECKING:
    from fusion.config.models import WindowSettings
    from fusion.data.streams import StreamPlan

_ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class ClipRows:
    """The rows of the streams of extent clip: one each, for every window of the clip."""

    rows: Mapping[str, Row | Absent]


@dataclass(frozen=True, slots=True)
class AssembledWindow:
    """One window, with the row or the absence of every stream of extent window."""

    span: Span
    rows: Mapping[str, Row | Absent]


class _Held:
    """What of a stream is finished and still needed; windows are cut from it as from a stored clip."""

    def __init__(self, plan: StreamPlan) -> None:
        self.plan = plan
        self.duration = _ZERO
        self.absence: str | None = None
        self.pieces = Buffer()

    def row(self, span: Span | None) -> Row:
        return self.pieces.everything() if span is None else self.pieces.within(span)


class WindowAssembler:
    """Collects the blocks of running chains and hands over each evaluation window as soon as it is complete.

    Holds about one window, its hop and the step of the chains. Only for streams of extent window.
    """

    def __init__(self, plans: Sequence[StreamPlan], settings: WindowSettings) -> None:
        """For these streams, cut as the settings say."""
        self._held = {plan.name: _Held(plan) for plan in plans}
        self._settings = settings
        self._count = 0
        self._before = max((live_context(plan)[0] for plan in plans), default=_ZERO)

    def add(self, event: ChainEvent) -> Iterator[AssembledWindow]:
        """Take what running chains hand over, and answer the windows that it completes, in order.

        A stream that fails half-way is absent from the windows that are still to come.
        """
        if isinstance(event, ChainEnd):
            for held in self._held.values():
                held.duration = event.duration
            for span in windows_of(event.duration, self._settings)[self._count :]:
                yield self._cut(span)
            return
        held = self._held[event.stream]
        if isinstance(event, ChainStop):
            held.absence = event.reason
            held.pieces = Buffer()
        else:
            held.pieces.add(event.row)
            held.duration = event.done_until
        if self._settings.seconds == "clip" or all(other.absence is not None for other in self._held.values()):
            return
        while self._complete(span := full_window(self._count, self._settings)):
            yield self._cut(span)

    def _complete(self, span: Span) -> bool:
        return all(
            held.absence is not None or held.duration >= span.end + live_context(held.plan)[1]
            for held in self._held.values()
        )

    def _cut(self, span: Span) -> AssembledWindow:
        rows = {name: _row(held, span) for name, held in self._held.items()}
        self._count += 1
        if self._settings.seconds != "clip":
            needed_from = full_window(self._count, self._settings).start - self._before
            for held in self._held.values():
                held.pieces.drop_before(needed_from)
        return AssembledWindow(span, rows)


def clip_windows(
    clip: Clip,
    plans: Sequence[StreamPlan],
    settings: WindowSettings,
    *,
    step: Fraction = Fraction(5),
    longest: Fraction | None = None,
) -> Iterator[ClipRows | AssembledWindow | ChainEnd]:
    """Read a clip and hand over its windows one by one: first ClipRows, then windows in order, then the end.

    Streams of extent clip are read in a pass of their own before the others.

    Args:
        clip: The clip.
        plans: Streams of either extent.
        settings: How windows are cut.
        step: Seconds that are read at a time.
        longest: As for ``run_chains``.
    """
    whole = [plan for plan in plans if plan.modality.extent == "clip"]
    windowed = [plan for plan in plans if plan.modality.extent != "clip"]
    held = {plan.name: _Held(plan) for plan in whole}
    whole_end = ChainEnd(clip.duration or _ZERO)
    for event in run_chains(clip, whole, step=step, longest=longest) if whole else ():
        if isinstance(event, ChainEnd):
            whole_end = event
        elif isinstance(event, ChainStop):
            held[event.stream].absence = event.reason
        else:
            held[event.stream].pieces.add(event.row)
    for one in held.values():
        one.duration = whole_end.duration
    yield ClipRows({name: _row(one, Span(_ZERO, one.duration)) for name, one in held.items()})
    if not windowed:
        yield from (AssembledWindow(span, {}) for span in windows_of(whole_end.duration, settings))
        yield whole_end
        return
    assembler = WindowAssembler(windowed, settings)
    for event in run_chains(clip, windowed, step=step, longest=longest):
        yield from assembler.add(event)
        if isinstance(event, ChainEnd):
            absent, failed = {**whole_end.absent, **event.absent}, {**whole_end.failed, **event.failed}
            yield ChainEnd(event.duration, absent, failed)


def _row(held: _Held, span: Span) -> Row | Absent:
    return window_row(held.plan, held, span, training=False, random=None)
