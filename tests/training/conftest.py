from __future__ import annotations

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
