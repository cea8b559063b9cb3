"""Checks of commands."""

from __future__ import annotations

import contextlib
import io
from typing import Any

from fusion.testing.kit import Fault, Subject, check


@check("command", remedy="let the function take the typer application and add one command of its registered name",
       needs=("imports_quietly",), whole=True)  # fmt: skip
def adds_itself(subject: Subject) -> None:
    """Its function adds a command, or a group of commands, of the name it was registered by."""
    names = sorted(_commands(subject))
    if subject.name not in names:
        raise Fault(f"its function adds {', '.join(names) or 'nothing'} instead of '{subject.name}'")


@check("command", remedy="write a docstring for the command, and help for its arguments", needs=("adds_itself",),
       whole=True)  # fmt: skip
def has_help(subject: Subject) -> None:
    """``--help`` works and says what the command does."""
    command = _commands(subject)[subject.name]
    texts = [command.help, *(inner.help for inner in getattr(command, "commands", {}).values())]
    if not all(text and text.strip() for text in texts):
        raise Fault("it has no help text")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        command(["--help"], prog_name=subject.name)
    if subject.name not in printed.getvalue():
        raise Fault("its --help prints nothing")


def _commands(subject: Subject) -> dict[str, Any]:
    import typer
    import typer.main

    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.callback()(_nothing)  # with a callback typer makes a group, also of a single command
    try:
        subject.bench.catalog.load("command", subject.name)(app)
        found: dict[str, Any] = getattr(typer.main.get_command(app), "commands", {})
    except Exception as error:
        raise Fault(f"adding it raises {type(error).__name__}: {error}") from error
    return found


def _nothing() -> None:
    """A group's callback."""
