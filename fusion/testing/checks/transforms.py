"""Checks of transforms."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

import numpy as np

from fusion.contract import DataError, Pieces, Row, Span, Transform, View
from fusion.testing.inputs import end_of, joined, kept_row, same_rows, within
from fusion.testing.kit import Fault, NotApplicable, case_of, check
from fusion.testing.randomness import touched
from fusion.testing.streams import StreamCase, folded

_SCOPES = ("local", "clip", "window")
#: Where clips are cut, in seconds: on the grids of common rates, beside them, and into slivers.
_CUTS = (
    (Fraction(1, 2),),
    (Fraction(1, 3), Fraction(1, 3) + Fraction(1, 997), Fraction(11, 10)),
    (Fraction(1, 1000), Fraction(7, 10), Fraction(641, 500)),
)
_APPLIED = ("answers_the_span",)


@case_of("transform")
class TransformCase(StreamCase):
    """A transform with clips that went through the steps before it."""

    @property
    def rows(self) -> list[Row]:
        """Its input; copies, for the same reason as windows."""
        return [kept_row(row) for row in self._rows]

    @cached_property
    def _rows(self) -> list[Row]:
        return [self.window(media, None).row for media in self.media]

    def apply(self, row: Row, span: Span | None = None) -> Row:
        """Its output for a whole clip."""
        transform: Transform = self.instance
        whole = span or Span(Fraction(0), end_of(row))
        answer: Row = transform.apply(row, whole, folded(transform, row, [whole]))
        return answer

    def golden(self) -> tuple[dict[str, int], Row]:
        """The version, and what the output is remembered by."""
        row = {
            name: pieces
            for name, pieces in self.apply(self.rows[0]).items()
            if isinstance(pieces.data, np.ndarray) and pieces.data.dtype.kind in "biuf"
        }
        return {self.subject.name: self.instance.version}, row


@check("transform", remedy="construct it from its options alone, as the interface Transform shows it",
       needs=("examples_are_usable",))  # fmt: skip
def builds(case: TransformCase) -> None:
    """It is constructed from its options, with a scope and a context in exact seconds."""
    transform = case.instance
    scope, context = getattr(transform, "scope", None), getattr(transform, "context", None)
    if scope not in _SCOPES:
        raise Fault(f"its scope is {scope!r}", "let scope be 'local', 'clip' or 'window'")
    if not (
        isinstance(context, tuple)
        and len(context) == 2
        and all(isinstance(seconds, Fraction) and seconds >= 0 for seconds in context)
    ):
        raise Fault(f"its context is {context!r}", "let context be two Fractions, seconds before and after a span")


@check("transform", remedy="answer the pieces that begin within the span")
def answers_the_span(case: TransformCase) -> None:
    """It answers pieces by name that lie in the span, with finite values."""
    for row in case.rows:
        answer = case.apply(row)
        if not answer or not any(len(pieces) for pieces in answer.values()):
            raise Fault(
                f"it makes nothing of {', '.join(row) or 'nothing'}",
                "give Example.modality and Example.transforms that make its input",
            )
        span = Span(Fraction(0), end_of(row))
        for name, pieces in answer.items():
            if not isinstance(pieces, Pieces):
                raise Fault(f"its '{name}' are a {type(pieces).__name__}", "answer fusion.contract.Pieces")
            if isinstance(pieces.data, np.ndarray) and not np.isfinite(pieces.data.astype(np.float64)).all():
                raise Fault(f"its '{name}' hold NaN or infinity", "guard logarithms and divisions")
            if case.instance.scope == "window" or pieces.rate is None:
                continue
            wanted = span.indices(pieces.rate)
            if len(pieces) and (pieces.first < wanted.start or pieces.first + len(pieces) > wanted.stop):
                raise Fault(
                    f"its '{name}' are items {pieces.first} to {pieces.first + len(pieces) - 1} of a span with items "
                    f"{wanted.start} to {wanted.stop - 1}"
                )


@check("transform", remedy="compute from pieces of the span and its declared context alone, and raise context where "
       "that is too little", needs=_APPLIED)  # fmt: skip
def cuts_do_not_matter(case: TransformCase) -> None:
    """A clip that is cut into spans, each with the declared context, gives the same pieces as the whole."""
    transform: Transform = case.instance
    if transform.scope == "window":
        raise NotApplicable("its scope is window")
    for row in case.rows[:2]:
        end = end_of(row)
        state = folded(transform, row, [Span(Fraction(0), end)])
        whole = transform.apply(row, Span(Fraction(0), end), state)
        for cuts in _CUTS:
            edges = [Fraction(0), *(cut for cut in cuts if cut < end), end]
            parts: dict[str, list[Pieces]] = {}
            for start, stop in pairwise(edges):
                span = Span(start, stop)
                given = within(row, span.extended(*transform.context))
                for name, pieces in transform.apply(given, span, state).items():
                    parts.setdefault(name, []).append(pieces.within(span))
            _compare(whole, parts, f"cut at {' and '.join(f'{float(cut):.3f}' for cut in edges[1:-1])} s")


@check("transform", remedy="fold so that the lengths of the pieces do not show in the state", needs=_APPLIED)
def folds_do_not_matter(case: TransformCase) -> None:
    """The state that is folded over a clip in pieces is worth that of the whole clip at once."""
    transform: Transform = case.instance
    if transform.scope != "clip":
        raise NotApplicable(f"its scope is {transform.scope}")
    row = case.rows[0]
    whole = Span(Fraction(0), end_of(row))
    expected = transform.apply(row, whole, folded(transform, row, [whole]))
    for cuts in _CUTS:
        edges = [Fraction(0), *(cut for cut in cuts if cut < whole.end), whole.end]
        state = folded(transform, row, [Span(*pair) for pair in pairwise(edges)])
        difference = same_rows(expected, transform.apply(row, whole, state))
        if difference is not None:
            raise Fault(f"another state comes of folding the clip in pieces: {difference}")


@check("transform", remedy="work on copies", needs=_APPLIED)
def inputs_stay_as_they_are(case: TransformCase) -> None:
    """Applying it changes neither the pieces that it is given nor what it answered before."""
    row = case.rows[0]
    before = kept_row(row)
    answer = case.apply(row)
    kept = kept_row(answer)
    case.apply(case.rows[1])
    for what, one, other in (("its input", before, row), ("its earlier answer", kept, answer)):
        difference = same_rows(one, other)
        if difference is not None:
            raise Fault(f"it changes {what}: {difference}")


@check("transform", remedy="seed what it draws by the clip's id and an option", needs=_APPLIED)
def is_deterministic(case: TransformCase) -> None:
    """The same pieces give the same answer, from another instance and whatever the global generators hold."""
    first = case.apply(case.rows[0])
    np.random.seed(1)
    other = TransformCase(case.subject, case.example)
    difference = same_rows(first, other.apply(case.rows[0]))
    if difference is not None:
        raise Fault(f"a second time it answers otherwise: {difference}")


@check("transform", remedy="draw from a generator of its own", needs=_APPLIED)
def global_randomness_stays(case: TransformCase) -> None:
    """Building and applying it leaves the global generators as they are."""
    found = touched(lambda: TransformCase(case.subject, case.example).apply(case.rows[0]))
    if found:
        raise Fault(f"it changes the global state of {' and '.join(found)}")


@check("transform", remedy="answer no pieces, or raise DataError", needs=_APPLIED)
def nothing_gives_nothing(case: TransformCase) -> None:
    """Pieces without items make an answer without items, or a DataError."""
    empty = {
        name: within({name: pieces}, Span(Fraction(0), Fraction(0)))[name] for name, pieces in case.rows[0].items()
    }
    span = Span(Fraction(0), Fraction(0))
    try:
        answer = case.instance.apply(empty, span, folded(case.instance, case.rows[0], [Span(span.start, Fraction(1))]))
    except DataError:
        return
    except Exception as error:
        raise Fault(f"pieces without items raise {type(error).__name__}: {error}") from error
    made = [name for name, pieces in answer.items() if len(pieces)]
    if made and case.instance.scope != "window":
        raise Fault(f"it makes {len(answer[made[0]])} items of '{made[0]}' from none")


@check("transform", remedy="answer a mapping from names to fusion.contract.View; None, and views without data, under "
       "names of the answer only", needs=_APPLIED)  # fmt: skip
def explains_its_answer(case: TransformCase) -> None:
    """Where it has a method explain, that answers views and leaves what it is given alone."""
    explain = getattr(case.instance, "explain", None)
    if explain is None:
        raise NotApplicable("it has no method explain")
    row = case.rows[0]
    span = Span(Fraction(0), end_of(row))
    before, state = kept_row(row), folded(case.instance, row, [span])
    answer = case.instance.apply(row, span, state)
    views = explain(row, span, state)
    difference = same_rows(before, row)
    if difference is not None:
        raise Fault(f"explain changes its input: {difference}", "work on copies")
    for name, view in views.items():
        if view is not None and not isinstance(view, View):
            raise Fault(f"explain tells of '{name}' by a {type(view).__name__}")
        if (view is None or view.data is None) and name not in answer:
            raise Fault(f"explain has no data for '{name}', which apply does not answer")
    difference = same_rows(answer, case.instance.apply(row, span, state))
    if difference is not None:
        raise Fault(f"its answer changes once it has explained itself: {difference}", "leave the state alone")


def _compare(whole: Row, parts: dict[str, Sequence[Pieces]] | dict[str, list[Pieces]], how: str) -> None:
    if whole.keys() != parts.keys():
        raise Fault(f"{how}, it answers {', '.join(parts) or 'nothing'} instead of {', '.join(whole)}")
    try:
        together = {name: joined(runs) for name, runs in parts.items()}
    except ValueError as error:
        raise Fault(f"{how}, its answers do not continue each other: {error}") from error
    difference = same_rows(whole, together)
    if difference is not None:
        raise Fault(f"{how}, its answer changes: {difference}")
