"""Modalities of the toy rows, each with one fault."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from fusion.contract import Batch, Fitted, InputSpec, NoOptions, Row, Span
from tests.testing.planted.planting import planted as plant
from tests.testing.planted.toys import RATE, Toy, rows


def planted(check: str, sentence: str) -> Any:
    return plant("modality", check, sentence, examples=f"{rows.__module__}:rows")


@planted("has_a_version", "it has no version; write version = 1 in the class")
class Versionless(Toy):
    version: Any = None


@planted("builds", "its extent is 'song'; let extent be 'window' or 'clip'")
class Endless(Toy):
    extent: Any = "song"


@planted("builds", "its needs are None")
class Needless(Toy):
    needs = None


@planted("empty_rows_are_absent", "of a row without items it says None")
class Everpresent(Toy):
    def absence(self, row: Row) -> str | None:
        return None


@planted("empty_rows_are_absent", "a row of its example counts as absent: never")
class Neverpresent(Toy):
    def absence(self, row: Row) -> str | None:
        return "never"


@planted("fits_in_one_pass", "it fits another 'deviation' on a list than on the same rows one by one")
class TwoPasses(Toy):
    def fit(self, rows: Iterable[Row]) -> Fitted:
        mean = np.mean([row["toy"].data.mean() for row in rows])
        spread = [np.square(row["toy"].data - mean).mean() for row in rows]
        return {"mean": np.full(3, mean, np.float32), "deviation": np.full(3, np.sqrt(sum(spread) / 3) + 1, np.float32)}


@planted("fitted_survives_saving", "what it fits cannot be saved")
class Unsavable(Toy):
    def fit(self, rows: Iterable[Row]) -> Fitted:
        return {**super().fit(rows), "how": 1 + 2j}  # type: ignore[dict-item]


@planted("batches_as_declared", "its batch's values has shape (3, 12, 3), its input says (3, None, 4)")
class Misdeclared(Toy):
    def input(self, row: Row, fitted: Fitted) -> InputSpec:
        return InputSpec({"values": (None, 4), "mask": (None,)}, rate=RATE)


@planted("batches_as_declared", "its batch's values is float64; make float32")
class Double(Toy):
    def batch(self, rows: Sequence[Row], spans: Sequence[Span], fitted: Fitted) -> Batch:
        batch = super().batch(rows, spans, fitted)
        return {**batch, "values": batch["values"].double()}


@planted("batches_as_declared", "its batch has mask, more, values, its input mask, values")
class Surplus(Toy):
    def batch(self, rows: Sequence[Row], spans: Sequence[Span], fitted: Fitted) -> Batch:
        return {**super().batch(rows, spans, fitted), "more": torch.zeros(len(rows))}


@planted("batches_as_declared", "holds NaN or infinity")
class Divided(Toy):
    def batch(self, rows: Sequence[Row], spans: Sequence[Span], fitted: Fitted) -> Batch:
        batch = super().batch(rows, spans, fitted)
        return {**batch, "values": batch["values"] / 0}


@planted("mixable_keys_are_inputs", "it calls valeus mixable, which none of its examples' batches has")
class Misspelt(Toy):
    mixable = ("valeus",)


@planted("mixable_keys_are_inputs", "it calls mask mixable, which is no float tensor")
class Mixed(Toy):
    mixable = ("values", "mask")


@planted("neighbours_do_not_count", "a row's values changes with other rows beside it; batch each row by itself")
class Sociable(Toy):
    def batch(self, rows: Sequence[Row], spans: Sequence[Span], fitted: Fitted) -> Batch:
        batch = super().batch(rows, spans, fitted)
        return {**batch, "values": batch["values"] - batch["values"].mean()}


@planted("training_and_inference_batch_alike", "changes a second time, in inference")
class Moody(Toy):
    def batch(self, rows: Sequence[Row], spans: Sequence[Span], fitted: Fitted) -> Batch:
        batch = super().batch(rows, spans, fitted)
        return batch if torch.is_grad_enabled() else {**batch, "values": batch["values"] * 2}


@planted("is_deterministic", "its batch's values changes a second time; draw nothing in batch")
class Noisy(Toy):
    def batch(self, rows: Sequence[Row], spans: Sequence[Span], fitted: Fitted) -> Batch:
        batch = super().batch(rows, spans, fitted)
        if len(rows) > 1:
            batch["values"][0] += 1e-3 * torch.rand(3)
        return batch

    def __init__(self, options: NoOptions) -> None:
        super().__init__(options)


@planted("global_randomness_stays", "it changes the global state of random")
class Drawing(Toy):
    def fit(self, rows: Iterable[Row]) -> Fitted:
        random.random()
        return super().fit(rows)


@planted("inputs_stay_as_they_are", "it changes a row: 'toy'")
class Overwriting(Toy):
    def batch(self, rows: Sequence[Row], spans: Sequence[Span], fitted: Fitted) -> Batch:
        batch = super().batch(rows, spans, fitted)
        for row in rows:
            row["toy"].data[:] = np.round(row["toy"].data)
        return batch

    def input(self, row: Row, fitted: Fitted) -> InputSpec:
        return super().input(row, fitted)

    def fit(self, rows: Iterable[Row]) -> Fitted:
        return super().fit({"toy": replace(row["toy"], data=np.round(row["toy"].data))} for row in rows)


@planted("notes_are_sentences", "its notes are 'all was well'; answer a sequence of strings")
class Talkative(Toy):
    def notes(self, row: Row) -> Any:
        return "all was well"


@planted("the_clock_does_not_count", "changes when its windows lie later on the clock")
class Punctual(Toy):
    def batch(self, rows: Sequence[Row], spans: Sequence[Span], fitted: Fitted) -> Batch:
        batch = super().batch(rows, spans, fitted)
        return {**batch, "values": batch["values"] + rows[0]["toy"].first}


@planted("the_clock_does_not_count", "changes when its windows lie later on the clock")
class PunctualThroughout(Toy):
    extent = "clip"

    def batch(self, rows: Sequence[Row], spans: Sequence[Span], fitted: Fitted) -> Batch:
        batch = super().batch(rows, spans, fitted)
        return {**batch, "values": batch["values"] + float(spans[0].start)}


@planted("output_is_the_kept_one", "the output of modality changed changed (values) but its version did not")
class Changed(Toy):
    def batch(self, rows: Sequence[Row], spans: Sequence[Span], fitted: Fitted) -> Batch:
        batch = super().batch(rows, spans, fitted)
        return {**batch, "values": batch["values"] * 2}
