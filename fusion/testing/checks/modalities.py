"""Checks of modalities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from fusion.contract import InputSpec, Need, Pieces, Row, Span
from fusion.testing.inputs import kept_row, same_rows, within
from fusion.testing.kit import Fault, NotApplicable, Subject, case_of, check
from fusion.testing.randomness import seed_all, touched
from fusion.testing.streams import StreamCase

if TYPE_CHECKING:
    from torch import Tensor

_BATCHED = ("batches_as_declared",)


@case_of("modality")
class ModalityCase(StreamCase):
    """A modality with rows that went through the steps of its example."""

    def golden(self) -> tuple[dict[str, int], Row]:
        """The version, and the batch of the rows."""
        row = {name: Pieces(np.asarray(values.numpy()), Fraction(1)) for name, values in sorted(self.batch().items())}
        return {self.subject.name: self.instance.version}, row


@check("modality", remedy="construct it from its options alone, as the interface Modality shows it",
       needs=("examples_are_usable",))  # fmt: skip
def builds(case: ModalityCase) -> None:
    """It is constructed from its options, and says what it needs and how far it extends."""
    modality = case.instance
    needs = getattr(modality, "needs", None)
    if not isinstance(needs, Mapping) or not needs or not all(isinstance(need, Need) for need in needs.values()):
        raise Fault(f"its needs are {needs!r}", "let needs map each media kind to a fusion.contract.Need")
    if getattr(modality, "extent", None) not in ("window", "clip"):
        raise Fault(f"its extent is {getattr(modality, 'extent', None)!r}", "let extent be 'window' or 'clip'")
    if not isinstance(getattr(modality, "mixable", None), tuple):
        raise Fault("it does not say which keys are mixable", "let mixable be a tuple of batch keys, empty for none")


@check("modality", remedy="answer a sentence where a row holds nothing of the modality, and None where it does")
def empty_rows_are_absent(case: ModalityCase) -> None:
    """Rows with something are present; rows whose pieces hold no items are absent, with a reason."""
    for window in case.windows:
        reason = case.instance.absence(window.row)
        if reason is not None:
            raise Fault(
                f"a row of its example counts as absent: {reason}",
                "give Example.rows or Example.transforms that make something of this modality",
            )
        empty = within(window.row, Span(Fraction(0), Fraction(0)))
        reason = case.instance.absence(empty)
        if not isinstance(reason, str) or not reason.strip():
            raise Fault(f"of a row without items it says {reason!r}")


@check("modality", remedy="loop over the rows once, and let nothing depend on how they are handed over",
       needs=("empty_rows_are_absent",))  # fmt: skip
def fits_in_one_pass(case: ModalityCase) -> None:
    """It fits on rows that come one by one, and fits the same on the same rows."""
    rows = [window.row for window in case.windows]
    first = case.instance.fit(iter(rows))
    if not isinstance(first, Mapping):
        raise Fault(f"what it fits is a {type(first).__name__}", "answer a mapping, empty where nothing is fitted")
    again = case.build().fit(list(rows))
    different = [key for key in first.keys() | again.keys() if not _same(first.get(key), again.get(key))]
    if different:
        raise Fault(f"it fits another '{sorted(different)[0]}' on a list than on the same rows one by one")


@check("modality", remedy="fit arrays, numbers, strings, lists and mappings of these", needs=("fits_in_one_pass",))
def fitted_survives_saving(case: ModalityCase) -> None:
    """What it fits can be saved, and batches are the same with what is read back."""
    from fusion.inference.files import read_state, write_state

    path = case.subject.folder / "fitted.safetensors"
    try:
        write_state(path, {"fitted": dict(case.fitted)})
        again = read_state(path)["fitted"]
    except Exception as error:
        raise Fault(f"what it fits cannot be saved: {type(error).__name__}: {error}") from error
    windows = case.windows
    batch = case.build().batch([window.row for window in windows], [window.span for window in windows], again)
    _compare_batches(case.batch(), batch, "with what was fitted, saved and read back")


@check("modality", remedy="let input describe what batch makes: each key, without the rows, None where it varies",
       needs=("fits_in_one_pass",))  # fmt: skip
def batches_as_declared(case: ModalityCase) -> None:
    """Batches have the keys and shapes of its InputSpec, a boolean mask, and finite values."""
    import torch

    spec = case.input
    if not isinstance(spec, InputSpec):
        raise Fault(f"its input is a {type(spec).__name__}", "answer a fusion.contract.InputSpec")
    for places in ((0, 1, 2), (1,)):
        batch = case.batch(*places)
        if batch.keys() != spec.shapes.keys():
            raise Fault(f"its batch has {', '.join(sorted(batch))}, its input {', '.join(sorted(spec.shapes))}")
        for key, tensor in batch.items():
            if not isinstance(tensor, torch.Tensor):
                raise Fault(f"its batch's {key} is a {type(tensor).__name__}", "make torch.Tensors")
            wanted = (len(places), *spec.shapes[key])
            fits = len(wanted) == tensor.dim() and all(
                size in (None, have) for size, have in zip(wanted, tensor.shape, strict=True)
            )
            if not fits:
                raise Fault(f"its batch's {key} has shape {tuple(tensor.shape)}, its input says {wanted}")
            if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                raise Fault(f"its batch's {key} holds NaN or infinity", "call such rows absent, or guard divisions")
            if tensor.dtype == torch.float64:
                raise Fault(f"its batch's {key} is float64", "make float32")
        if "mask" in batch and (batch["mask"].dtype != torch.bool or not bool(batch["mask"].any(dim=1).all())):
            raise Fault(
                "its mask is no bool, or holds nothing for a row", "let mask be bool, True where there is something"
            )


@check("modality", remedy="name float tensors of its batches in mixable", needs=_BATCHED, whole=True)
def mixable_keys_are_inputs(subject: Subject) -> None:
    """Whatever it calls mixable is a float tensor in the batches of one of its examples."""
    cases: list[ModalityCase] = [subject.case(example) for example in subject.examples]
    for key in cases[0].instance.mixable:
        batches = [batch for batch in (case.batch() for case in cases) if key in batch]
        if not batches:
            raise Fault(f"it calls {key} mixable, which none of its examples' batches has")
        if not batches[0][key].is_floating_point():
            raise Fault(f"it calls {key} mixable, which is no float tensor")


@check("modality", remedy="batch each row by itself, then pad", needs=_BATCHED)
def neighbours_do_not_count(case: ModalityCase) -> None:
    """A row's tensors are the same alone as in a batch, where its mask is True."""
    together = case.batch()
    for row in range(len(case.windows)):
        alone = case.batch(row)
        if "mask" in alone and int(alone["mask"].sum()) != int(together["mask"][row].sum()):
            raise Fault(f"a row's mask holds {int(together['mask'][row].sum())} steps with others beside it, and "
                        f"{int(alone['mask'].sum())} alone")  # fmt: skip
        for key, tensor in alone.items():
            one, other = _valid(alone, key, 0), _valid(together, key, row)
            if not one.equal(other):
                raise Fault(f"a row's {key} changes with other rows beside it")
            del tensor


