"""`fusion doctor` beside plugins that hang, crash and print, really installed."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fusion.doctor.examination import VARIABLES
from tests.installing import ROOT
from tests.strangers import Program, install_strangers

pytestmark = pytest.mark.timeout(300)

HOOK = "from fusion.contract import hookimpl\n@hookimpl\ndef register_heads(register):\n    "
PLUGINS = {
    "calm": ("avfusion>=1,<2", f"{HOOK}register('calm_head', 'calm_plugin:Head')\n"),
    "hanging": ("avfusion>=1,<2", "import time\ntime.sleep(600)\n"),
    "leaving": ("avfusion>=1,<2", "import os\nos._exit(3)\n"),
    "crashing": ("avfusion>=1,<2", "import ctypes\nctypes.string_at(0)\n"),
    "chatty": ("avfusion>=1,<2", f"print('hello')\n{HOOK}register('chatty_head', 'x:Y')\n"),
    "doubling": ("avfusion>=1,<2", f"{HOOK}register('calm_head', 'x:Y')\n"),
    "wanting": ("avfusion>=1,<2\nRequires-Dist: no-such-thing>=4", f"{HOOK}register('wanting_head', 'x:Y')\n"),
    "future": ("avfusion>=2,<3", "raise AssertionError\n"),
}
SECONDS = "6"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("site")
    install_strangers(PLUGINS, tmp_path_factory.mktemp("wheels"), site)
    return site


@pytest.fixture(scope="module")
def program(site: Path) -> Program:
    return Program(site, site / "trace")


def doctor(program: Program, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return program("-m", "fusion", "doctor", "--seconds", SECONDS, *arguments, **variables)


@pytest.fixture(scope="module")
def examined(program: Program, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is said of the plugins above and of one in a single file."""
    file = tmp_path_factory.mktemp("files") / "ending.py"
    file.write_text("import os\nos._exit(4)\n", encoding="utf-8")
    done = doctor(program, "--json", "--plugin", str(file), FUSION_PLUGINS=",".join(PLUGINS))
    assert done.returncode == 69, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize(
    ("plugin", "sentence"),
    [
        ("hanging", "it does not come to an end within 6 s when it is loaded"),
        ("leaving", "it ends its process with exit status 3 when it is loaded"),
        ("crashing", "it ends its process by SIGSEGV when it is loaded"),
        ("doubling", "the head 'calm_head' is taken by calm"),
        ("future", "it needs another contract version: avfusion"),
    ],
)
def test_any_plugin_is_survived_and_told(examined: dict[str, Any], plugin: str, sentence: str) -> None:
    state = {one["name"]: one for one in examined["plugins"]}[plugin]
    assert state["state"] == "failed"
    assert state["error"].startswith(sentence)
    (problem,) = [one for one in examined["problems"] if one["what"].startswith(f"plugin '{plugin}'")]
    assert problem["what"].startswith(f"plugin '{plugin}' of stranger_{plugin}: {sentence}")
    assert f"keep it out with FUSION_BLOCK={plugin}" in problem["remedy"]


def test_a_plugin_that_prints_works_and_is_told(examined: dict[str, Any]) -> None:
    states = {one["name"]: one for one in examined["plugins"]}
    assert (states["chatty"]["state"], states["chatty"]["prints"]) == ("ok", True)
    assert (states["calm"]["state"], states["calm"]["prints"]) == ("ok", False)
    assert "plugin 'chatty' of stranger_chatty prints when it is loaded" in [
        one["what"] for one in examined["problems"]
    ]


def test_a_requirement_that_is_not_met_is_told(examined: dict[str, Any]) -> None:
    assert {
        "what": "stranger_wanting requires no-such-thing>=4, which is not installed",
        "remedy": "pip install 'no-such-thing>=4'",
    } in examined["problems"]


def test_versions_devices_codecs_and_folders_are_there(examined: dict[str, Any]) -> None:
    assert not examined["ok"]
    assert {"avfusion", "torch", "numpy", "av", "stranger_calm"} <= examined["versions"].keys()
    assert examined["devices"]["cores"] >= 1
    assert examined["codecs"]["read"]["h264"]
    assert set(examined["folders"]) == {"runs", "store"}


def test_without_the_troublemakers_nothing_of_theirs_is_wrong(program: Program, tmp_path: Path) -> None:
    done = doctor(program, FUSION_PLUGINS="calm", FUSION_BLOCK="", FUSION_RUNS=str(tmp_path / "runs"))
    assert "calm: ok, 1 components" in done.stdout
    assert f"FUSION_RUNS={tmp_path / 'runs'}" in done.stdout
    assert done.stdout.splitlines()[-1] == "nothing is wrong"
    assert done.returncode == 0


def test_a_single_file_is_examined_like_any_plugin(examined: dict[str, Any]) -> None:
    (problem,) = [one for one in examined["problems"] if one["what"].startswith("plugin 'ending'")]
    assert "it ends its process with exit status 4 when it is loaded" in problem["what"]


def test_every_variable_of_the_code_is_on_its_page_and_shown() -> None:
    code = {
        name
        for file in (ROOT / "fusion").rglob("*.py")
        for name in re.findall(r"FUSION_[A-Z]+", file.read_text(encoding="utf-8"))
    }
    page = (ROOT / "docs/environment.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(FUSION_[A-Z]+)` \|", page, re.M)) == code
    assert {f"FUSION_{name}" for name in VARIABLES} == code - {"FUSION_LAUNCHER"}
