"""Commands, each with one fault."""

from __future__ import annotations

import typer

from tests.testing.planted.planting import planted, sound


@sound("command", "greet")
def greet(app: typer.Typer) -> None:
    app.command("greet")(_greet)


def _greet(name: str = typer.Argument(help="Whom.")) -> None:
    """Greet somebody."""
    print(name)


@planted("command", "adds_itself", "its function adds greet instead of 'welcome'", "welcome")
def welcome(app: typer.Typer) -> None:
    app.command("greet")(_greet)


@planted("command", "adds_itself", "adding it raises RuntimeError: no", "failing")
def failing(app: typer.Typer) -> None:
    raise RuntimeError("no")


@planted("command", "has_help", "it has no help text; write a docstring for the command", "mute")
def mute(app: typer.Typer) -> None:
    app.command("mute")(_silent)


def _silent(name: str) -> None:
    pass
