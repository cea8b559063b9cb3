"""Every page tells the truth: its commands parse, its blocks are valid, its links and names exist."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from fusion.catalog import catalog
from fusion.cli.app import _program, without_common
from fusion.config.experiment import experiment_from
from fusion.config.models import Experiment, StreamSettings
from tests.docs.pages import PAGES, ROOT, Block, all_blocks, blocks, commands, prose

BLOCKS = all_blocks()
#: What a fragment of a config is completed with.
BASE: Mapping[str, Any] = {
    "corpus": {"name": "manifest"},
    "target": {"name": "classes", "classes": ["sad", "happy"]},
    "streams": {"voice": {"modality": "audio", "encoder": "cnn"}},
    "protocol": {"name": "leave_one_speaker_out"},
}
#: Paths in backticks that a reader has, or that a job makes.
MADE = re.compile(
    r"^(~|\.fusion/|runs/|FOLD/|RUN/|FOLDER/|final/|evaluation/|clips/|entries/|temporary/|Audio_|Video_|Actor_)"
)
_LINK = re.compile(r"(?<!`)\[[^\]]+\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")


def of(*languages: str) -> list[Block]:
    return [block for block in BLOCKS if block.language in languages]


def resolved(arguments: list[str]) -> Any:
    """The context of the command that a command line means; nothing is run."""
    command, context, name = _program(), None, "fusion"
    rest, _ = without_common(arguments)
    while True:
        context = command.make_context(name, rest, parent=context)
        command = context.command
        rest = [*getattr(context, "_protected_args", ()), *context.args]
        if not hasattr(command, "get_command") or not rest:
            return context
        name, *rest = rest
        command = command.get_command(context, name)
        assert command is not None, f"there is no command {name}"


@pytest.mark.parametrize(
    ("block", "arguments"),
    [(block, arguments) for block in BLOCKS for arguments in commands(block)],
    ids=lambda value: str(value) if isinstance(value, Block) else " ".join(value),
)
def test_a_command_is_one_of_the_program(block: Block, arguments: list[str]) -> None:
    context = resolved(arguments)
    for value in context.params.values():
        if isinstance(value, Path) and value.parts[0] in {"configs", "docs"}:
            assert (ROOT / value).exists(), f"{block} names {value}"


def inline_commands() -> Iterator[tuple[str, list[str]]]:
    for page in PAGES:
        for code in _CODE.findall(prose(page).replace("\n", " ")):
            if code.startswith("fusion ") and not re.search(r"[A-Z.]{3,}", code):
                yield str(page.relative_to(ROOT)), code.split()[1:]


@pytest.mark.parametrize(("page", "words"), list(inline_commands()), ids=str)
def test_a_command_in_a_sentence_exists(page: str, words: list[str]) -> None:
    command: Any = _program()
    words, _ = without_common(words)
    for word in words:
        if word.startswith("-") or not hasattr(command, "get_command"):
            break
        context = command.make_context("fusion", [word, "--help"], resilient_parsing=True)
        command = command.get_command(context, word)
        command = command._real() if hasattr(command, "_real") else command
    options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    assert {word for word in words if word.startswith("--")} <= options, page


@pytest.mark.parametrize("block", [block for block in of("yaml") if block.file is None], ids=str)
def test_a_yaml_block_validates(block: Block) -> None:
    written = yaml.safe_load(block.text)
    assert isinstance(written, dict)
    if written.keys() <= StreamSettings.model_fields.keys():  # a part of a stream
        written = {"streams": {"x": {"modality": "audio", "encoder": "cnn", **written}}}
    assert written.keys() <= Experiment.model_fields.keys() | {"inherits"}
    written.pop("inherits", None)
    experiment_from({**BASE, **written}, str(block))


@pytest.mark.parametrize("block", of("toml", "json"), ids=str)
def test_a_toml_or_json_block_parses(block: Block) -> None:
    assert (tomllib.loads if block.language == "toml" else json.loads)(block.text)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.file is not None], ids=str)
def test_a_block_that_repeats_a_file_is_current(block: Block) -> None:
    assert block.file is not None
    assert block.text == block.file.read_text(encoding="utf-8")


def test_every_file_of_the_example_is_on_its_page() -> None:
    page = ROOT / "docs/plugins/tutorial.md"
    shown = {block.file.resolve() for block in blocks(page) if block.file is not None}
    modules = set((ROOT / "docs/examples/fusion-pulse/src").rglob("*.py"))
    assert {module for module in modules if module.name != "__init__.py"} <= shown


@pytest.mark.parametrize("block", of("python"), ids=str)
def test_a_python_block_compiles(block: Block) -> None:
    generated = "Generated by docs/generate.py" in block.page.read_text(encoding="utf-8")
    compile(f"def {block.text.strip()}: ..." if generated else block.text, str(block), "exec")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = prose(page)
    broken = []
    for target in _LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.is_relative_to(ROOT) or not file.exists():
            broken.append(target)
        elif anchor and file.suffix == ".md":
            headings = re.findall(r"^#+ +(.*)$", file.read_text(encoding="utf-8"), re.M)
            names = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            if anchor not in names:
                broken.append(target)
    assert not broken


def _settings(model: Any) -> set[str]:
    return set(model.model_fields)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_sentence_names_exists(page: Path) -> None:
    """Files of the project, keys of a config and options of commands, in backticks."""
    from fusion.config.models import FinetuneSettings, PrepareSettings, WindowSettings

    sections = {
        "finetune": _settings(FinetuneSettings), "prepare": _settings(PrepareSettings),
        "window": _settings(WindowSettings),
    }  # fmt: skip
    missing = []
    for code in _CODE.findall(prose(page)):
        section, dot, key = code.partition("=")[0].partition(":")[0].partition(".")
        if dot and section in sections and re.fullmatch(r"[a-z_]+(\.[a-z_]+)?", key):
            if key.split(".")[0] not in sections[section] and key != "md":
                missing.append(code)
        elif re.fullmatch(r"[\w\-./]+/[\w\-./]*", code) and not MADE.match(code):
            places = (ROOT / code, page.parent / code, ROOT / "fusion" / code)
            if code.split("/")[0] in {
                path.name for path in (*ROOT.iterdir(), *(ROOT / "fusion").iterdir())
            } and not any(place.exists() for place in places):
                missing.append(code)
        elif re.fullmatch(r"fusion(\.\w+)+", code) and not _importable(code):
            missing.append(code)
    assert not missing


def _importable(name: str) -> bool:
    import importlib

    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            if not hasattr(found, attribute):
                return False
            found = getattr(found, attribute)
        return True
    return False


def test_an_option_in_backticks_belongs_to_some_command() -> None:
    known = {"--help", "--check"} | {option for parameter in _program().params for option in parameter.opts}
    for script in (ROOT / "benchmarks").glob("*.py"):
        known |= set(re.findall(r'"(--[a-z-]+)"', script.read_text(encoding="utf-8")))
    pending: list[Any] = [catalog().load("command", name) for name in catalog().names("command")]
    import typer

    app = typer.Typer()
    for add in pending:
        add(app)
    commands_left = [typer.main.get_command(app)]
    while commands_left:
        command: Any = commands_left.pop()
        known |= {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        commands_left += getattr(command, "commands", {}).values()
    unknown = {
        f"{page.relative_to(ROOT)}: {word}"
        for page in PAGES
        for code in _CODE.findall(prose(page))
        for word in code.split()
        if re.fullmatch(r"--[a-z][a-z-]+", word) and word not in known
    }
    assert not unknown


def test_generated_pages_are_current() -> None:
    environment = {**os.environ, "FUSION_PLUGINS": "engine,contrastive,video,spectrogram,text,features"}
    command = [sys.executable, str(ROOT / "docs/generate.py"), "--check"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run python docs/generate.py: {done.stdout}{done.stderr}"


def test_every_page_is_listed() -> None:
    listed = {(ROOT / "docs" / target).resolve() for target in _LINK.findall(prose(ROOT / "docs/index.md"))}
    pages = {page for page in PAGES if page.is_relative_to(ROOT / "docs") and page.name != "index.md"}
    assert pages <= listed


def test_the_package_page_of_each_plugin_is_in_its_metadata() -> None:
    for folder in sorted((ROOT / "plugins").iterdir()):
        if (folder / "pyproject.toml").exists():
            project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
            first = (folder / project["readme"]).read_text(encoding="utf-8").splitlines()[0]
            assert first == f"# {project['name']}"
