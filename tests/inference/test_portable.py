"""Models that began from pretrained networks hold all that they need."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from fusion.inference import Predictor
from fusion.inference.files import read_json
from tests.training.worlds import write_world

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "soft", "slow", "quick", "sharp", "words", "really")


def save_bert(folder: Path) -> Path:
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(BertConfig(vocab_size=len(WORDS), max_position_embeddings=32, **sizes)).save_pretrained(folder)
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


def save_wav2vec2(folder: Path) -> Path:
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    layers = {"conv_dim": (8, 8), "conv_kernel": (10, 8), "conv_stride": (5, 8), "num_conv_pos_embeddings": 8}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = Wav2Vec2Config(**sizes, **layers, num_conv_pos_embedding_groups=2, feat_extract_norm="layer")
        Wav2Vec2Model(config).save_pretrained(folder)
    return folder


def test_a_model_outlives_the_folders_it_began_from(tmp_path: Path) -> None:
    world = write_world(tmp_path / "world")
    bert, speech = save_bert(tmp_path / "bert"), save_wav2vec2(tmp_path / "speech")
    streams = {
        "sound": {
            "modality": "audio",
            "transforms": [{"name": "resample", "rate": 16000}],
            "encoder": {"name": "wav2vec2", "path": str(speech), "freeze": "none"},
        },
        "words": {
            "modality": {"name": "text", "tokeniser": "transformer", "path": str(bert)},
            "encoder": {"name": "transformer", "path": str(bert), "embedding": 4},
        },
    }
    pretrained = world.variant("pretrained", streams=streams, fusion=["late_average"])
    run = pretrained.train(
        tmp_path / "run",
        "finetune.epochs=1",
        "finetune.joint.epochs=0",
        "finetune.mixup=0",
        streams=("sound", "words", "pictures"),
    )
    clip = world.clip("c00.mp4")
    model = Path(shutil.copytree(run / "held_out" / "model", tmp_path / "model"))
    before = Predictor.load(model)(clip, transcript="quick sharp words")
    shutil.rmtree(bert)
    shutil.rmtree(speech)
    after = Predictor.load(model)(clip, transcript="quick sharp words")
    assert after == before
    assert set(after.streams) == {"sound", "words"}
    assert str(tmp_path / "bert") not in str(read_json(model / "model.json")["streams"]["words"]["settings"]["encoder"])
