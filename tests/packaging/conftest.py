"""Our five distributions as wheels, and fresh environments to install them into."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]
PROJECTS = {
    "avfusion": ROOT,
    "avfusion-video": ROOT / "plugins" / "video",
    "avfusion-spectrogram": ROOT / "plugins" / "spectrogram",
    "avfusion-text": ROOT / "plugins" / "text",
    "avfusion-features": ROOT / "plugins" / "features",
}


def call(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program without our own settings of the environment."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("FUSION_", "UV_CONSTRAINT"))}
    for name in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE"):  # torch is slow to compile each time anew
        variables.pop(name, None)
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=variables, capture_output=True, text=True, check=False
    )


def require(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Environment:
    """A fresh environment that sees everything heavy of this one, but none of our distributions."""

    def __init__(self, folder: Path, others: Path, wheels: Mapping[str, Path]) -> None:
        self._wheels = wheels
        self._python = folder / "bin" / "python"
        require(call(sys.executable, "-m", "uv", "venv", "--quiet", "--python", sys.executable, folder))
        self.site = next((folder / "lib").glob("python*")) / "site-packages"
        (self.site / "others.pth").write_text(f"{others}\n", encoding="utf-8")

    def _uv(self, *arguments: str | Path) -> None:
        require(call(sys.executable, "-m", "uv", "pip", *arguments, "--quiet", "--python", self._python))

    def install(self, *names: str) -> None:
        """Install wheels, one after the other."""
        for name in names:
            self._uv("install", "--no-deps", "--no-index", self._wheels[name])

    def remove(self, name: str) -> None:
        """Uninstall a distribution."""
        self._uv("uninstall", name)

    def files(self) -> set[str]:
        """All that stands in ``site-packages`` and among the programs, but what running has compiled."""
        return {
            str(path)
            for folder in (self.site, self._python.parent)
            for path in folder.rglob("*")
            if path.name != "__pycache__" and path.suffix != ".pyc"
        }

    def type(self, script: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run lines of a shell as in the activated environment; ``pip`` installs from our wheels and offline."""
        pip = self._python.with_name("pip")
        wheels = next(iter(self._wheels.values())).parent
        pip.write_text(
            f'#!/bin/sh\nexec {sys.executable} -m uv pip "$@" --quiet --offline --no-deps --no-index '
            f"--no-build-isolation --find-links {wheels} --python {self._python}\n",
            encoding="utf-8",
        )
        pip.chmod(0o755)
        lines = f'set -e\nexport PATH="{self._python.parent}:$PATH" OMP_NUM_THREADS=1\n{script}'
        return call("bash", "-c", lines, cwd=cwd)

    def fusion(self, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run the installed program."""
        return call(self._python.with_name("fusion"), *arguments, cwd=cwd)

    def plugins(self, cwd: Path) -> list[dict[str, Any]]:
        """What ``fusion plugins list --json`` says."""
        answer: list[dict[str, Any]] = json.loads(require(self.fusion("plugins", "list", "--json", cwd=cwd)))
        return answer


def build(builder: type[WheelBuilder | SdistBuilder], project: Path, folder: Path) -> Path:
    """A wheel or a source distribution, by the build backend itself."""
    folder.mkdir(parents=True, exist_ok=True)
    return Path(next(builder(str(project)).build(directory=str(folder), versions=["standard"])))


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A wheel of each distribution."""
    folder = tmp_path_factory.mktemp("wheels")
    return {name: build(WheelBuilder, project, folder) for name, project in PROJECTS.items()}


@pytest.fixture(scope="session")
def sdists(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A source distribution of each distribution."""
    folder = tmp_path_factory.mktemp("sdists")
    return {name: build(SdistBuilder, project, folder) for name, project in PROJECTS.items()}


@pytest.fixture(scope="session")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Links to all that is installed here but our own: torch and the like are not installed a second time."""
    folder = tmp_path_factory.mktemp("others")
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if (
            not entry.name.lower().startswith(("avfusion", "_avfusion", "_editable", "__editable"))
            and entry.suffix != ".pth"
        ):
            (folder / entry.name).symlink_to(entry)
    return folder


@pytest.fixture
def environment(tmp_path: Path, others: Path, wheels: dict[str, Path]) -> Callable[[], Environment]:
    """Makes a fresh environment."""
    made: list[Environment] = []

    def make() -> Environment:
        made.append(Environment(tmp_path / f"environment{len(made)}", others, wheels))
        return made[-1]

    return make
