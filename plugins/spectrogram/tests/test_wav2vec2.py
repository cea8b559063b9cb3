from __future__ import annotations

import json
from fractions import Fraction

import pytest
import torch
from fusion_spectrogram import encoder_options as options
from fusion_spectrogram.wav2vec2 import Wav2Vec2

from fusion.contract import ComponentError, InputMissing, InputSpec

SPEC = InputSpec(shapes={"values": (None,), "mask": (None,)}, rate=Fraction(16000))
SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "conv_dim": (8, 8, 8),
    "conv_kernel": (10, 3, 3),
    "conv_stride": (5, 4, 4),
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """One tiny random model of each kind, saved as the hub has them."""
    import transformers

    folder = tmp_path_factory.mktemp("models")
    for kind in ("Wav2Vec2", "Hubert", "WavLM"):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            config = getattr(transformers, f"{kind}Config")(**SMALL, feat_extract_norm="group")
            getattr(transformers, f"{kind}Model")(config).save_pretrained(folder / kind)
    return folder


def batch_of(*lengths):
    values = torch.randn(len(lengths), max(lengths), generator=torch.Generator().manual_seed(0))
    mask = torch.arange(max(lengths))[None, :] < torch.tensor(lengths)[:, None]
    return {"values": values, "mask": mask}


@pytest.mark.parametrize("kind", ["Wav2Vec2", "Hubert", "WavLM"])
def test_neither_padding_nor_neighbours_matter(kind, models):
    net = Wav2Vec2(options.Wav2Vec2(path=str(models / kind)), SPEC).eval()
    lengths = (3200, 1600, 3200, 50)
    batch = batch_of(*lengths)
    out = net(batch)
    assert out.embedding.shape == (4, 16) == (4, net.spec.dim)
    assert out.sequence.shape[:2] == out.mask.shape == out.times.shape == out.attention.shape
    for number, length in enumerate(lengths):
        alone = net({"values": batch["values"][number : number + 1, :length]})
        assert torch.allclose(alone.embedding[0], out.embedding[number], atol=1e-5)
        assert int(out.mask[number].sum()) == alone.sequence.shape[1]
    assert float(out.times[0, 1] - out.times[0, 0]) == pytest.approx(80 / 16000)


@pytest.mark.parametrize("freeze", ["none", "features", "all"])
def test_what_is_not_frozen_learns(freeze, models):
    net = Wav2Vec2(options.Wav2Vec2(path=str(models / "Wav2Vec2"), freeze=freeze), SPEC).train()
    net(batch_of(1600)).embedding.square().sum().backward()
    for key, parameter in net.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, key
    learning = {key for key, parameter in net.named_parameters() if parameter.requires_grad}
    assert ("model.encoder.layers.0.attention.k_proj.weight" in learning) == (freeze != "all")
    assert any(key.startswith("model.feature_extractor") for key in learning) == (freeze == "none")
    assert "layers" in learning
    assert net.model.training == (freeze != "all")


def test_the_saved_weights_are_the_ones_that_are_used(models):
    from transformers import AutoModel

    settings = options.Wav2Vec2(path=str(models / "Wav2Vec2"), average_layers=False)
    net = Wav2Vec2(settings, SPEC).eval()
    batch = batch_of(1600)
    with torch.no_grad():
        expected = AutoModel.from_pretrained(models / "Wav2Vec2").eval()(batch["values"]).last_hidden_state
        assert torch.allclose(net(batch).sequence, expected, atol=1e-6)


def test_training_leaves_the_global_generator_of_numpy_alone(models):
    import numpy as np

    net = Wav2Vec2(options.Wav2Vec2(path=str(models / "Wav2Vec2")), SPEC).train()
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    net(batch_of(16000))
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_frames_other_rates_and_missing_models_are_refused(tmp_path):
    settings = options.Wav2Vec2(path=str(tmp_path))
    with pytest.raises(ComponentError, match="holds frames"):
        Wav2Vec2(settings, InputSpec(shapes={"frames": (None, 64)}, rate=Fraction(100)))
    with pytest.raises(ComponentError, match="44100 samples a second"):
        Wav2Vec2(settings, InputSpec(shapes={"values": (None,)}, rate=Fraction(44100)))
    with pytest.raises(InputMissing, match="no speech model can be loaded"):
        Wav2Vec2(settings, SPEC)


@pytest.mark.parametrize("kind", ["Wav2Vec2", "Hubert", "WavLM"])
def test_a_saved_model_needs_no_pretrained_folder(kind, models):
    net = Wav2Vec2(options.Wav2Vec2(path=str(models / kind), freeze="all"), SPEC).eval()
    portable = json.loads(json.dumps(net.portable))
    again = Wav2Vec2(options.Wav2Vec2(**portable), SPEC).eval()
    again.load_state_dict(net.state_dict())
    assert portable["path"] is None
    assert torch.equal(again(batch_of(1600)).embedding, net(batch_of(1600)).embedding)
    with pytest.raises(ValueError, match="give path"):
        options.Wav2Vec2()
