"""Plugins that fail in every known way, written as wheels and installed by a real installer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

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


def _write_wheel(folder: Path, plugin: str, requirement: str, code: str) -> Path:
    distribution = f"stranger_{plugin}"
    info = f"{distribution}-0.3.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 0.3\nRequires-Dist: {requirement}\n"
    files = {
        f"{plugin}_plugin.py": code,
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[fusion]\n{plugin} = {plugin}_plugin\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    wheel = folder / f"{distribution}-0.3-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return wheel


@pytest.fixture(scope="session")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of installed packages, all the plugins above among them."""
    wheels = tmp_path_factory.mktemp("wheels")
    site = tmp_path_factory.mktemp("site")
    built = [str(_write_wheel(wheels, name, *content)) for name, content in PLUGINS.items()]
    _install(built, site)
    return site


def _install(wheels: list[str], site: Path) -> None:
    """Install pure wheels with uv or pip; without either by unpacking, which is all that a pure wheel asks for."""
    for installer in (
        [shutil.which("uv") or "", "pip", "install", "--python", sys.executable],
        [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"],
    ):
        if Path(installer[0]).is_file():
            command = [*installer, "--no-deps", "--no-index", "--target", str(site), *wheels]
            if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                return
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)


class Program:
    """Runs Python beside the strangers' packages."""

    def __init__(self, site: Path, trace: Path) -> None:
        self._site = site
        self.trace = trace

    def __call__(self, *command: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
        """Run ``python`` with these arguments; an environment variable given as None is unset."""
        path = os.pathsep.join([str(self._site), *filter(None, [os.environ.get("PYTHONPATH")])])
        variables = {**os.environ, "PYTHONPATH": path, "TRACE": str(self.trace), "OMP_NUM_THREADS": "1"}
        variables.pop("FUSION_PLUGINS", None)
        for name, value in environment.items():
            variables.pop(name, None) if value is None else variables.update({name: value})
        return subprocess.run([sys.executable, *command], env=variables, capture_output=True, text=True, check=False)

    def fusion(self, *arguments: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
        """Run the program ``fusion``."""
        return self("-c", "from fusion.cli.app import main; main()", *arguments, **environment)

    def plugins(self, **environment: str | None) -> dict[str, Any]:
        """``fusion plugins list --json``, by plugin."""
        done = self.fusion("plugins", "list", "--json", **environment)
        assert done.returncode == 0, done.stderr
        return {plugin["name"]: plugin for plugin in json.loads(done.stdout)}


@pytest.fixture(scope="session")
def program(strangers: Path, tmp_path_factory: pytest.TempPathFactory) -> Program:
    return Program(strangers, tmp_path_factory.mktemp("trace") / "imported")
