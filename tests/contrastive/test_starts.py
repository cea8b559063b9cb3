"""A grid of starts in a tiny world: every cell is an ordinary run, and is not run twice."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import numpy as np
import pytest

from contrastive.starts import SHARES, STARTS, Cell, Grid, compare_starts
from contrastive.starts_report import Compared, compared, curve, table, verdict, write_comparison
from fusion.catalog import catalog
from fusion.contract import ConfigError, LeakError, RunError
from fusion.evaluation.evaluate import Evaluation
from fusion.evaluation.intervals import Interval
from fusion.inference.files import read_json
from tests.telling import Told
from tests.training.worlds import World, write_world

SMALL = (
    "streams.words=null",
    "streams.pictures.encoder.embedding=8",
    "finetune.epochs=1",
    "finetune.joint.epochs=0",
    "finetune.head.epochs=1",
    "headline=late_average",
    "fusion=[{name: late_average}]",
    "pretrain.epochs=1",
    "pretrain.batch=4",
)
Cells = list[tuple[Cell, Evaluation]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return write_world(tmp_path_factory.mktemp("starts"))


@pytest.fixture(scope="module")
def done(world: World) -> tuple[Grid, Cells, list[str]]:
    """Two starts at two shares."""
    told = Told()
    with pytest.MonkeyPatch.context() as patch:
        for key, value in world.environment().items():
            patch.setenv(key, value)
        grid = Grid(world.config, SMALL, ("margin",), (1.0, 0.5))
        return grid, compare_starts(grid, reporter=told), told.lines


def test_each_cell_is_an_ordinary_run_that_begins_where_its_pretraining_ended(
    done: tuple[Grid, Cells, list[str]],
) -> None:
    _, cells, _ = done
    assert [(cell.start, cell.share) for cell, _ in cells] == [
        ("scratch", 0.5), ("margin", 0.5), ("scratch", 1.0), ("margin", 1.0),
    ]  # fmt: skip
    assert len({cell.run for cell, _ in cells}) == 4
    for cell, evaluation in cells:
        record = read_json(cell.run / "run.json")
        assert record["status"] == "finished"
        assert record["start"] == (None if cell.pretrained is None else str(cell.pretrained))
        assert (evaluation.results["clips"], evaluation.card.is_file()) == (2, True)
    (margin,) = [cell for cell, _ in cells if cell.start == "margin" and cell.share == 1.0]
    assert margin.pretrained is not None
    record = read_json(margin.pretrained / "run.json")
    assert record["config"]["pretrain"]["objective"]["name"] == "margin"
    assert record["config"]["pretrain"]["pairs"]["same_emotion"] == 1


def test_a_share_of_labels_is_all_that_either_job_knows(done: tuple[Grid, Cells, list[str]]) -> None:
    _, _, told = done
    assert "4 of 8 training clips keep their labels and are used" in told
    assert any("clips have no known emotion" in line for line in told)


def test_it_says_how_long_it_takes_before_it_begins(done: tuple[Grid, Cells, list[str]]) -> None:
    _, _, told = done
    assert told[0] == "4 cells, 4 of them to do"
    assert re.match(r"(about \d+ minutes?|less than a minute), by one epoch of each part on this machine", told[1])
    assert ": 4 cells of 1 folds" in told[1]
    assert told[2].startswith("cell 1 of 4: scratch, 50 % of the labels; run ")


def test_the_same_call_again_trains_nothing(
    world: World, done: tuple[Grid, Cells, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    grid, cells, _ = done
    for key, value in world.environment().items():
        monkeypatch.setenv(key, value)
    files = {path: path.stat().st_mtime_ns for cell, _ in cells for path in cell.run.rglob("*") if path.is_file()}
    told = Told()
    again = compare_starts(grid, reporter=told)
    assert told.lines == ["4 cells, 0 of them to do"]
    assert [evaluation.results for _, evaluation in again] == [evaluation.results for _, evaluation in cells]
    assert {path: path.stat().st_mtime_ns for path in files} == files


def test_a_start_from_another_run_is_one_more_cell(
    world: World, done: tuple[Grid, Cells, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, cells, _ = done
    for key, value in world.environment().items():
        monkeypatch.setenv(key, value)
    other = next(cell.pretrained for cell, _ in cells if cell.pretrained is not None and cell.share == 1.0)
    listed = Grid(world.config, SMALL, ("margin",), (1.0,), other).cells(catalog())
    assert [cell.start for cell in listed] == ["scratch", "margin", "after"]
    assert (listed[0].run, listed[2].after) == (cells[2][0].run, other)
    assert listed[2].pretrained != listed[1].pretrained


def test_a_run_of_another_config_is_no_cell_of_this_one(
    world: World, done: tuple[Grid, Cells, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    grid, _, _ = done
    for key, value in world.environment().items():
        monkeypatch.setenv(key, value)
    text = world.config.read_text()
    try:
        world.config.write_text(text.replace("seed: 0", "seed: 1") if "seed: 0" in text else f"{text}\nseed: 1\n")
        told = Told()
        with pytest.raises(RunError, match="another"):
            compare_starts(Grid(grid.source, SMALL, (), (1.0,)), reporter=told)
        assert told.lines[0] == "1 cells, 1 of them to do"
    finally:
        world.config.write_text(text)


def test_grids_of_other_cells_have_folders_of_their_own(world: World) -> None:
    whole = Grid(world.config, (), tuple(STARTS), SHARES)
    assert (whole.job, Grid(world.config, (), tuple(STARTS)[::-1], SHARES[::-1]).job) == ("compare", "compare")
    others = [Grid(world.config, (), ("margin",), SHARES), Grid(world.config, (), tuple(STARTS), (1.0,))]
    assert len({one.job for one in others} | {"compare"}) == 3


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("label_share=0.5", "the grid sets it for each cell"),
        ("pretrain.mining={same_emotion: 2}", "holds none of these"),
    ],
)
def test_what_cannot_work_is_told_before_anything_is_trained(world: World, override: str, sentence: str) -> None:
    grid = Grid(world.config, (*SMALL, override), ("margin_without_same_emotion",), (1.0,))
    with pytest.raises(ConfigError, match=sentence):
        grid.cells(catalog())


def test_cells_of_other_splits_are_not_compared(done: tuple[Grid, Cells, list[str]]) -> None:
    _, cells, _ = done
    (cell, evaluation), *rest = cells
    results = copy.deepcopy(dict(evaluation.results))
    results["run"]["split"]["hash"] = "another"
    with pytest.raises(LeakError, match="cells are of splits"):
        compared([(cell, Evaluation(evaluation.folder, results)), *rest], 0)


def test_a_target_without_classes_is_refused(world: World) -> None:
    with pytest.raises(ConfigError, match="one class of several"):
        Grid(world.config, ("target={name: none}", "streams.words=null"), (), (1.0,)).cells(catalog())


def test_what_is_written_says_what_was_found(done: tuple[Grid, Cells, list[str]], tmp_path: Path) -> None:
    _, cells, _ = done
    found = compared(cells, 0)
    write_comparison(tmp_path, found, cells, "fusion compare tiny.yaml")
    text = (tmp_path / "table.md").read_text()
    assert "- command: `fusion compare tiny.yaml`" in text
    assert f"split hash {read_json(cells[0][0].run / 'run.json')['split']['hash']}" in text
    rows = [line for line in text.splitlines() if line.startswith(("| scratch", "| margin"))]
    assert [row.split(" | ")[1] for row in rows] == ["50 %", "50 %", "100 %", "100 %"]
    assert len(read_json_list(tmp_path / "results.json")) == 4
    assert (tmp_path / "curve.svg").read_text().count("<polyline") == 2


def read_json_list(path: Path) -> list[object]:
    return list(json.loads(path.read_text()))


def figure(start: str, share: float, score: float, difference: tuple[float, float] | None) -> Compared:
    interval = Interval(score - 0.1, score + 0.1, "speakers")
    paired = None if difference is None else Interval(*difference, "speakers")
    return Compared(start, share, {"headline": (score, interval), "voice": (score, interval)}, paired)


def test_the_verdict_counts_what_paired_intervals_exclude() -> None:
    found = [
        figure("scratch", 1.0, 0.5, None),
        figure("margin", 1.0, 0.6, (0.02, 0.2)),
        figure("infonce", 1.0, 0.4, (-0.2, -0.01)),
        figure("supervised_contrastive", 1.0, 0.52, (-0.05, 0.1)),
    ]
    assert verdict(found) == (
        "Of 3 pretrained starts beside those from scratch, above it by the paired interval: margin (100 %); below it "
        "by the paired interval: infonce (100 %). Each is looked at alone: if none made a difference, 0.075 would "
        "still lie above and as many below."
    )
    assert verdict(found[:1]) == "Nothing was pretrained."
    run = {"split": {"guarantee": "none", "hash": "abc"}, "seed": 0}
    lines = table(found, {"run": run, "clips": 8, "names": ["a", "b"]}, "fusion compare", {"margin": "so"}).splitlines()
    assert "- margin: so" in lines
    assert "| margin | 100 % | 0.600 | 0.500 .. 0.700 | +0.100 (+0.020 .. +0.200) | 0.600 |" in lines


def test_higher_scores_are_drawn_higher() -> None:
    drawn = curve([figure("scratch", share, share, None) for share in (0.25, 0.5, 1.0)], chance=0.17)
    points = drawn.split('<polyline points="')[1].split('"')[0].split()
    across, down = np.array([[float(number) for number in point.split(",")] for point in points]).T
    assert (np.diff(across) > 0).all()
    assert (np.diff(down) < 0).all()