@check("modality", remedy="let one path make batches, whatever they are for", needs=_BATCHED)
def training_and_inference_batch_alike(case: ModalityCase) -> None:
    """The same rows make the same batch again, from another instance, and in inference."""
    import torch

    expected = case.batch()
    seed_all(5)
    again = case.build()
    windows = case.windows
    with torch.inference_mode():
        batch = again.batch([window.row for window in windows], [window.span for window in windows], case.fitted)
    _compare_batches(expected, batch, "a second time, in inference")


@check("modality", remedy="draw nothing, or from a generator of its own", needs=_BATCHED)
def global_randomness_stays(case: ModalityCase) -> None:
    """Building, fitting and batching leave the global generators as they are."""

    def everything() -> None:
        modality = case.build()
        windows = case.windows
        fitted = modality.fit(iter([window.row for window in windows]))
        modality.batch([window.row for window in windows], [window.span for window in windows], fitted)

    found = touched(everything)
    if found:
        raise Fault(f"it changes the global state of {' and '.join(found)}")


@check("modality", remedy="work on copies", needs=_BATCHED)
def inputs_stay_as_they_are(case: ModalityCase) -> None:
    """Asking for absence, fitting and batching do not change the rows."""
    windows = case.windows
    before = [kept_row(window.row) for window in windows]
    case.instance.fit(iter([window.row for window in windows]))
    case.instance.batch([window.row for window in windows], [window.span for window in windows], case.fitted)
    for kept, window in zip(before, windows, strict=True):
        difference = same_rows(kept, window.row)
        if difference is not None:
            raise Fault(f"it changes a row: {difference}")


