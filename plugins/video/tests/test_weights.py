from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
import torch
from fusion_video.backbones import X3D
from fusion_video.encoder_options import X3D as Options
from safetensors.torch import save_file

from fusion.contract import DataError, InputMissing, InputSpec

SPEC = InputSpec({"frames": (None, 3, 100, 60)})
SMALL = Options(width=1.0, depth=0.5)


@pytest.fixture
def published():
    """Weights as the model zoo names them: the whole network, its head included."""
    torch.manual_seed(5)
    state = {f"blocks.{key}": value for key, value in X3D(SMALL, SPEC).blocks.state_dict().items()}
    return {**state, "blocks.5.proj.weight": torch.zeros(400, 2048)}


@pytest.mark.parametrize("suffix", ["pt", "pth", "pyth", "safetensors"])
def test_weights_are_loaded_without_their_head(tmp_path, published, suffix):
    file = tmp_path / f"weights.{suffix}"
    if suffix == "safetensors":
        save_file(published, file)
    else:
        torch.save({"model_state": published} if suffix == "pyth" else published, file)
    network = X3D(replace(SMALL, weights=str(file)), SPEC)
    for key, value in network.blocks.state_dict().items():
        assert torch.equal(value, published[f"blocks.{key}"])


def test_weights_of_another_network_are_refused(tmp_path, published):
    file = tmp_path / "weights.safetensors"
    save_file(published, file)
    with pytest.raises(DataError, match=r"weights\.safetensors: the weights do not fit the network: .*missing"):
        X3D(Options(weights=str(file)), SPEC)
    with pytest.raises(DataError, match=r"blocks\.0\.conv\.conv_t\.weight is \(16, 3.* not \(24, 3"):
        X3D(replace(SMALL, width=1.5, weights=str(file)), SPEC)
    save_file({"something.else": torch.zeros(2)}, file)
    with pytest.raises(DataError, match=r"1 unknown \(such as something\.else\)"):
        X3D(replace(SMALL, weights=str(file)), SPEC)


def test_what_is_no_file_of_weights_is_refused(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    with pytest.raises(InputMissing, match="the file of weights does not exist"):
        X3D(replace(SMALL, weights=str(tmp_path / "none.pt")), SPEC)
    bomb, text, rest = tmp_path / "bomb.pt", tmp_path / "text.safetensors", tmp_path / "rest.pt"
    bomb.write_bytes(pickle.dumps(Bomb()))
    text.write_text("not weights at all")
    torch.save({"epoch": 3}, rest)
    for file, message in ((bomb, "not a file of weights only"), (text, "not a safetensors"), (rest, "something else")):
        with pytest.raises(DataError, match=message):
            X3D(replace(SMALL, weights=str(file)), SPEC)


def test_a_saved_model_needs_no_file_of_weights(tmp_path, published):
    save_file(published, tmp_path / "weights.safetensors")
    network = X3D(replace(SMALL, weights=str(tmp_path / "weights.safetensors")), SPEC)
    again = X3D(Options(**network.portable), SPEC)
    again.load_state_dict(network.state_dict())
    assert again.options == SMALL
