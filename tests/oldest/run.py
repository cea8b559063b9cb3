"""Run the tests marked ``light`` in a fresh environment with the oldest supported light dependencies.

    python tests/oldest/run.py

Installs the lowest versions that pyproject.toml allows of what the contract, the catalog, configs and the command line
need, and neither torch, PyAV nor OpenCV: so it also shows that these parts need none of them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIGHT = ("numpy", "pluggy", "pydantic", "pyyaml", "rich", "safetensors", "typer")
OURS = (".", "plugins/video", "plugins/spectrogram", "plugins/text", "plugins/features")
RUNNERS = ("pytest", "pytest-timeout", "hypothesis")


def light_requirements() -> list[str]:
    """The light dependencies, and what runs the tests, with the bounds that pyproject.toml states."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        stated = tomllib.load(file)
    lines = stated["project"]["dependencies"] + stated["dependency-groups"]["dev"]
    return [line for line in lines if re.split(r"[<>=!~\[; ]", line)[0] in LIGHT + RUNNERS]


def light_files() -> list[str]:
    """Test modules that hold light tests; the others may import what is not there."""
    modules = sorted((ROOT / "tests").rglob("test_*.py"))
    return [str(module) for module in modules if "pytest.mark.light" in module.read_text(encoding="utf-8")]


def main() -> None:
    """Build the environment, run the tests, end with pytest's code."""
    begun = time.monotonic()
    # The pins of the full environment would forbid the oldest versions.
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"UV_CONSTRAINT", "PIP_CONSTRAINT", "VIRTUAL_ENV", "PYTHONPATH"}
    }
    with tempfile.TemporaryDirectory(prefix="fusion_oldest_") as folder:
        python = Path(folder) / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

        def uv(*arguments: str) -> None:
            subprocess.run([sys.executable, "-m", "uv", *arguments], check=True, cwd=ROOT, env=environment)

        uv("venv", "--quiet", "--clear", "--python", sys.executable, folder)
        install = ("pip", "install", "--quiet", "--python", str(python))
        requirements = light_requirements()
        uv(*install, "--resolution", "lowest-direct", *requirements)
        ours = [part for project in OURS for part in ("--editable", project)]
        uv(*install, "--no-deps", *ours)
        uv("pip", "list", "--quiet", "--python", str(python))
        print(f"environment made in {time.monotonic() - begun:.1f} s", flush=True)
        tests = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "light", *light_files()]
        done = subprocess.run(tests, check=False, cwd=ROOT, env=environment)
    print(f"oldest light dependencies: {time.monotonic() - begun:.1f} s")
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