@check("modality", remedy="draw nothing in batch", needs=_BATCHED)
def is_deterministic(case: ModalityCase) -> None:
    """Batches do not depend on the global generators."""
    first = case.batch()
    seed_all(6)
    _compare_batches(first, case.batch(), "a second time")


@check("modality", remedy="answer short sentences", needs=_BATCHED)
def notes_are_sentences(case: ModalityCase) -> None:
    """Where it has notes on rows, they are strings."""
    notes = getattr(case.instance, "notes", None)
    if notes is None:
        raise NotApplicable("it has no notes")
    for window in case.windows:
        found = notes(window.row)
        if isinstance(found, str) or not isinstance(found, Sequence) or not all(isinstance(one, str) for one in found):
            raise Fault(f"its notes are {found!r}", "answer a sequence of strings, empty for most rows")


@check("modality", remedy="place rows by their window's span and their pieces' first item alone", needs=_BATCHED)
def the_clock_does_not_count(case: ModalityCase) -> None:
    """A window later on the clip's clock, with the same content, makes the same batch.

    Of extent clip, a row is the whole clip beside every window: there the window alone is later.
    """
    shifted = []
    for window in case.windows:
        rates = [pieces.rate for pieces in window.row.values() if pieces.rate is not None]
        seconds = _whole_items(rates)
        row = window.row
        if case.instance.extent == "window":
            row = {name: _later(pieces, seconds) for name, pieces in row.items()}
        shifted.append((row, Span(window.span.start + seconds, window.span.end + seconds)))
    batch = case.instance.batch([row for row, _ in shifted], [span for _, span in shifted], case.fitted)
    _compare_batches(case.batch(), batch, "when its windows lie later on the clock")


def _whole_items(rates: Sequence[Fraction]) -> Fraction:
    """Seconds that are a whole number of items at every rate."""
    seconds = Fraction(1)
    for rate in rates:
        seconds *= (seconds * rate).denominator
    return seconds


def _later(pieces: Pieces, seconds: Fraction) -> Pieces:
    if pieces.rate is not None:
        return replace(pieces, first=pieces.first + int(seconds * pieces.rate))
    assert pieces.times is not None
    ends = None if pieces.ends is None else pieces.ends + float(seconds)
    return replace(pieces, times=pieces.times + float(seconds), ends=ends)


def _valid(batch: Mapping[str, Tensor], key: str, row: int) -> Tensor:
    """A row's values, without those that its mask hides."""
    tensor = batch[key][row]
    mask = batch.get("mask")
    if key != "mask" and mask is not None and batch[key].shape[:2] == mask.shape:
        return tensor[mask[row]]
    return tensor if key != "mask" else tensor[: int(tensor.nonzero().max()) + 1]


def _compare_batches(first: Mapping[str, Tensor], second: Mapping[str, Tensor], when: str) -> None:
    for key, tensor in first.items():
        if key not in second or not tensor.equal(second[key]):
            raise Fault(f"its batch's {key} changes {when}")


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        return np.array_equal(first, second)
    return bool(first == second)
