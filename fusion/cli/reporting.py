"""What jobs say, on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fusion.cli.console import err, progress
from fusion.training.report import Advance


class TerminalReporter:
    """Lines and progress bars on standard error, so that results can be piped."""

    def say(self, text: str) -> None:
        """Print a line."""
        err.print(text, highlight=False, markup=False)

    @contextmanager
    def progress(self, description: str, total: int) -> Iterator[Advance]:
        """A bar."""
        with progress(description, total) as advance:
            yield advance
