"""Plugins that fail in every known way, written as wheels and installed by a real installer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.strangers import Program, install_strangers

OPENING = "from fusion.contract import hookimpl\n\n"
GOOD = (
    OPENING
    + """
@hookimpl
def register_heads(register):
    register("good_head", "good_plugin:Head", options="good_plugin:Options", summary="works")
    register("plain_head", "good_plugin:Head")

@hookimpl
def register_encoders(register):
    register("good_encoder", "nowhere.encoder:Encoder", modality="text")

from dataclasses import dataclass

@dataclass(frozen=True)
class Options:
    size: int = 3

class Head:
    version = 7
    def __init__(self, options, *arguments):
        self.options, self.arguments = options, arguments
"""
)

#: By plugin: the requirement on the engine, and the whole plugin in one module.
PLUGINS: Mapping[str, tuple[str, str]] = {
    "good": ("avfusion>=1,<2", GOOD),
    "bad_import": ("avfusion>=1,<2", "import no_such_module_anywhere\n"),
    "bad_exit": ("avfusion", "raise SystemExit('leaving')\n"),
    "bad_registering": (
        "avfusion>=1,<2",
        OPENING
        + "@hookimpl\ndef register_heads(register):\n"
        + "    register('half_head', 'bad_registering_plugin:Head')\n    raise RuntimeError('no licence key')\n",
    ),
    "bad_signature": ("avfusion>=1,<2", OPENING + "@hookimpl\ndef register_heads(registry):\n    pass\n"),
    "bad_taken": (
        "avfusion>=1,<2",
        OPENING
        + "@hookimpl\ndef register_heads(register):\n"
        + "    register('own_head', 'bad_taken_plugin:Head')\n    register('late_average', 'bad_taken_plugin:Head')\n",
    ),
    # the import would leave a trace: it must never happen
    "bad_contract": (
        "avfusion>=2,<3",
        "import os, pathlib\npathlib.Path(os.environ['TRACE']).touch()\n",
    ),
    "bad_misspelt": ("avfusion>=1,<2", OPENING + "@hookimpl\ndef register_head(register):\n    pass\n"),
    "bad_unmarked": ("avfusion>=1,<2", "def register_heads(register):\n    pass\n"),
    "bad_name": (
        "avfusion>=1,<2",
        OPENING + "@hookimpl\ndef register_heads(register):\n    register('Not A Name', 'x:Y')\n",
    ),
    "bad_encoder": (
        "avfusion>=1,<2",
        OPENING + "@hookimpl\ndef register_encoders(register):\n    register('loose', 'x:Y')\n",
    ),
}


@pytest.fixture(scope="session")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of installed packages, all the plugins above among them."""
    wheels = tmp_path_factory.mktemp("wheels")
    site = tmp_path_factory.mktemp("site")
    install_strangers(PLUGINS, wheels, site)
    return site


@pytest.fixture(scope="session")
def program(strangers: Path, tmp_path_factory: pytest.TempPathFactory) -> Program:
    return Program(strangers, tmp_path_factory.mktemp("trace") / "imported")
