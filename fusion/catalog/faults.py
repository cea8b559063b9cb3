"""What a component of a plugin raises, as one sentence that names the component."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fusion.contract.errors import ComponentError, FusionError

#: Most of an exception's text that is told.
_LENGTH = 300


def told(error: BaseException) -> str:
    """An exception's type and text, in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:_LENGTH]}" if text else type(error).__name__


@contextmanager
def guarded(what: str, *, where: str | None = None, remedy: str | None = None) -> Iterator[None]:
    """Let what a component raises pass as a ComponentError; ``--traceback`` shows where it came from.

    Errors of the contract are left alone, and so is want of memory, which is nobody's mistake.

    Args:
        what: What was being done, as a clause that ``: RuntimeError: ...`` continues.
        where: The component or clip.
        remedy: What to do.

    Raises:
        ComponentError: The component raised something else than an error of the contract.
    """
    try:
        yield
    except (FusionError, MemoryError):
        raise
    except Exception as error:
        if _wants_memory(error):
            raise
        raise ComponentError(f"{what}: {told(error)}", where=where, remedy=remedy) from error


def _wants_memory(error: Exception) -> bool:
    """Whether torch, which is not imported for this, has not got the memory that it asked for."""
    return type(error).__name__ == "OutOfMemoryError" or "DefaultCPUAllocator: " in str(error)
