"""A deprecated hook and a deprecated argument still work, and say once who uses them and what replaces them."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusion.contract import CONTRACT_VERSION, deprecation, hooks
from tests.strangers import Program, install_strangers

HOOK = "from fusion.contract import hookimpl\n@hookimpl\n"
PLUGINS = {
    # as if written when heads were called classifiers, and options settings
    "old_hook": (
        "avfusion>=1,<2",
        f"{HOOK}def register_classifiers(register):\n"
        "    register('old_head', 'old_hook_plugin:Head')\n    register('older_head', 'old_hook_plugin:Head')\n",
    ),
    "old_argument": (
        "avfusion>=1,<2",
        f"{HOOK}def register_heads(register):\n"
        "    register('set_head', 'old_argument_plugin:Head', settings='old_argument_plugin:Options')\n"
        "    register('reset_head', 'old_argument_plugin:Head', settings='old_argument_plugin:Options')\n"
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Options:\n    size: int = 7\n"
        "class Head:\n    def __init__(self, options):\n        self.options = options\n",
    ),
    "bad_argument": ("avfusion>=1,<2", f"{HOOK}def register_heads(register):\n    register('x', 'y:Z', color='red')\n"),
}
DEPRECATING = """
import sys
from fusion.contract import deprecation
deprecation.HOOKS["register_classifiers"] = deprecation.Deprecation("register_heads", "1.4", "2")
deprecation.ARGUMENTS["settings"] = deprecation.Deprecation("options", "1.6", "2")
"""
MAIN = f"{DEPRECATING}\nfrom fusion.cli.app import main; main()"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    site = tmp_path_factory.mktemp("site")
    install_strangers(PLUGINS, tmp_path_factory.mktemp("wheels"), site)
    return Program(site, site / "trace")


def test_both_work_and_each_plugin_is_told_once(program: Program) -> None:
    done = program("-c", MAIN, "plugins", "list", FUSION_PLUGINS="old_hook,old_argument")
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "fusion: plugin 'old_argument' of stranger_old_argument uses the argument settings of register, deprecated "
        "since avfusion 1.6 and gone in 2; its authors should use options",
        "fusion: plugin 'old_hook' of stranger_old_hook uses the hook register_classifiers, deprecated since avfusion "
        "1.4 and gone in 2; its authors should use register_heads",
    ]
    assert "old_head, older_head" in done.stdout
    assert "set_head, reset_head" in done.stdout


def test_the_old_argument_means_the_new_one(program: Program) -> None:
    code = f"{DEPRECATING}\nfrom fusion.catalog import catalog; print(catalog().build('head', 'set_head').options.size)"
    done = program("-W", "ignore::FutureWarning", "-c", code, FUSION_PLUGINS="old_argument")
    assert (done.stdout, done.stderr) == ("7\n", "")


def test_once_removed_the_reason_says_what_is_unknown(program: Program) -> None:
    """Without the deprecations, as the next major version will be."""
    plugins = program.plugins(FUSION_PLUGINS="old_hook,old_argument,bad_argument")
    assert "there is no hook 'register_classifiers'" in plugins["old_hook"]["error"]
    for name, argument in (("old_argument", "settings"), ("bad_argument", "color")):
        assert f"TypeError: register() got an unexpected keyword argument '{argument}'" in plugins[name]["error"]


def test_strict_mode_does_not_mind_a_deprecation(program: Program) -> None:
    done = program("-c", MAIN, "plugins", "list", FUSION_PLUGINS="old_hook", FUSION_STRICT="1")
    assert done.returncode == 0
    assert "deprecated" in done.stderr


def test_what_is_deprecated_keeps_the_promise() -> None:
    """Removed by the next major version at the earliest, and replaced by something that is there."""
    register = Path(hooks.__file__).read_text(encoding="utf-8").partition("class Register")[2]
    for old in deprecation.HOOKS.values():
        assert hasattr(hooks, old.replacement)
    for old in deprecation.ARGUMENTS.values():
        assert f"{old.replacement}:" in register
    for old in (*deprecation.HOOKS.values(), *deprecation.ARGUMENTS.values()):
        assert int(old.removed) > int(old.since.split(".")[0]) >= CONTRACT_VERSION
