"""How jobs tell what they do: to a terminal, a log, or nobody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Advance(Protocol):
    """Tells of progress."""

    def __call__(self, count: int = 1, *, note: str | None = None) -> None:
        """So many more steps are done; the note says how it goes."""
        ...


class Reporter(Protocol):
    """Receives what a job has to say."""

    def say(self, text: str) -> None:
        """One line that stays."""
        ...

    def progress(self, description: str, total: int) -> AbstractContextManager[Advance]:
        """A context manager that yields a function to advance by."""
        ...


class Silent:
    """Says nothing: the default of every job called from Python."""

    def say(self, text: str) -> None:
        """Drop the line."""

    @contextmanager
    def progress(self, description: str, total: int) -> Iterator[Advance]:
        """Yield a function that does nothing."""
        del description, total

        def advance(count: int = 1, *, note: str | None = None) -> None:
            del count, note

        yield advance


def about(seconds: float) -> str:
    """How long something takes, for people: to the minute."""
    minutes = round(seconds / 60)
    return f"about {minutes} minute{'s' * (minutes != 1)}" if minutes else "less than a minute"
