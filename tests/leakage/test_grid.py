"""Which runs a table of leakage needs, and what a section may not say."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from fusion.catalog import catalog
from fusion.config.experiment import read_experiment
from fusion.contract import ConfigError
from fusion.leakage.grid import Cell, Condition, Grid, Half
from fusion.leakage.settings import Leakage, Switch
from tests.leakage.world import SECTION, STREAMS, SWITCHES, write_world

CONFIGS = Path(__file__).parents[2] / "configs" / "systems"


def cells_of(source: Path, *overrides: str) -> list[Cell]:
    return Grid(source, overrides).cells(catalog())


def test_streams_are_trained_once_for_each_condition_and_systems_of_several_join_them(tmp_path: Path) -> None:
    cells = cells_of(write_world(tmp_path, {**SECTION, "test": [0.2, 0.4], **SWITCHES}))
    trained = [cell for cell in cells if cell.trained is None]
    assert [cell.condition for cell in trained] == [
        Condition(Half.copies, 0.2), Condition(Half.honest, 0.2), Condition(Half.copies, 0.4),
        Condition(Half.honest, 0.4), Condition(Half.speakers, 0.2), Condition(Half.pieces, 0.2),
        Condition(Half.copies, 0.2, "without augmentation"), Condition(Half.honest, 0.2, "without augmentation"),
    ]  # fmt: skip
    assert len({cell.run for cell in cells}) == len(cells) == 8 + 6
    for cell in trained:
        own = cell.loaded.experiment
        assert cell.rows == {"Voice": "voice"}
        assert list(own.streams) == (["voice"] if cell.condition.switch else ["voice", "words"])
        assert own.finetune.joint.epochs == 0
        assert own.leakage == {}  # so that a system more leaves the runs that are there
    for cell in cells:
        if cell.trained is not None:
            own = cell.loaded.experiment
            (first,) = [other for other in trained if other.run == cell.trained]
            assert first.condition == cell.condition
            assert cell.rows == {"Voice+words": "learned"}
            for stream in own.streams.values():
                assert stream.weights == cell.trained
                assert stream.training == {"epochs": 0}


def test_only_rows_of_the_papers_protocol_are_repeated_and_augmented_before_the_split(tmp_path: Path) -> None:
    by_half = {cell.condition.half: cell.loaded.experiment for cell in cells_of(write_world(tmp_path))}
    honest, speakers, pieces, copies = (by_half[half] for half in Half)
    for own in (honest, speakers, pieces):
        assert (own.finetune.balance, own.window.per_clip) == ("sampling", 3)
        assert own.streams["voice"].augmentations[0].options["chance"] == 0.5
    assert [(own.leaking, own.protocol.name) for own in (honest, speakers, pieces, copies)] == [
        (False, "speaker_draws"), (True, "random"), (True, "random"), (True, "random"),
    ]  # fmt: skip
    assert [own.copies for own in (honest, speakers)] == [None, None]
    assert pieces.copies is not None
    assert pieces.copies.model_dump(mode="json") == {"pieces": "1/4", "repeat": False, "augmentations": []}
    assert copies.copies is not None
    assert copies.copies.model_dump(mode="json") == {"pieces": "1/4", "repeat": True, "augmentations": ["gain"]}
    assert (copies.finetune.balance, copies.window.per_clip) == ("none", 1)
    assert copies.streams["voice"].augmentations[0].options["chance"] == 1.0


def test_fewer_windows_of_a_piece_than_of_a_clip_where_the_section_says_so(tmp_path: Path) -> None:
    cells = cells_of(write_world(tmp_path, {**SECTION, "per_piece": 2}))
    drawn = {cell.condition.half: cell.loaded.experiment.window.per_clip for cell in cells}
    assert [drawn[half] for half in Half] == [3, 3, 2, 1]


def test_streams_of_a_table_need_not_share_their_augmentations(tmp_path: Path) -> None:
    streams = {
        **STREAMS,
        "words": {**STREAMS["words"], "augmentations": ["word_dropout"]},
        "other": deepcopy(STREAMS["voice"]) | {"augmentations": [{"name": "noise"}]},
    }
    section = {**SECTION, **SWITCHES, "systems": {"Voice": ["voice"], "Both": ["voice", "words"], "Other": ["other"]}}
    cells = cells_of(write_world(tmp_path, section, streams=streams))
    copies = {
        (cell.condition.switch, *cell.loaded.experiment.streams): cell.loaded.experiment.copies.augmentations
        for cell in cells
        if cell.loaded.experiment.copies is not None and cell.condition.half is Half.copies
    }
    # What joins streams has the rows of the run that trained them; a switched run, those of its own streams.
    rows = ("gain", "word_dropout", "noise")
    assert copies == {
        (None, "voice", "words", "other"): rows,
        (None, "voice", "words"): rows,
        ("without augmentation", "voice"): (),
    }


def test_switches_leave_steps_out_or_take_whole_clips(tmp_path: Path) -> None:
    switches = {"plain": {"leave_out": ["gain"]}, "whole": {"window": "clip"}}
    source = write_world(tmp_path, {**SECTION, "switched": "Voice", "switches": switches})
    found = {(c.condition.switch, c.condition.half): c.loaded.experiment for c in cells_of(source)}
    for half in (Half.copies, Half.honest):
        assert found["plain", half].streams["voice"].augmentations == ()
        assert found["whole", half].window.seconds == "clip"
    plain, whole = (found[switch, Half.copies].copies for switch in ("plain", "whole"))
    assert plain is not None
    assert whole is not None
    assert (plain.augmentations, whole.pieces, whole.augmentations) == ((), None, ("gain",))
    # half as many rows, each seen twice
    assert [found[switch, Half.copies].window.per_clip for switch in (None, "plain", "whole")] == [1, 2, 1]


def test_the_joined_row_is_the_tuned_one_where_the_config_tunes(tmp_path: Path) -> None:
    source = write_world(tmp_path)
    joined = [cell for cell in cells_of(source, "finetune.joint.epochs=2") if cell.trained is not None]
    assert {tuple(cell.rows.items()) for cell in joined} == {(("Voice+words", "tuned"),)}
    assert {cell.loaded.experiment.finetune.joint.epochs for cell in joined} == {2}


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({**SECTION, "systems": {"A": ["vioce"]}, "published": {}}, r"leakage\.systems\.A +there is no stream 'vioce'"),
        ({**SECTION, "systems": {}, "published": {}}, "systems names at least one system"),
        ({**SECTION, "published": {"B": 1.0}}, "published names 'B', which is no system"),
        ({**SECTION, "published": {"Voice": 90}}, "published scores are shares, such as 0.9466"),
        ({**SECTION, "systems": {"Voice": "voice"}, "published": {}}, "should be a valid list, not 'voice'"),
        ({**SECTION, "test": [0.2, 0.2]}, "test names each share once"),
        ({**SECTION, "test": [0.3]}, "at is one of the shares that are tested, 0.3"),
        ({**SECTION, "test": [1.0]}, "test and validation are shares above 0 and below 1"),
        ({**SECTION, "draws": 0}, "draws and leaking_draws are at least 1"),
        ({**SECTION, "per_piece": 0}, "per_piece is at least 1"),
        ({**SECTION, "switches": {"x": {"window": "clip"}}}, "switches need switched: one of the systems"),
        ({**SECTION, "switched": "Voice", "switches": {"x": {}}}, "a switch changes something"),
        (
            {**SECTION, "switched": "Voice", "switches": {"x": {"leave_out": ["denoise"]}}},
            r"leakage\.switches\.x\.leave_out +no stream of Voice has 'denoise'   \(steps: log_mel, gain\)",
        ),
        (
            {**SECTION, **SWITCHES, "systems": {"Voice": ["vioce"]}, "published": {}},
            r"1 problem\n +leakage\.systems\.Voice +there is no stream 'vioce'",
        ),
        ({}, r"leakage +name the systems to score"),
    ],
)
def test_what_a_section_may_not_say(section: dict[str, object], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        cells_of(write_world(tmp_path, section))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fusion": [{"name": "late_average"}, {"name": "learned"}]}, r"fusion +streams of a system are joined by one"),
        ({"copies": {"repeat": True}, "leaking": True}, r"copies +the runs of the table set it themselves"),
        (
            {"training_corpora": [{"name": "demo", "labels": {"emotion": {}}}]},
            r"training_corpora +both halves use the same clips",
        ),
        (
            {"target": {"name": "classes", "classes": ["calm", "happy", "angry"], "kind": "several"}},
            "target +leakage is measured by how often one class of several is found",
        ),
    ],
)
def test_what_does_not_fit_beside_a_section(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        cells_of(write_world(tmp_path, **change))


def test_null_takes_an_inherited_system_back(tmp_path: Path) -> None:
    source = write_world(tmp_path)
    loaded = read_experiment(source, ["leakage.systems.Voice+words=null"])
    assert list(loaded.experiment.leakage["systems"]) == ["Voice"]
    with pytest.raises(ConfigError, match="systems"):
        read_experiment(source, ["leakage.systems=null"])


@pytest.mark.parametrize(
    ("name", "streams", "runs"),
    [("lbher_table", 4, 22), ("lbher_java_sed", 4, 22), ("lbher_ravdess", 4, 16), ("lbher_ravdess_pieces", 1, 4)],
)
def test_tables_of_the_recipe(name: str, streams: int, runs: int) -> None:
    cells = cells_of(CONFIGS / f"{name}.yaml")
    assert len(cells) == runs
    assert len(cells[0].loaded.experiment.streams) == streams
    by_condition = {cell.condition: cell.loaded.experiment for cell in cells if cell.trained is None}
    for half in (Half.copies, Half.honest):
        plain = by_condition[Condition(half, 0.2)].streams["cnn_rnn"]
        assert [one.name for one in plain.transforms].count("denoise") == 1
        bare = by_condition.get(Condition(half, 0.2, "without denoising"))
        assert (bare is not None) == (runs == 22)  # switches are turned where the whole table is made
        if bare is not None:
            left = [one.name for one in bare.streams["cnn_rnn"].transforms]
            assert left == [one.name for one in plain.transforms if one.name != "denoise"]
    copies = by_condition[Condition(Half.copies, 0.2)].copies
    assert copies is not None
    assert copies.augmentations == ("crop_top", "rotate")


def test_a_switch_and_a_section_as_python() -> None:
    assert Leakage(systems={"a": ("b",)}, switched="a", switches={"c": Switch(window="clip")}).at == 0.2
    assert STREAMS.keys() == {"voice", "words"}
