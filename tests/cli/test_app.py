from __future__ import annotations

import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest
import typer

from fusion.catalog import Catalog, Registration, catalog
from fusion.catalog import components as catalog_module
from fusion.catalog.discovery import Found
from fusion.cli.app import main
from fusion.contract import DataError

pytestmark = pytest.mark.light


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code is None or isinstance(caught.value.code, int)
    return caught.value.code or 0


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A catalog with a stranger's commands only."""
    module = ModuleType("stranger_commands")

    def add_greet(app: typer.Typer) -> None:
        @app.command("greet")
        def greet(name: str, loud: bool = False) -> None:
            """Greet somebody."""
            print(f"hello {name}" + "!" * loud)

    def add_fail(app: typer.Typer) -> None:
        @app.command("fail")
        def fail() -> None:
            raise DataError("no sound", where="a.mp4", remedy="record it again")

    def add_other(app: typer.Typer) -> None:
        app.command("another")(lambda: None)

    module.add_greet, module.add_fail, module.add_other = add_greet, add_fail, add_other  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "stranger_commands", module)
    found = Found()
    for name, target in (
        ("greet", "stranger_commands:add_greet"),
        ("fail", "stranger_commands:add_fail"),
        ("wrong", "stranger_commands:add_other"),
        ("gone", "no_such_module_anywhere:add"),
    ):
        found.registrations["command", name] = Registration(
            "command", name, target, None, None, f"The summary of {name}.", "stranger", "stranger-dist", "1"
        )
    replacement = Catalog(found)
    monkeypatch.setattr(catalog_module, "_catalog", lambda files: replacement)
    return module


@pytest.mark.usefixtures("commands")
def test_help_lists_commands_with_their_summaries_and_imports_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    shown = capsys.readouterr().out
    for name in ("greet", "fail", "gone"):
        assert f"The summary of {name}." in shown


@pytest.mark.usefixtures("commands")
def test_a_command_reads_its_own_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("greet", "you", "--loud") == 0
    assert capsys.readouterr().out == "hello you!\n"
    assert run("greet", "--help") == 0
    assert "Greet somebody." in capsys.readouterr().out
    assert run("greet") == 2
    assert "Missing argument" in capsys.readouterr().err


@pytest.mark.usefixtures("commands")
def test_an_error_is_one_sentence_with_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("fail") == 65
    captured = capsys.readouterr()
    assert captured.err == "fusion: a.mp4: no sound; record it again\n"
    assert captured.out == ""


@pytest.mark.usefixtures("commands")
def test_a_traceback_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError):
        main(["fail", "--traceback"])
    monkeypatch.setenv("FUSION_TRACEBACK", "1")
    with pytest.raises(DataError):
        main(["fail"])


@pytest.mark.usefixtures("commands")
def test_commands_that_cannot_be_run_say_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("gone") == 69
    assert "'gone' fails to load from no_such_module_anywhere:add" in capsys.readouterr().err
    assert run("wrong") == 69
    assert "its function adds another instead of 'wrong'" in capsys.readouterr().err
    assert run("gret") == 64
    assert capsys.readouterr().err == "fusion: there is no command 'gret'; did you mean 'greet'?\n"


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    assert run("--version") == 0
    assert capsys.readouterr().out == f"fusion {version('avfusion')}\n"


def test_no_arguments_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    run()
    captured = capsys.readouterr()
    assert "Commands:" in captured.out + captured.err


@pytest.mark.parametrize("arguments", [["--help"], ["plugins", "list"], ["plugins", "list", "--json"]])
def test_listing_loads_nothing_heavy(arguments: list[str]) -> None:
    code = f"""
import sys
from fusion.cli.app import main
try:
    main({arguments!r})
except SystemExit as leaving:
    assert not leaving.code
print(*[name for name in ("torch", "pydantic", "numpy", "av", "cv2", "yaml") if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "\n"
    assert done.stdout


def test_every_command_of_ours_is_announced_with_a_summary() -> None:
    found: Any = catalog()
    for name in found.names("command"):
        assert found.find("command", name).summary
