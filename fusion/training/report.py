"""How jobs tell what they do: to a terminal, a log, or nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

Advance = Callable[[int, str], None]


class Reporter(Protocol):
    """Receives what a job has to say."""

    def say(self, text: str) -> None:
        """One line that stays."""
        ...

    def progress(self, description: str, total: int) -> _Progress:
        """A context manager that yields a function to advance by n steps, with a note."""
        ...


class _Progress(Protocol):
    def __enter__(self) -> Advance: ...

    def __exit__(self, *error: object) -> bool | None: ...


class Silent:
    """Says nothing: the default of every job called from Python."""

    def say(self, text: str) -> None:
        """Drop the line."""

    @contextmanager
    def progress(self, description: str, total: int) -> Iterator[Advance]:
        """Yield a function that does nothing."""
        del description, total

        def advance(steps: int, note: str = "") -> None:
            del steps, note

        yield advance
