"""What an aggregator fits is fitted for each row on training clips, and used for that row everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fusion.inference.files import read_json, read_state
from fusion.training.job import AGGREGATIONS
from tests.training.worlds import World

FAST = ("finetune.epochs=1", "finetune.joint.epochs=0", "finetune.head.epochs=1")


def test_every_row_has_an_aggregation_of_its_own(world: World, tmp_path: Path) -> None:
    folder = world.train(tmp_path, *FAST, "aggregator=attention", "window.seconds=0.4", "window.hop=0.2") / "held_out"
    stored = read_state(folder / AGGREGATIONS)
    assert set(stored) == set(read_json(folder / "result.json")["scores"])
    weights = [row["weights"] for row in stored.values()]
    assert len({tuple(np.asarray(one).tolist()) for one in weights}) == len(weights)
    saved = read_state(folder / "model" / "weights.safetensors")["aggregation"]
    headline = read_json(folder / "result.json")["headline"]
    np.testing.assert_array_equal(saved["weights"], stored[headline]["weights"])
