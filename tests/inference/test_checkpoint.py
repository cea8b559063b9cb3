from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from fusion.catalog import catalog
from fusion.contract import ComponentError, FusionError, RunError
from fusion.inference import Predictor
from fusion.inference.checkpoint import change_temperature, read_checkpoint
from fusion.inference.files import read_json, write_json
from tests.inference.conftest import ALL
from tests.training.worlds import World


@pytest.fixture
def copy(model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model, tmp_path / "model"))


def test_a_model_says_what_it_is(model: Path) -> None:
    description = read_json(model / "model.json")
    assert description["names"] == ["calm", "loud"]
    assert list(description["streams"]) == list(ALL)
    assert set(description["requires"]) == {"avfusion", "avfusion-video", "avfusion-spectrogram", "avfusion-text"}
    assert description["training"]["speakers"] == [f"manifest:s{n}" for n in range(1, 5)]
    assert not any("augmentations" in stream["settings"] for stream in description["streams"].values())
    card = (model / "README.md").read_text()
    for words in ("learned on manifest", "licence of the training material | not stated", "no speaker and no take"):
        assert words in card
    with safe_open(str(model / "weights.safetensors"), framework="np") as file:
        assert any(key.startswith("/streams/sound/encoder") for key in file.keys())  # noqa: SIM118


def test_requirements_reach_into_options() -> None:
    """A detector that a transform's options name is needed as well."""
    found = catalog()
    involved = found.involved("transform", {"name": "face_boxes", "detector": {"name": "haar", "width": 200}})
    assert [(one.kind, one.name) for one in involved] == [("transform", "face_boxes"), ("detector", "haar")]


def test_a_model_stands_alone(run: Path, copy: Path, world: World) -> None:
    """A copied folder answers like the one in its run, without store, corpus and config."""
    first, second = Predictor.load(run)(world.clip("c00.mp4")), Predictor.load(copy)(world.clip("c00.mp4"))
    assert first == second


def test_reading_draws_nothing(copy: Path) -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state()
    read_checkpoint(copy, catalog())
    assert torch.equal(torch.get_rng_state(), state)


def test_a_newer_model(copy: Path) -> None:
    description = read_json(copy / "model.json")
    write_json(copy / "model.json", {**description, "format": 2, "avfusion": "9.1", "new": "things"})
    with pytest.raises(RunError, match=r"was written by a newer version of avfusion \(9.1\); upgrade avfusion"):
        read_checkpoint(copy, catalog())


def test_changed_weights(copy: Path) -> None:
    weights = copy / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[-3] ^= 1
    weights.write_bytes(data)
    with pytest.raises(RunError, match=r"weights.safetensors is not the file that was saved with this model"):
        read_checkpoint(copy, catalog())
    weights.unlink()
    with pytest.raises(RunError, match=r"lacks weights.safetensors; copy the whole folder"):
        read_checkpoint(copy, catalog())


@pytest.mark.parametrize("key", ["streams", "names", "window", "target", "temperature", "head", "aggregator"])
def test_a_damaged_description(copy: Path, key: str) -> None:
    description = read_json(copy / "model.json")
    for value in ({"odd": [1]}, "7/0", None):
        if key == "head" and value is None:
            continue  # the one stream's own head
        write_json(copy / "model.json", {**description, key: value})
        with pytest.raises(FusionError) as caught:
            Predictor.load(copy)
        assert "\n" not in str(caught.value)
    for text in ("", "[]", "{}", '{"format": "1"}', "\0"):
        (copy / "model.json").write_text(text)
        with pytest.raises(RunError):
            read_checkpoint(copy, catalog())


def test_a_plugin_that_is_missing(copy: Path) -> None:
    description = read_json(copy / "model.json")
    requires = {**description["requires"], "avfusion-smell": "1.2"}
    write_json(copy / "model.json", {**description, "requires": requires})
    with pytest.raises(
        ComponentError, match=r"needs avfusion-smell==1.2, which is not installed; pip install avfusion-s"
    ):
        read_checkpoint(copy, catalog())


def test_networks_that_have_changed(copy: Path) -> None:
    description = read_json(copy / "model.json")
    description["streams"]["sound"]["settings"]["encoder"]["width"] = 8
    write_json(copy / "model.json", description)
    with pytest.raises(
        RunError, match=r"its weights do not fit the installed networks; install what it was saved with"
    ):
        read_checkpoint(copy, catalog())


def test_the_temperature_can_be_changed(copy: Path, world: World) -> None:
    before = Predictor.load(copy)(world.clip("c00.mp4")).probabilities
    change_temperature(copy, 100.0)
    after = Predictor.load(copy)(world.clip("c00.mp4")).probabilities
    assert before is not None
    assert after is not None
    assert max(after.values()) < max(before.values())
    assert max(after.values()) == pytest.approx(0.5, abs=0.02)


def test_a_prediction_loads_only_what_its_model_needs(copy: Path, world: World) -> None:
    program = (
        "import sys, json; from fusion import Predictor;"
        "Predictor.load(sys.argv[1])(sys.argv[2]); print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(copy), str(world.clip("c00.mp4"))],
        env=world.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout)
    unwanted: tuple[str, ...] = (
        "tensorboard",
        "torch.utils.tensorboard",
        "sklearn",
        "scipy",
        "pandas",
        "pyarrow",
        "transformers",
    )
    unwanted += ("noisereduce", "fusion.training", "fusion.corpora", "fusion.store", "typer", "pytorchvideo")
    assert [name for name in loaded if name.startswith(unwanted) and name != "fusion.store"] == []
