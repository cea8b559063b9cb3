"""One thing that is wrong with an installation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Trouble:
    """What is wrong, and what to do about it; both lower case, without a full stop."""

    what: str
    remedy: str
