"""Numbers on axes: round ticks, short labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """A stretch of numbers laid over pixels; ``to`` may lie before ``start``, as it does upwards."""

    first: float
    last: float
    start: float
    to: float

    def __call__(self, value: float) -> float:
        share = (value - self.first) / ((self.last - self.first) or 1.0)
        return round(self.start + share * (self.to - self.start), 2)

    def ticks(self, most: int) -> list[float]:
        """Round numbers within the stretch, at most so many."""
        low, high = sorted((self.first, self.last))
        reach = (high - low) or 1.0
        step = 10.0 ** math.floor(math.log10(reach))
        steps = [step * factor for factor in (0.1, 0.2, 0.5, 1, 2, 5, 10)]
        distance = next(one for one in steps if math.floor(high / one + 1e-9) - math.ceil(low / one - 1e-9) + 1 <= most)
        first = math.ceil(low / distance - 1e-9)
        return [round(k * distance, 10) for k in range(first, math.floor(high / distance + 1e-9) + 1)]


def labels(numbers: Sequence[float]) -> list[str]:
    """Numbers with as many digits as tell them apart; a real minus."""
    for digits in range(6):
        texts = [f"{number:.{digits}f}" for number in numbers]
        if len(set(texts)) == len(set(numbers)) and all(
            abs(float(text) - number) <= 1e-9 + 1e-3 * abs(number) for text, number in zip(texts, numbers, strict=True)
        ):
            break
    return [text.replace("-", "\N{MINUS SIGN}") if float(text) else text.lstrip("-") for text in texts]


def short(number: float) -> str:
    """One number in a few characters."""
    return f"{number:.3g}".replace("-", "\N{MINUS SIGN}")
