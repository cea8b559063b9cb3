"""Augmentations of the toy rows, each with one fault."""

from __future__ import annotations

import random as python
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from fusion.contract import NoOptions, Row, Span
from tests.testing.planted.planting import planted as plant
from tests.testing.planted.planting import sound


def planted(check: str, sentence: str) -> Any:
    return plant("augmentation", check, sentence, modality="toy")


@sound("augmentation", modality="toy")
class Jitter:
    """A little noise."""

    def __init__(self, options: NoOptions) -> None:
        self.options = options

    def __call__(self, pieces: Row, span: Span, random: np.random.Generator) -> Row:
        toy = pieces["toy"]
        return {"toy": replace(toy, data=toy.data + self.noise(toy.data.shape, random))}

    def noise(self, shape: tuple[int, ...], random: np.random.Generator) -> Any:
        return random.standard_normal(shape).astype(np.float32)


@planted("builds", "it cannot be called; give it __call__(pieces, span, random)")
class Uncallable:
    def __init__(self, options: NoOptions) -> None: ...


@planted("answers_rows", "of toy it makes nothing")
class Losing(Jitter):
    def __call__(self, pieces: Row, span: Span, random: np.random.Generator) -> Row:
        return {}


@planted("inputs_stay_as_they_are", "it changes its input: 'toy'")
class Writing(Jitter):
    def __call__(self, pieces: Row, span: Span, random: np.random.Generator) -> Row:
        pieces["toy"].data[:] *= np.float32(random.random() + 1)
        return pieces


@planted("draws_from_the_given_generator", "the same generator gives another row a second time: 'toy'")
class Selfish(Jitter):
    def noise(self, shape: tuple[int, ...], random: np.random.Generator) -> Any:
        return np.random.standard_normal(shape).astype(np.float32)


@planted("draws_from_the_given_generator", "it changes the global state of random")
class Wasteful(Jitter):
    def noise(self, shape: tuple[int, ...], random: np.random.Generator) -> Any:
        python.random()
        return super().noise(shape, random)


@planted("changes_something", "30 draws give one and the same row")
class Idle(Jitter):
    def noise(self, shape: tuple[int, ...], random: np.random.Generator) -> Any:
        return np.ones(shape, np.float32)


@planted("rows_still_fit_the_modality", "a changed row is another input to encoders")
class Faster(Jitter):
    def __call__(self, pieces: Row, span: Span, random: np.random.Generator) -> Row:
        changed = super().__call__(pieces, span, random)
        return {"toy": replace(changed["toy"], rate=Fraction(20))}


@planted("rows_still_fit_the_modality", "a changed row cannot be batched: ValueError")
class Narrower(Jitter):
    def __call__(self, pieces: Row, span: Span, random: np.random.Generator) -> Row:
        changed = super().__call__(pieces, span, random)
        return {"toy": replace(changed["toy"], data=changed["toy"].data[:, :2])}


@planted("short_rows_will_do", "a row of one item raises ZeroDivisionError")
class Proud(Jitter):
    def __call__(self, pieces: Row, span: Span, random: np.random.Generator) -> Row:
        1 / (len(pieces["toy"]) - 1)
        return super().__call__(pieces, span, random)
