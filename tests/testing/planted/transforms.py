"""Transforms of the toy rows, each with one fault."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from fusion.contract import Clip, NoOptions, Pieces, Row, Span, View
from tests.testing.planted.planting import planted as plant
from tests.testing.planted.planting import sound


def planted(check: str, sentence: str) -> Any:
    return plant("transform", check, sentence, modality="toy")


@sound("transform", modality="toy")
class Smooth:
    """The mean of an item and its two neighbours."""

    version = 1
    scope: Any = "local"
    context: Any = (Fraction(1, 10), Fraction(1, 10))

    def __init__(self, options: NoOptions) -> None:
        self.options = options

    def start(self, clip: Clip) -> Any:
        return None

    def update(self, state: Any, pieces: Row) -> Any:
        return state

    def apply(self, pieces: Row, span: Span, state: Any) -> Row:
        given = pieces["toy"]
        if not len(given):
            return {"toy": given}
        padded = np.concatenate([given.data[:1], given.data, given.data[-1:]])
        smooth = (padded[:-2] + padded[1:-1] + padded[2:]) / np.float32(3)
        return {"toy": self.made(replace(given, data=smooth), state).within(span)}

    def made(self, pieces: Pieces, state: Any) -> Pieces:
        return pieces


@sound("transform", modality="toy")
class Centre(Smooth):
    """The clip's mean taken away."""

    scope = "clip"

    def start(self, clip: Clip) -> Any:
        return (0, np.zeros(3))

    def update(self, state: Any, pieces: Row) -> Any:
        data = pieces["toy"].data.astype(np.float64)
        for item in data:
            state = (state[0] + 1, state[1] + item)
        return state

    def made(self, pieces: Pieces, state: Any) -> Pieces:
        return replace(pieces, data=pieces.data - (state[1] / max(state[0], 1)).astype(np.float32))


@sound("transform", modality="toy")
class Double(Smooth):
    """A window's values doubled."""

    scope = "window"
    context = (Fraction(0), Fraction(0))

    def apply(self, pieces: Row, span: Span, state: Any) -> Row:
        return {"toy": replace(pieces["toy"], data=2 * pieces["toy"].data)}


@planted("has_a_version", "its version is '1', no integer")
class Text(Smooth):
    version: Any = "1"


@planted("builds", "its scope is 'global'; let scope be 'local', 'clip' or 'window'")
class Global(Smooth):
    scope = "global"


@planted("builds", "its context is 0.1; let context be two Fractions")
class Floating(Smooth):
    context = 0.1


@planted("answers_the_span", "its 'toy' hold NaN or infinity")
class Numberless(Smooth):
    def made(self, pieces: Pieces, state: Any) -> Pieces:
        return replace(pieces, data=pieces.data / np.float32(0))


@planted("answers_the_span", "its 'toy' are items 5 to 16 of a span with items 0 to 11")
class Late(Smooth):
    def apply(self, pieces: Row, span: Span, state: Any) -> Row:
        pieces = super().apply(pieces, span, state)
        return {"toy": replace(pieces["toy"], first=pieces["toy"].first + 5)}


@planted("answers_the_span", "it makes nothing of toy")
class Silent(Smooth):
    def apply(self, pieces: Row, span: Span, state: Any) -> Row:
        return {}


@planted("cuts_do_not_matter", "cut at 0.500 s, its answer changes: 'toy'")
class Contextless(Smooth):
    context = (Fraction(0), Fraction(0))


@planted("cuts_do_not_matter", "its answers do not continue each other")
class Gaps(Smooth):
    def apply(self, pieces: Row, span: Span, state: Any) -> Row:
        answer = super().apply(pieces, span, state)["toy"]
        return {"toy": answer if span.start == 0 else replace(answer, first=answer.first + 1)}


@planted("folds_do_not_matter", "another state comes of folding the clip in pieces: 'toy'")
class Means(Centre):
    def update(self, state: Any, pieces: Row) -> Any:
        return (state[0] + 1, state[1] + (pieces["toy"].data.mean(axis=0) if len(pieces["toy"]) else 0))


@planted(
    "inputs_stay_as_they_are",
    "it changes its input: 'toy': 12 of 12 items differ, first item 0 (second 0.000); work on copies",
)
class Writing(Smooth):
    def apply(self, pieces: Row, span: Span, state: Any) -> Row:
        answer = super().apply(pieces, span, state)
        pieces["toy"].data[:] += 1
        return answer


@planted("inputs_stay_as_they_are", "it changes its earlier answer: 'toy'")
class Reusing(Smooth):
    buffer = np.zeros((99, 3), np.float32)

    def made(self, pieces: Pieces, state: Any) -> Pieces:
        self.buffer[: len(pieces)] = pieces.data
        return replace(pieces, data=self.buffer[: len(pieces)])


@planted("is_deterministic", "differ, first item 0 (second 0.000); seed what it draws by the clip's id")
class Noisy(Smooth):
    def made(self, pieces: Pieces, state: Any) -> Pieces:
        return replace(pieces, data=pieces.data + np.random.rand(*pieces.data.shape).astype(np.float32))


@planted("global_randomness_stays", "it changes the global state of numpy.random; draw from a generator of its own")
class Seeding(Smooth):
    def made(self, pieces: Pieces, state: Any) -> Pieces:
        np.random.seed(3)
        return replace(pieces, data=pieces.data + np.random.rand(len(pieces), 1).astype(np.float32) * 0)


@planted("nothing_gives_nothing", "pieces without items raise IndexError")
class Fragile(Smooth):
    def apply(self, pieces: Row, span: Span, state: Any) -> Row:
        pieces["toy"].data[0]
        return super().apply(pieces, span, state)


@planted("output_is_the_kept_one", "has versions {'older': 1} but its golden output has {'older': 2}")
class Older(Smooth):
    pass


@planted(
    "output_is_the_kept_one", "transform unkept has no golden output; keep the new output with fusion plugins check"
)
class Unkept(Smooth):
    pass


@planted("explains_its_answer", "explain tells of 'toy' by a str; answer a mapping from names to fusion.contract.View")
class Talking(Smooth):
    def explain(self, pieces: Row, span: Span, state: Any) -> dict[str, Any]:
        return {"toy": "smoothed"}


@planted("explains_its_answer", "explain has no data for 'threshold', which apply does not answer")
class Empty(Smooth):
    def explain(self, pieces: Row, span: Span, state: Any) -> dict[str, View]:
        return {"threshold": View("the threshold")}


@planted("explains_its_answer", "explain changes its input: 'toy'")
class Meddling(Smooth):
    def explain(self, pieces: Row, span: Span, state: Any) -> dict[str, View]:
        pieces["toy"].data[:] += 1
        return {"toy": View("toys")}
