"""The tutorial, step by step as its page shows it: an empty folder, a fresh environment, built wheels."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.docs.pages import ROOT, blocks
from tests.packaging.conftest import Environment, require

PAGE = ROOT / "docs/plugins/tutorial.md"
EXAMPLE = ROOT / "docs/examples/fusion-pulse"


def steps() -> Iterator[str]:
    """A line of the shell for each file that the page has its reader write, and for each command."""
    for block in blocks(PAGE):
        if block.file is not None:
            file, place = block.file.resolve(), block.file.resolve().relative_to(EXAMPLE)
            copied = f"cp {shlex.quote(str(file))} {place}"
            # what the package was started with is shown, not written
            yield f"cmp {shlex.quote(str(file))} {place}" if place.name == "pyproject.toml" else copied
        elif block.language == "console":
            for line in block.text.splitlines():
                if line.startswith("$ "):
                    yield line.removeprefix("$ ")


def shown() -> list[str]:
    """The lines of output that the page promises."""
    console = [block for block in blocks(PAGE) if block.language == "console"]
    return [line for block in console for line in block.text.splitlines() if not line.startswith("$ ")]


@pytest.mark.timeout(600)
def test_the_tutorial_does_what_it_shows(
    environment: Callable[[], Environment], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, report = tmp_path / "empty", tmp_path / "report.xml"
    folder.mkdir()
    monkeypatch.setenv("PYTEST_ADDOPTS", f"--junitxml={report}")
    fresh = environment()
    printed = require(fresh.type("\n".join(steps()), folder))
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    assert [line for line in shown() if " ".join(line.split()) not in lines] == []
    checked = [case.get("name", "") for case in ET.parse(report).iter("testcase") if not len(case)]
    for component in ("modality-pulse", "decoder-pulse", "encoder-pulse_gru"):
        assert [name for name in checked if f"[pulse-{component}-" in name or f"[{component}-" in name], component
    assert "pulse (alone)" in printed
    answer = printed[printed.rindex("s04_angry_01.mp4") :]
    assert "pulse" in answer
    assert "contributes" in answer
    listed = {plugin["name"]: plugin for plugin in fresh.plugins(folder)}
    assert listed["pulse"]["offers"] == {"modality": ["pulse"], "decoder": ["pulse"], "encoder": ["pulse_gru"]}
    made = folder / "fusion-pulse"
    assert (made / "runs/fusion-pulse/finetune").is_dir()
    fresh.remove("fusion-pulse")
    shutil.rmtree(made)
    assert "pulse" not in {plugin["name"] for plugin in fresh.plugins(folder)}
