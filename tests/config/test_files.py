from __future__ import annotations

from pathlib import Path

import pytest

from fusion.config.files import parsed, read_mapping
from fusion.contract import ConfigError, InputMissing

pytestmark = pytest.mark.light


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3e-3", 0.003), ("1E5", 100000.0), ("-.5", -0.5), ("1.", 1.0), ("12", 12), ("007", "007"), ("1:30", "1:30"),
        ("no", "no"), ("on", "on"), ("true", True), ("null", None), ("~", None), ("", None),
        ("2024-01-02", "2024-01-02"), ("20/3", "20/3"), ("[1, a]", [1, "a"]), ("{name: cnn}", {"name": "cnn"}),
    ],
)  # fmt: skip
def test_plain_values_are_those_of_yaml_1_2(text: str, value: object) -> None:
    result = parsed(text)
    assert result == value
    assert type(result) is type(value)


def test_inheritance_at_any_place_is_relative_to_its_file(tmp_path: Path) -> None:
    write(tmp_path / "configs/base.yaml", "seed: 1\nwindow: {seconds: 3}\nfusion: [a, b]\n")
    write(tmp_path / "configs/streams/sound.yaml", "modality: audio\nencoder: {name: cnn, width: 8}\n")
    write(tmp_path / "configs/streams/voice.yaml", "inherits: sound.yaml\nencoder: {width: 16}\n")
    path = write(
        tmp_path / "configs/set/one.yaml",
        "inherits: [../base.yaml]\nseed: 2\nfusion: [c]\nstreams:\n  voice: {inherits: ../streams/voice.yaml}\n",
    )
    assert read_mapping(path) == {
        "seed": 2,
        "window": {"seconds": 3},
        "fusion": ["c"],
        "streams": {"voice": {"modality": "audio", "encoder": {"name": "cnn", "width": 16}}},
    }


def test_later_parents_lie_over_earlier_ones(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", "x: 1\ny: 1\n")
    write(tmp_path / "b.yaml", "y: 2\n")
    assert read_mapping(write(tmp_path / "c.yaml", "inherits: [a.yaml, b.yaml]\nz: 3\n")) == {"x": 1, "y": 2, "z": 3}


def test_one_file_may_be_inherited_twice(tmp_path: Path) -> None:
    write(tmp_path / "s.yaml", "k: 1\n")
    path = write(tmp_path / "c.yaml", "a: {inherits: s.yaml}\nb: {inherits: s.yaml}\nc: [{inherits: s.yaml}]\n")
    assert read_mapping(path) == {"a": {"k": 1}, "b": {"k": 1}, "c": [{"k": 1}]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("inherits: me.yaml", "inherit from each other in a circle: me.yaml -> me.yaml"),
        ("inherits: /etc/hosts", "'/etc/hosts' is absolute"),
        ("inherits: ../../outside.yaml", "lies outside"),
        ("inherits: nowhere.yaml", "there is no file 'nowhere.yaml'"),
        ("inherits: {a: 1}", "write the path of a config"),
        ("a: {b: {inherits: nowhere.yaml}}", "a.b.inherits"),
        ("a: 1\na: 2", "line 2, column 1   'a' is given twice"),
        ("a: &x [1]\nb: *x", "aliases are not allowed"),
        ("a: !!python/object/apply:os.getcwd []", "could not determine a constructor"),
        ("- a", "a config is a mapping"),
        ("a: [1", "line 1"),
        ("1: a", "a key is text"),
        ("? [a]\n: 1", "a key is plain text"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path / "outside.yaml", "x: 1")
    path = write(tmp_path / "deep/folder/me.yaml", text)
    with pytest.raises(ConfigError) as caught:
        read_mapping(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_link_does_not_lead_outside(tmp_path: Path) -> None:
    write(tmp_path / "secret.yaml", "x: 1")
    path = write(tmp_path / "mine/me.yaml", "inherits: link.yaml")
    (tmp_path / "mine/link.yaml").symlink_to(tmp_path / "secret.yaml")
    with pytest.raises(ConfigError, match="lies outside"):
        read_mapping(path)


def test_the_working_directory_may_be_inherited_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "shared.yaml", "x: 1")
    path = write(tmp_path / "mine/me.yaml", "inherits: ../shared.yaml")
    monkeypatch.chdir(tmp_path)
    assert read_mapping(path) == {"x": 1}


def test_what_is_no_config_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputMissing):
        read_mapping(tmp_path / "absent.yaml")
    (tmp_path / "latin.yaml").write_bytes("notes: Gefühl".encode("latin-1"))
    with pytest.raises(ConfigError, match="byte 10 is not UTF-8"):
        read_mapping(tmp_path / "latin.yaml")
    write(tmp_path / "large.yaml", "x: " + "y" * 1_000_000)
    with pytest.raises(ConfigError, match="this is no config"):
        read_mapping(tmp_path / "large.yaml")
    assert read_mapping(write(tmp_path / "empty.yaml", "")) == {}
