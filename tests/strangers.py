"""Strangers' plugins: written as wheels, installed by a real installer, and run beside."""

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


def write_wheel(folder: Path, plugin: str, requirement: str, code: str) -> Path:
    """A wheel of one module that is a plugin."""
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


def install_strangers(plugins: Mapping[str, tuple[str, str]], wheels: Path, site: Path) -> None:
    """Install plugins, each by its requirement on the engine and its one module, as distributions of their own."""
    _install([str(write_wheel(wheels, name, *content)) for name, content in plugins.items()], site)


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

    def __init__(self, site: Path, trace: Path, folder: Path | None = None) -> None:
        self._site = site
        self.trace = trace
        self.folder = Path.cwd() if folder is None else folder

    def __call__(self, *command: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
        """Run ``python`` with these arguments; an environment variable given as None is unset."""
        path = os.pathsep.join([str(self._site), *filter(None, [os.environ.get("PYTHONPATH")])])
        variables = {**os.environ, "PYTHONPATH": path, "TRACE": str(self.trace), "OMP_NUM_THREADS": "1"}
        variables.pop("FUSION_PLUGINS", None)
        for name, value in environment.items():
            variables.pop(name, None) if value is None else variables.update({name: value})
        return subprocess.run(
            [sys.executable, *command], cwd=self.folder, env=variables, capture_output=True, text=True, check=False
        )

    def fusion(self, *arguments: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
        """Run the program ``fusion``."""
        return self("-c", "from fusion.cli.app import main; main()", *arguments, **environment)

    def plugins(self, **environment: str | None) -> dict[str, Any]:
        """``fusion plugins list --json``, by plugin."""
        done = self.fusion("plugins", "list", "--json", **environment)
        assert done.returncode == 0, done.stderr
        return {plugin["name"]: plugin for plugin in json.loads(done.stdout)}
