"""Checks of aggregators."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from fusion.contract import Fitted
from fusion.testing.checks.heads import suited
from fusion.testing.kit import Case, Fault, case_of, check
from fusion.testing.randomness import touched

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_CLASSES = 4
_ANSWERED = ("answers_probabilities",)


@case_of("aggregator")
class AggregatorCase(Case):
    """An aggregator with windows of clips for a target that it suits."""

    @cached_property
    def kinds(self) -> list[str]:
        """The kinds of targets that it does for."""
        return suited(self)

    @cached_property
    def clips(self) -> list[tuple[Array, Array]]:
        """Training clips: windows' probabilities and the target."""
        random = np.random.Generator(np.random.Philox(1))
        made = []
        for clip in range(12):
            truth = np.eye(_CLASSES)[clip % _CLASSES]
            raw = random.random((1 + clip % 5, _CLASSES)) + truth * random.random((1 + clip % 5, 1))
            made.append((raw / raw.sum(axis=1, keepdims=True), truth))
        return made

    @cached_property
    def fitted(self) -> Fitted:
        """What it fits on them."""
        fitted: Fitted = self.instance.fit([(windows.copy(), truth.copy()) for windows, truth in self.clips])
        return fitted

    def answer(self, probabilities: Array, seconds: Array | None = None, fitted: Fitted | None = None) -> Array:
        """The clip's answer."""
        seconds = np.ones(len(probabilities)) if seconds is None else seconds
        answer: Array = self.instance(probabilities.copy(), seconds, self.fitted if fitted is None else fitted)
        return answer


@check("aggregator", remedy="construct it from its options alone", needs=("examples_are_usable",))
def builds(case: AggregatorCase) -> None:
    """It is constructed from its options, and does for some kind of target."""
    for name in ("fit", "__call__"):
        if not callable(getattr(case.instance, name, None)):
            raise Fault(f"it has no {name}", "give it fit(clips) and __call__(probabilities, seconds, fitted)")
    if not case.kinds:
        raise Fault("it suits no kind of target", "let suits(options, kind) be True for one")


@check("aggregator", remedy="answer float64 [C]: what its target's probabilities are")
def answers_probabilities(case: AggregatorCase) -> None:
    """Any number of windows gives ``[C]``: finite, in 0 to 1, and a sum of 1 where one class is right."""
    certain = np.eye(_CLASSES)[[0, 1, 0]]
    for probabilities in (*(windows for windows, _ in case.clips), certain):
        answer = case.answer(probabilities)
        how = f"of {len(probabilities)} window{'s' * (len(probabilities) > 1)}"
        if not isinstance(answer, np.ndarray) or answer.shape != (_CLASSES,):
            raise Fault(f"{how} it makes {getattr(answer, 'shape', type(answer).__name__)}, not {(_CLASSES,)}")
        if not np.isfinite(answer).all():
            raise Fault(f"{how} it makes NaN or infinity", "guard logarithms: probabilities may be 0 and 1")
        if "dimensions" in case.kinds and len(case.kinds) == 1:
            continue
        if answer.min() < -1e-9 or answer.max() > 1 + 1e-9:
            raise Fault(f"{how} it makes values from {answer.min():.2g} to {answer.max():.2g}")
        if abs(answer.sum() - 1) > 1e-6:
            raise Fault(f"{how}, each of which sums to 1, it makes a sum of {answer.sum():.3g}")


@check("aggregator", remedy="let the answer lie between the windows' own", needs=_ANSWERED)
def equal_windows_agree(case: AggregatorCase) -> None:
    """A clip of equal windows gets the class of each of them, and the same answer however many there are."""
    window = np.array([[0.1, 0.6, 0.2, 0.1]])
    one, five = case.answer(window), case.answer(np.repeat(window, 5, axis=0))
    if one.argmax() != 1:
        raise Fault(f"of a window of class 1 it makes class {int(one.argmax())}")
    if not np.allclose(one, five, atol=1e-9):
        raise Fault(
            f"five equal windows give {np.round(five, 3).tolist()}, and one of them {np.round(one, 3).tolist()}"
        )


@check("aggregator", remedy="weight windows by their seconds", needs=_ANSWERED)
def the_unit_of_seconds_does_not_count(case: AggregatorCase) -> None:
    """What windows last counts relative to each other."""
    windows = case.clips[4][0]
    seconds = np.linspace(1, 3, len(windows))
    if not np.allclose(case.answer(windows, seconds), case.answer(windows, seconds * 7), atol=1e-9):
        raise Fault("its answer changes when all windows last seven times as long")


@check("aggregator", remedy="fit arrays, numbers, strings, lists and mappings of these", needs=_ANSWERED)
def fitted_survives_saving(case: AggregatorCase) -> None:
    """What it fits can be saved, and answers are the same with what is read back."""
    from fusion.inference.files import read_state, write_state

    path = case.subject.folder / "fitted.safetensors"
    try:
        write_state(path, {"fitted": dict(case.fitted)})
        again: Any = read_state(path)["fitted"]
    except Exception as error:
        raise Fault(f"what it fits cannot be saved: {type(error).__name__}: {error}") from error
    for windows, _ in case.clips:
        if not np.array_equal(case.answer(windows), case.answer(windows, fitted=again)):
            raise Fault("its answer changes with what was fitted, saved and read back")


@check("aggregator", remedy="let clips of one window, or no clips, fit something harmless", needs=_ANSWERED)
def fits_on_little(case: AggregatorCase) -> None:
    """Clips of one window each, and no clips at all, are no reason to stop."""
    for clips in ([(windows[:1], truth) for windows, truth in case.clips], []):
        try:
            answer = case.answer(case.clips[4][0], fitted=case.instance.fit(clips))
        except Exception as error:
            what = "clips of one window" if clips else "no clips"
            raise Fault(f"fitting on {what} ends in {type(error).__name__}: {error}") from error
        if not np.isfinite(answer).all():
            raise Fault("fitted on little, it makes NaN or infinity")


@check("aggregator", remedy="work on copies, and draw from a generator of its own", needs=_ANSWERED)
def leaves_everything_as_it_was(case: AggregatorCase) -> None:
    """Fitting and answering change neither inputs nor the global generators, and are repeatable."""
    clips = [(windows.copy(), truth.copy()) for windows, truth in case.clips]
    windows, seconds = case.clips[4][0].copy(), np.linspace(1, 3, len(case.clips[4][0]))

    def everything() -> None:
        case.build()(windows, seconds, case.build().fit(clips))

    found = touched(everything)
    if found:
        raise Fault(f"it changes the global state of {' and '.join(found)}")
    for (kept, _), (given, _) in zip(case.clips, clips, strict=True):
        if not np.array_equal(kept, given):
            raise Fault("fitting changes the windows that it is given")
    if not np.array_equal(windows, case.clips[4][0]):
        raise Fault("answering changes the windows that it is given")
    other = case.build()
    if not np.array_equal(other(windows, seconds, other.fit(clips)), case.answer(windows, seconds)):
        raise Fault("fitted again on the same clips, it answers otherwise")
