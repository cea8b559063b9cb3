"""Checks of augmentations."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from fusion.contract import Pieces, Row, Span
from fusion.testing.inputs import kept_row, same_rows
from fusion.testing.kit import Fault, case_of, check
from fusion.testing.randomness import touched
from fusion.testing.streams import StreamCase

if TYPE_CHECKING:
    from fusion.testing.streams import Window

#: Draws among which an augmentation with a small chance changes something.
_DRAWS = 30
_ANSWERED = ("answers_rows",)


@case_of("augmentation")
class AugmentationCase(StreamCase):
    """An augmentation with the rows of its modality."""

    def augmented(self, window: Window, seed: int) -> Row:
        """The row that it makes with a generator of its own."""
        row: Row = self.instance(window.row, window.span, _generator(seed))
        return row


def _generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


@check("augmentation", remedy="construct it from its options alone", needs=("examples_are_usable",))
def builds(case: AugmentationCase) -> None:
    """It is constructed from its options."""
    if not callable(case.instance):
        raise Fault("it cannot be called", "give it __call__(pieces, span, random)")


@check("augmentation", remedy="answer a row: pieces by name, with what was not changed as it was")
def answers_rows(case: AugmentationCase) -> None:
    """It answers rows with the names that it was given, and finite values."""
    for window in case.windows:
        for seed in range(_DRAWS):
            row = case.augmented(window, seed)
            if row.keys() != window.row.keys():
                raise Fault(f"of {', '.join(window.row)} it makes {', '.join(row) or 'nothing'}")
            for name, pieces in row.items():
                if not isinstance(pieces, Pieces):
                    raise Fault(f"its '{name}' are a {type(pieces).__name__}", "answer fusion.contract.Pieces")
                if isinstance(pieces.data, np.ndarray) and not np.isfinite(pieces.data.astype(np.float64)).all():
                    raise Fault(f"its '{name}' hold NaN or infinity", "guard logarithms and divisions")


@check("augmentation", remedy="work on copies", needs=_ANSWERED)
def inputs_stay_as_they_are(case: AugmentationCase) -> None:
    """The given pieces, which may lie in the store, stay as they are."""
    for window in case.windows:
        before = kept_row(window.row)
        for seed in range(_DRAWS):
            case.augmented(window, seed)
        difference = same_rows(before, window.row)
        if difference is not None:
            raise Fault(f"it changes its input: {difference}")


@check("augmentation", remedy="draw every number from the generator that it is handed", needs=_ANSWERED)
def draws_from_the_given_generator(case: AugmentationCase) -> None:
    """Equal generators give equal rows, from any instance, and the global ones stay as they are."""
    window = case.windows[0]
    for seed in range(_DRAWS):
        np.random.seed(seed)
        first = case.augmented(window, seed)
        np.random.seed(seed + 1)
        other: Row = case.build()(window.row, window.span, _generator(seed))
        difference = same_rows(first, other)
        if difference is not None:
            raise Fault(f"the same generator gives another row a second time: {difference}")
    found = touched(lambda: case.augmented(window, 0))
    if found:
        raise Fault(f"it changes the global state of {' and '.join(found)}")


@check("augmentation", remedy="give Example.options with which it does something", needs=_ANSWERED)
def changes_something(case: AugmentationCase) -> None:
    """Different draws give different rows."""
    window = case.windows[0]
    rows = [case.augmented(window, seed) for seed in range(_DRAWS)]
    if all(same_rows(rows[0], row) is None for row in rows[1:]):
        raise Fault(f"{_DRAWS} draws give one and the same row")


@check("augmentation", remedy="keep what the modality needs of a row: its rate, the size of its items",
       needs=_ANSWERED)  # fmt: skip
def rows_still_fit_the_modality(case: AugmentationCase) -> None:
    """Changed rows make batches of the same input, beside unchanged ones."""
    expected = case.input
    for seed in range(_DRAWS):
        window = case.windows[0]
        row = case.augmented(window, seed)
        if case.modality.absence(row) is not None:
            continue
        spec = case.modality.input(row, case.fitted)
        if (spec.shapes, spec.rate) != (expected.shapes, expected.rate):
            raise Fault(f"a changed row is another input to encoders: {dict(spec.shapes)} at {spec.rate} instead of "
                        f"{dict(expected.shapes)} at {expected.rate}")  # fmt: skip
        try:
            case.modality.batch([row, window.row], [window.span, window.span], case.fitted)
        except Exception as error:
            raise Fault(f"a changed row cannot be batched: {type(error).__name__}: {error}") from error


@check("augmentation", remedy="answer rows that are too short as they are", needs=_ANSWERED)
def short_rows_will_do(case: AugmentationCase) -> None:
    """Rows of one item, or of none, do not stop it."""
    window = case.windows[0]
    for count in (1, 0):
        row = {name: _first(pieces, count) for name, pieces in window.row.items()}
        for seed in range(_DRAWS):
            try:
                case.instance(row, Span(window.span.start, window.span.start + Fraction(1, 100)), _generator(seed))
            except Exception as error:
                what = "a row of one item" if count else "a row without items"
                raise Fault(f"{what} raises {type(error).__name__}: {error}") from error


def _first(pieces: Pieces, count: int) -> Pieces:
    cut = slice(0, count)
    times = None if pieces.times is None else pieces.times[cut]
    ends = None if pieces.ends is None else pieces.ends[cut]
    return Pieces(pieces.data[cut], pieces.rate, pieces.first, times, ends)
