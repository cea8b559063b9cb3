"""The section ``pretrain`` of a config: every mistake in one sentence, before any work."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from contrastive.options import NegativeName, PairName
from contrastive.pretrain import check_mining, read_settings, stream_pairs
from contrastive.settings import Pretrain
from fusion.catalog import catalog
from fusion.config.experiment import read_experiment
from fusion.contract import ConfigError

STREAM = {"modality": "text", "encoder": "lstm"}


def write(folder: Path, section: dict[str, object], streams: tuple[str, ...] = ("one", "two", "three")) -> Path:
    config = {
        "corpus": "demo",
        "target": "none",
        "protocol": {"name": "random"},
        "leaking": True,
        "streams": {name: dict(STREAM) for name in streams},
        "pretrain": section,
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def test_the_section_is_written_out(tmp_path: Path) -> None:
    loaded = read_experiment(write(tmp_path, {"objective": "infonce", "epochs": 3}))
    assert loaded.data["pretrain"]["objective"] == {
        "name": "infonce",
        "dim": 128,
        "hidden": 0,
        "temperature": 0.07,
        "leave_out": [],
    }
    settings = read_settings(loaded, catalog())
    assert settings.pairs == {"positive": 1, "other_emotion": 1, "same_emotion": 1}
    assert settings.training().epochs == 3


def test_without_a_section_defaults_hold(tmp_path: Path) -> None:
    loaded = read_experiment(write(tmp_path, {}))
    assert loaded.data["pretrain"] == {}
    assert read_settings(loaded, catalog()).objective["name"] == "infonce"


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"epoch": 3}, "pretrain  +unknown option 'epoch' of pretrain; did you mean 'epochs'"),
        ({"objective": "infonec"}, "pretrain.objective.name  +'infonec' is no objective; did you mean 'infonce'"),
        ({"objective": {"name": "margin", "margin": -1}}, "pretrain.objective.*margin is larger than 0"),
        ({"pairs": {"other_emotion": 1}}, "pairs.positive is at least 1"),
        ({"pairs": {"positive": 1}}, "at least one kind of negatives"),
        ({"pairs": {"positive": 1, "other": 1}}, "pretrain.pairs.other"),
        ({"pairs": {"positive": 1, "same_clip_shifted": 2}}, "each window has one shifted partner"),
        ({"curriculum": {"other_emotion": 0.5, "same_emotion": 0.5}}, "one has to begin at 0"),
        ({"curriculum": {"same_emotion": 1.5}}, "share of the epochs"),
        ({"mining": {"same_emotion": 0}}, "mining keeps at least 1"),
        ({"mining": {"same_clip_shifted": 1}}, "mining.same_clip_shifted needs pairs.same_clip_shifted"),
        ({"shift": 0.2}, "shift is at least 1 second"),
        ({"batch": 1}, "batch at least 2"),
        ({"learning_rate": 0}, "learning_rate"),
    ],
)
def test_mistakes(tmp_path: Path, section: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_experiment(write(tmp_path, section))


def test_pairs_of_streams() -> None:
    names = ["one", "two", "three"]
    assert stream_pairs(Pretrain(), names, "c.yaml") == (("one", "two"), ("one", "three"), ("two", "three"))
    assert stream_pairs(Pretrain(between=(("three", "one"),)), names, "c.yaml") == (("three", "one"),)
    with pytest.raises(ConfigError, match=r"pretraining compares streams, and there is only 'one'"):
        stream_pairs(Pretrain(), ["one"], "c.yaml")
    with pytest.raises(ConfigError, match=r"pretrain.between.0 +'four' is no stream   \(streams: one, two, three\)"):
        stream_pairs(Pretrain(between=(("four", "one"),)), names, "c.yaml")
    with pytest.raises(ConfigError, match=r"'one' cannot be compared with itself"):
        stream_pairs(Pretrain(between=(("one", "one"),)), names, "c.yaml")


@pytest.mark.parametrize(
    ("objective", "pairs", "mining", "message"),
    [
        (
            "margin",
            {"positive": 1, "other_emotion": 1},
            {"same_emotion": 2, "other_emotion": 1},
            r"1 problem\n +pretrain.mining.same_emotion +'margin' compares what the mix holds, and it holds none of "
            r"these; add pairs.same_emotion or leave it out",
        ),
        (
            "margin",
            {"positive": 1, "other_emotion": 0, "same_emotion": 1},
            {"other_emotion": 2},
            r"pretrain.mining.other_emotion +'margin' compares what the mix holds",
        ),
        (
            "supervised_contrastive",
            {"positive": 1, "other_emotion": 1, "same_emotion": 1, "same_clip_shifted": 1},
            {"same_emotion": 1, "other_emotion": 1, "same_clip_shifted": 1},
            r"2 problems\n +pretrain.mining.same_emotion +'supervised_contrastive' draws these pairs together, so that "
            r"they are no negatives to mine; leave it out\n +pretrain.mining.same_clip_shifted",
        ),
    ],
)
def test_what_is_no_negative_cannot_be_mined(
    objective: str, pairs: dict[PairName, int], mining: dict[NegativeName, int], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        check_mining(Pretrain(objective={"name": objective}, pairs=pairs, mining=mining), catalog(), "c.yaml")


@pytest.mark.parametrize(
    ("objective", "mining"),
    [
        ("margin", {"other_emotion": 2, "same_emotion": 1}),
        ("infonce", {"same_emotion": 2}),
        ("supervised_contrastive", {"other_emotion": 2}),
    ],
)
def test_negatives_can_be_mined(objective: str, mining: dict[NegativeName, int]) -> None:
    check_mining(Pretrain(objective={"name": objective}, mining=mining), catalog(), "c.yaml")
