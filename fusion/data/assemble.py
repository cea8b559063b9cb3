"""Windows of a clip while it is being read: the same rows as from the store, without a store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from fusion.contract import Clip, DataError, FusionError, Row, Span
from fusion.data.buffers import Buffer
from fusion.data.chain import ChainBlock, ChainEnd, run_chains
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

    def add(self, event: ChainBlock | ChainEnd) -> Iterator[AssembledWindow]:
        """Take what a chain hands over, and answer the windows that it completes.

        Yields:
            Windows in order. A stream that fails half-way is absent from the windows that are still to come.
        """
        if isinstance(event, ChainEnd):
            yield from self._finish(event)
            return
        held = self._held[event.stream]
        held.pieces.add(event.row)
        held.duration = event.done_until
        if self._settings.seconds == "clip":
            return
        while self._complete(span := full_window(self._count, self._settings)):
            yield self._cut(span)

    def _complete(self, span: Span) -> bool:
        return all(held.duration >= span.end + live_context(held.plan)[1] for held in self._held.values())

    def _finish(self, end: ChainEnd) -> Iterator[AssembledWindow]:
        for name, held in self._held.items():
            error = end.failed.get(name)
            held.absence = end.absent.get(name) or (None if error is None else str(error))
            held.duration = end.duration
        for span in windows_of(end.duration, self._settings)[self._count :]:
            yield self._cut(span)

    def _cut(self, span: Span) -> AssembledWindow:
        rows = {name: cut_row(held.plan, held, span) for name, held in self._held.items()}
        self._count += 1
        if self._settings.seconds != "clip":
            needed_from = full_window(self._count, self._settings).start - self._before
            for held in self._held.values():
                held.pieces.drop_before(needed_from)
        return AssembledWindow(span, rows)


def cut_row(plan: StreamPlan, stored: RowSource, span: Span) -> Row | Absent:
    """A window's row outside training; a live step that cannot be made is an absence with its reason."""
    try:
        return window_row(plan, stored, span, training=False, random=None)
    except DataError as error:
        return Absent(str(error))
