from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.worlds import World, write_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def trained(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of sound and pictures, never interrupted, without loader workers."""
    return world.train(tmp_path_factory.mktemp("trained") / "finetune")


@pytest.fixture(scope="session")
def at_work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``tests.training.at_work`` leaves; done once, also where several workers of pytest ask for it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "at_work"
    folder.mkdir(exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            command = [sys.executable, "-m", "tests.training.at_work", str(folder)]
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            root = Path(__file__).parents[2]
            done = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            (folder / "done").write_text(done.stderr)
    return folder
