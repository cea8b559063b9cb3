"""Errors that a person reads: one sentence that says what went wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class FusionError(Exception):
    """A problem that its reader can solve; shown as one sentence, without a traceback unless asked.

    Args:
        what: What is wrong, lower case, no full stop.
        where: The file, config key, clip id or component it concerns.
        remedy: What to do about it.
    """

    #: Exit status of a command that ends with this error (sysexits.h).
    exit_code = 1

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None) -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        message = f"{where}: {what}" if where else what
        super().__init__(f"{message}; {remedy}" if remedy else message)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.what, self.where, self.remedy))


def _rebuild(kind: type[FusionError], what: str, where: str | None, remedy: str | None) -> FusionError:
    return kind(what, where=where, remedy=remedy)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a config: the key's path (``streams.face.encoder.name``) and what about it."""

    key: str
    message: str


class ConfigError(FusionError):
    """A config cannot be used; carries every problem found, not only the first."""

    exit_code = 78

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        count = f"{len(self.problems)} problem{'s' if len(self.problems) != 1 else ''}"
        width = max((len(problem.key) for problem in self.problems), default=0)
        lines = [f"  {problem.key:<{width}}   {problem.message}" for problem in self.problems]
        super().__init__("\n".join([count, *lines]), where=source)

    def __reduce__(self) -> tuple[object, ...]:
        return (ConfigError, (self.source, self.problems))


class ComponentError(FusionError):
    """A component is unknown, failed to load, or broke its contract."""

    exit_code = 69


class DataError(FusionError):
    """Media, a manifest or a corpus cannot be read as what it claims to be."""

    exit_code = 65


class InputMissing(FusionError):  # noqa: N818 - it names what is wrong, as the others do
    """A file or folder that was named does not exist."""

    exit_code = 66


class RunError(FusionError):
    """A run's folder is busy, of another version, tampered with, or not what the job needs."""

    exit_code = 73


class LeakError(FusionError):
    """A split, a pretraining run or an evaluation would let test material into training."""

    exit_code = 65
