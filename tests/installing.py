"""Installing a plugin's package beside what is installed here, as a stranger's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def install(project: Path, site: Path) -> None:
    """With uv or pip; where neither can build, by the files that a wheel of it would leave."""
    for installer in (
        [shutil.which("uv") or "", "pip", "install", "--offline", "--no-build-isolation", "--python", sys.executable],
        [sys.executable, "-m", "pip", "install", "--no-index", "--no-build-isolation"],
    ):
        if Path(installer[0]).is_file():
            command = [*installer, "--no-deps", "--target", str(site), str(project)]
            if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                return
    table = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    shutil.copytree(project / "src", site, dirs_exist_ok=True)
    info = site / f"{table['name'].replace('-', '_')}-{table['version']}.dist-info"
    info.mkdir()
    required = "".join(f"Requires-Dist: {name}\n" for name in table["dependencies"])
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {table['name']}\nVersion: {table['version']}\n{required}", encoding="utf-8"
    )
    points = table["entry-points"]["fusion"]
    listed = "".join(f"{name} = {module}\n" for name, module in points.items())
    (info / "entry_points.txt").write_text(f"[fusion]\n{listed}", encoding="utf-8")


def run(*arguments: str, folder: Path, site: Path, plugins: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, beside what is installed in ``site``; only these plugins are loaded, strictly."""
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)]), "OMP_NUM_THREADS": "1",
        "FUSION_PLUGINS": plugins, "FUSION_STRICT": "1", **variables,
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def fusion(
    *arguments: str, folder: Path, site: Path, plugins: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the program ``fusion`` so."""
    return run("-m", "fusion", *arguments, folder=folder, site=site, plugins=plugins, **variables)
