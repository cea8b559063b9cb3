"""A reporter that tests listen to."""

from __future__ import annotations

from fusion.training.report import Silent


class Told(Silent):
    """Keeps what a job said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)
