from __future__ import annotations

from pathlib import Path

import pytest

from fusion.inference import Predictor
from tests.training.worlds import World, write_world

#: Enough to be worth a prediction, with overlapping windows.
OPTIONS = ("finetune.epochs=1", "finetune.head.epochs=2", "finetune.joint.epochs=0", "window.hop=0.5")
ALL = ("sound", "pictures", "words")


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def run(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of three streams, its headline a learned head."""
    folder = tmp_path_factory.mktemp("run") / "finetune"
    return world.train(folder, *OPTIONS, "headline=learned", streams=ALL)


@pytest.fixture(scope="session")
def model(run: Path) -> Path:
    return run / "held_out" / "model"


@pytest.fixture(scope="session")
def predictor(run: Path) -> Predictor:
    return Predictor.load(run)
