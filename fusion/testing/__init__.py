"""The conformance kit: what every component of a kind must do, as small checks with names.

from fusion.testing import Check, parametrize

@parametrize("pulse")
def test_component(check: Check) -> None:
    check()
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fusion.testing.collecting import Check, checks_for, parametrize
    from fusion.testing.kit import Outcome
    from fusion.testing.raising import CheckFailed, CheckSkipped, FailureKnown

__all__ = ["Check", "CheckFailed", "CheckSkipped", "FailureKnown", "Outcome", "checks_for", "parametrize"]

_PLACES = {
    **dict.fromkeys(("Check", "checks_for", "parametrize"), "collecting"),
    **dict.fromkeys(("CheckFailed", "CheckSkipped", "FailureKnown"), "raising"),
    "Outcome": "kit",
}


def __getattr__(name: str) -> Any:
    """Import exports on use: pytest imports this package wherever the engine is installed."""
    if name in _PLACES:
        return getattr(importlib.import_module(f"fusion.testing.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'fusion.testing' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
