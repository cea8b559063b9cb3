"""What transforms without a state share."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from fusion.contract import Clip, Row, Scope


class Stateless:
    """Nothing is folded over the clip."""

    version = 1

    def start(self, clip: Clip) -> None:  # noqa: ARG002 (the contract's interface, as everywhere below)
        return None

    def update(self, state: Any, pieces: Row) -> Any:  # noqa: ARG002
        return state


class Local(Stateless):
    """A transform whose span and declared context are all it needs."""

    scope: Scope = "local"


class Window(Stateless):
    """A transform of a window's slice."""

    scope: Scope = "window"
    context = (Fraction(0), Fraction(0))
