"""The program: its commands are components, imported only when they are run."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from fusion.catalog import Catalog, Registration, catalog, engine_catalog, with_plugin_files
from fusion.catalog.discovery import failures
from fusion.cli.usage import UsageError
from fusion.contract.deprecation import ContractDeprecationWarning
from fusion.contract.errors import ComponentError, FusionError

TRACEBACK = "--traceback"
PLUGIN = "--plugin"
#: The command that must survive any plugin, and so loads none into this process.
DOCTOR = "doctor"


class LazyCommand(TyperCommand):
    """A command of which only name and summary are known until it is used.

    Args:
        registration: How a plugin announced it.
        found: The catalog that has it.
    """

    def __init__(self, registration: Registration, found: Catalog) -> None:
        super().__init__(registration.name, help=registration.summary)
        self._registration = registration
        self._catalog = found

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Import the command and let it read its arguments: from here on it stands in this one's place."""
        return self._real().make_context(info_name, args, parent=parent, **extra)

    def _real(self) -> Any:
        name = self._registration.name
        add = self._catalog.load("command", name)
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.callback()(_nothing)  # with a callback typer makes a group, also of a single command
        add(app)
        commands: dict[str, Any] = getattr(typer.main.get_command(app), "commands", {})
        if name not in commands:
            raise ComponentError(
                f"its function adds {', '.join(commands) or 'no command'} instead of '{name}'",
                where=f"command '{name}' of {self._registration.distribution}",
                remedy="report it to its authors",
            )
        return commands[name]


class LazyGroup(TyperGroup):
    """All commands that plugins announced."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's signature
        """Names in the order in which the plugins announced them."""
        return list(_registered())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - typer's signature
        """The command, not yet imported.

        Raises:
            ComponentError: There is none of this name; says which plugins failed, for one may have brought it.
        """
        if cmd_name == DOCTOR:
            return LazyCommand(engine_catalog().find("command", cmd_name), engine_catalog())
        registered = _registered()
        if cmd_name in registered:
            return LazyCommand(registered[cmd_name], catalog(strict=False))
        close = get_close_matches(cmd_name, registered, 1)
        remedy = f"did you mean '{close[0]}'?" if close else f"the commands are {', '.join(registered)}"
        failed = [plugin.name for plugin in failures(catalog(strict=False).plugins)]
        if failed:
            remedy += f" (these plugins failed: {', '.join(failed)}; see fusion plugins list)"
        raise UnknownCommandError(f"there is no command '{cmd_name}'", remedy=remedy)


class UnknownCommandError(FusionError):
    """No plugin brings the command that was typed."""

    exit_code = 64


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program and leave it: with 0, or after one sentence on standard error with the error's exit code.

    Args:
        arguments: The command line without the program's name; that of the process unless given.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    shown = TRACEBACK in given or os.environ.get("FUSION_TRACEBACK", "0") not in {"", "0"}
    warnings.formatwarning = _plainly
    try:
        rest, files = without_common(given)
        with with_plugin_files(files):
            if files and rest[:1] != [DOCTOR]:
                catalog(strict=False)  # a broken one is reported before anything of the command line is
            # Commands that start themselves again, in several processes, find in obj what was typed.
            _program()(args=rest, prog_name="fusion", obj=given)
    except FusionError as error:
        if shown:
            raise
        from fusion.training.launched import LOST, launched

        if error.exit_code != LOST or not launched():  # a launcher says it better
            print(f"fusion: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    sys.exit(0)


_formatted = warnings.formatwarning


def _plainly(message: Any, category: type[Warning], *where: Any, **more: Any) -> str:
    """A warning that is meant for people is a sentence, without the place in the code that gave it."""
    if issubclass(category, ContractDeprecationWarning):
        return f"fusion: {message}\n"
    return _formatted(message, category, *where, **more)


def without_common(given: Sequence[str]) -> tuple[list[str], list[Path]]:
    """A command line without the options that every command has, and the files that ``--plugin`` names in it.

    Raises:
        UsageError: ``--plugin`` is the last word.
    """
    rest: list[str] = []
    files: list[Path] = []
    words = iter(given)
    for word in words:
        if word == "--":
            return [*rest, word, *words], files
        if word == PLUGIN or word.startswith(f"{PLUGIN}="):
            file = next(words, "") if word == PLUGIN else word.partition("=")[2]
            if not file:
                raise UsageError("needs a file", where=PLUGIN, remedy=f"write {PLUGIN} FILE.py")
            files.append(Path(file))
        elif word != TRACEBACK:
            rest.append(word)
    return rest, files


def _program() -> Any:
    app = typer.Typer(
        cls=LazyGroup,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        # typer loads pydantic to turn an absent --help into False: here it finds False
        context_settings={"help_option_names": ["-h", "--help"], "default_map": {"help": False}},
    )
    app.callback(help="An engine that hears, sees and reads how a person speaks.")(_options)
    return typer.main.get_command(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"fusion {version('avfusion')}")
        raise typer.Exit


def _options(
    version: bool = typer.Option(
        False, "--version", help="Show the version and leave.", is_eager=True, callback=_show_version
    ),
    traceback: bool = typer.Option(False, TRACEBACK, help="Show where in the code an error came from; at any place."),
    # a flag only here: for an option with a value typer would load pydantic
    plugin: bool = typer.Option(False, PLUGIN, help="FILE: load a plugin from one Python file; at any place."),
) -> None:
    del version, traceback, plugin  # they are seen to before this is called; they stand here for the help


def _registered() -> dict[str, Registration]:
    found = catalog(strict=False)
    return {name: found.find("command", name) for name in found.announced("command")}


def _nothing() -> None:
    """Does nothing: a group's callback."""
