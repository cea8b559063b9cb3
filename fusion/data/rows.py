"""From what is stored of a clip to the row of one window."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

from fusion.contract import DataError, Row, Span
from fusion.data.stages import naming

if TYPE_CHECKING:
    import numpy as np

    from fusion.data.streams import Step, StreamPlan

_NONE = Fraction(0)
_NO_CONTEXT = (_NONE, _NONE)


@dataclass(frozen=True, slots=True)
class Absent:
    """That a stream has nothing for a clip or window, and why."""

    reason: str


class RowSource(Protocol):
    """Where windows are cut from: a stored clip, or what a running chain has finished so far."""

    @property
    def duration(self) -> Fraction:
        """Seconds up to which there is something to cut."""
        ...

    @property
    def absence(self) -> str | None:
        """Why the stream is absent from the whole clip; None where it is present."""
        ...

    def row(self, span: Span | None) -> Row:
        """The pieces in a span, or all."""
        ...


def live_context(plan: StreamPlan) -> tuple[Fraction, Fraction]:
    """Seconds before and after a window that the stream's live steps need."""
    return _contexts(plan.live)[0]


def window_row(
    plan: StreamPlan,
    stored: RowSource,
    span: Span,
    *,
    training: bool,
    random: np.random.Generator | None,
    augmentation: str | None = None,
) -> Row | Absent:
    """One stream's row of a window: the stored slice with context, through the live steps.

    Args:
        plan: The stream.
        stored: What is stored of the clip.
        span: The window; modalities of extent clip take the whole clip instead.
        training: Whether augmentations run.
        random: What augmentations draw from, addressed by the caller; needed in training only.
        augmentation: The only one that runs, by name; all of them unless given.

    Returns:
        The row; or why there is none: the stream is absent from the clip, a live step cannot make the window's
        pieces, or the modality finds nothing of its own in them.
    """
    if stored.absence is not None:
        return Absent(stored.absence)
    whole = Span(_NONE, stored.duration)
    wanted = whole if plan.modality.extent == "clip" else span
    steps = tuple(
        step for step in plan.live if step.kind == "transform" or (training and augmentation in (None, step.name))
    )
    inside = _within(wanted, whole)
    reaches = [
        inside if context == _NO_CONTEXT else _within(wanted.extended(*context), whole) for context in _contexts(steps)
    ]
    row = stored.row(None if plan.modality.extent == "clip" else reaches[0])
    for step, reach in zip(steps, reaches[1:], strict=True):
        try:
            row = _apply(step, row, reach, random)
        except DataError as error:
            return Absent(str(error))
    reason = plan.modality.absence(row)
    return row if reason is None else Absent(reason)


def _apply(step: Step, row: Row, span: Span, random: np.random.Generator | None) -> Row:
    with naming(step):
        if step.kind == "augmentation":
            augmented: Row = step.instance(row, span, random)
            return augmented
        transformed: Row = step.instance.apply(row, span, None)
        return transformed


def _contexts(steps: tuple[Step, ...]) -> list[tuple[Fraction, Fraction]]:
    """Context that local steps still need: before each step, and none at the end.

    A transform of scope window sees the window itself.
    """
    contexts = [_NO_CONTEXT]
    for step in reversed(steps):
        if step.scope == "window" and step.kind == "transform":
            contexts.append(_NO_CONTEXT)
        elif step.context == _NO_CONTEXT:
            contexts.append(contexts[-1])
        else:
            before, after = contexts[-1]
            contexts.append((before + step.context[0], after + step.context[1]))
    return contexts[::-1]


def _within(span: Span, whole: Span) -> Span:
    start = min(max(span.start, whole.start), whole.end)
    return Span(start, max(min(span.end, whole.end), start))
