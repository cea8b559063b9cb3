"""The stages of a chain: each holds the input that it still needs, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

from fusion.catalog.faults import guarded
from fusion.contract import Clip, ComponentError, Pieces, Row, Span
from fusion.data.buffers import Buffer, beginning_within, require_continuing
from fusion.data.streams import Step

#: States are folded in stretches of this length, so that they do not depend on how the clip is read.
FOLD = Fraction(1)


class Stage:
    """A transform of scope local or clip (with its folded state) along a clip."""

    def __init__(self, step: Step, state: object) -> None:
        self._step = step
        self._state = state
        self._input = Buffer()
        self._last: dict[str, Pieces] = {}
        self._done = Fraction(0)
        self._begun = False

    def push(self, row: Row, until: Fraction, ended: bool) -> tuple[Row, Fraction] | None:
        """Take further input, and answer what it makes possible, with the second before which that is finished.

        Args:
            row: Input that continues the earlier one.
            until: Second before which the input is complete.
            ended: Whether this is the last of the clip.

        Raises:
            FusionError: The transform failed, or its answers do not continue each other.
        """
        self._input.add(row)
        before, after = self._step.context
        ready = until if ended else until - after
        if ready <= self._done and not (ended and not self._begun):
            return ({}, self._done) if ended else None
        span = Span(self._done, max(ready, self._done))
        with naming(self._step):
            answer = self._step.instance.apply(self._input.within(span.extended(before, after)), span, self._state)
            result = {name: beginning_within(pieces, span) for name, pieces in answer.items()}
            for name, pieces in result.items():
                if name in self._last:
                    require_continuing(name, self._last[name], pieces)
                if len(pieces) or name not in self._last:
                    self._last[name] = _marker(pieces)
        self._done, self._begun = span.end, True
        self._input.drop_before(self._done - before)
        return result, self._done


class Fold:
    """The state of a transform of scope clip, folded along a clip."""

    def __init__(self, step: Step, clip: Clip) -> None:
        self._step = step
        self._input = Buffer()
        self._done = Fraction(0)
        with naming(step):
            self.state: Any = step.instance.start(clip)

    def push(self, row: Row, until: Fraction, ended: bool) -> None:
        """Fold further input, complete before ``until``, in stretches of FOLD seconds; the rest where ended."""
        self._input.add(row)
        while self._done + FOLD <= until or (ended and self._done < until):
            span = Span(self._done, min(self._done + FOLD, until))
            held = self._input.everything()
            stretch = {name: beginning_within(pieces, span) for name, pieces in held.items()}
            if any(len(pieces) for pieces in stretch.values()):
                with naming(self._step):
                    self.state = self._step.instance.update(self.state, stretch)
            self._done = span.end
            self._input.drop_before(self._done)


@contextmanager
def naming(step: Step) -> Iterator[None]:
    """Turn what a component raises into an error that names it."""
    where = f"{step.kind} {step.name} ({type(step.instance).__name__})"
    remedy = f"report it to the {step.kind}'s authors; fusion plugins list says who they are"
    try:
        with guarded("fails", where=where, remedy=remedy):
            yield
    except ComponentError as error:
        raise ComponentError(error.what, where=error.where or where, remedy=error.remedy) from error


def _marker(pieces: Pieces) -> Pieces:
    """Where pieces end on their grid, without holding what they hold."""
    if pieces.rate is None:
        return Pieces((), None, 0, times=pieces.times if not len(pieces) else pieces.times[:0])  # type: ignore[index]
    return Pieces(range(len(pieces)), pieces.rate, pieces.first)
