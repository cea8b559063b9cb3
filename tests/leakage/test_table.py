"""The table itself, from runs of a handful of clips, and from answers whose scores are known."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from fusion.catalog import catalog
from fusion.cli import leakage as command
from fusion.inference.files import read_json
from fusion.leakage.figures import MEASURES, Figures, accuracy, mean, one_against_rest, recall
from fusion.leakage.grid import Cell, Condition, Grid, Half
from fusion.leakage.report import bars, results, table
from fusion.leakage.running import run_grid
from tests.leakage.world import SECTION, SWITCHES, write_world
from tests.telling import Told

COPIES, HONEST = Condition(Half.copies, 0.2), Condition(Half.honest, 0.2)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Grid, list[Cell], list[str], Path]:
    """Every run of a small table, as the job makes them."""
    folder = tmp_path_factory.mktemp("leakage")
    source = write_world(folder, {**SECTION, **SWITCHES})
    told = Told()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUSION_RUNS", str(folder / "runs"))
        grid = Grid(source)
        return grid, run_grid(grid, reporter=told), told.lines, folder


Done = tuple[Grid, list[Cell], list[str], Path]


def test_the_job_says_how_much_there_is_to_do_before_it_starts(done: Done) -> None:
    _, cells, lines, _ = done
    assert lines[0] == "10 runs, 10 of them to do"
    assert re.match(r"(about \d+ minutes?|less than a minute) \(\d+ of one processor\), by one epoch", lines[1])
    assert "10 runs of 13 splits in all" in lines[1]
    assert any(" rows to train, " in line for line in lines)
    assert any(" clips to train, " in line for line in lines)
    assert len(cells) == 10


def test_every_run_is_an_ordinary_one_and_leaking_ones_say_so(done: Done) -> None:
    _, cells, _, _ = done
    for cell in cells:
        record = read_json(cell.run / "run.json")
        assert record["status"] == "finished"
        assert record["split"]["leaking"] == cell.condition.half.leaking
        card = (cell.run / "evaluation" / "card.html").read_text(encoding="utf-8")
        assert ("LEAKING" in card) == cell.condition.half.leaking
        model = (cell.run / record["folds"][0] / "model" / "README.md").read_text(encoding="utf-8")
        assert ("LEAKING" in model) == cell.condition.half.leaking
        if cell.trained is not None:
            assert record["split"]["hash"] == read_json(cell.trained / "run.json")["split"]["hash"]
            for fold in record["folds"]:
                own, trained = (
                    (run / fold / "streams" / "voice" / "best.safetensors").read_bytes()
                    for run in (cell.run, cell.trained)
                )
                assert own == trained


def test_what_is_done_is_not_done_again_and_a_lost_score_is_found(done: Done, monkeypatch: pytest.MonkeyPatch) -> None:
    grid, cells, _, folder = done
    monkeypatch.setenv("FUSION_RUNS", str(folder / "runs"))
    (cells[-1].run / "evaluation" / "results.json").unlink()
    told = Told()
    run_grid(grid, reporter=told)
    assert told.lines[0] == "10 runs, 1 of them to do"
    assert (cells[-1].run / "evaluation" / "results.json").is_file()


def test_scores_are_those_of_the_runs(done: Done) -> None:
    _, cells, _, _ = done
    figures = Figures(cells, 0)
    assert (figures.over, figures.count, figures.names) == ("speakers", 6, ["calm", "happy", "angry"])
    for cell in cells:
        rows = read_json(cell.run / "evaluation" / "results.json")["rows"]
        for system, row in cell.rows.items():
            assert figures.score(system, cell.condition, accuracy).value == pytest.approx(rows[row]["accuracy"])
            assert figures.score(system, cell.condition, recall).value == pytest.approx(
                rows[row]["unweighted_average_recall"]
            )
            low, high = figures.score(system, cell.condition, accuracy).interval
            assert low <= rows[row]["accuracy"] <= high
    difference = figures.score("Voice", COPIES, accuracy) - figures.score("Voice", HONEST, accuracy)
    assert difference.drawn.shape == (2000,)
    both = mean([figures.score("Voice", COPIES, accuracy), figures.score("Voice", HONEST, accuracy)])
    assert both.value == pytest.approx(figures.score("Voice", HONEST, accuracy).value + difference.value / 2)


def test_the_command_writes_the_table_the_chart_and_the_runs_it_read(
    done: Done, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    grid, cells, _, folder = done
    monkeypatch.setenv("FUSION_RUNS", str(folder / "runs"))
    command.leakage(grid.source)
    found = folder / "runs" / folder.name / "leakage"
    text = (found / "table.md").read_text(encoding="utf-8")
    assert text in capsys.readouterr().out
    assert "**LEAKING columns**, the paper's protocol: rows are made of clips first" in text
    assert "- LEAKING: random lets speakers, and copies of one clip, cross parts" in text
    assert "- speaker_draws: no speaker and no take stands in two parts" in text
    by_half = {c.condition: read_json(c.run / "run.json")["split"]["hash"] for c in cells}
    (tested,) = (line for line in text.splitlines() if line.startswith("| 80-20 |"))
    leaking, honest = tested.split("|")[2:4]
    assert leaking.startswith(f" 1 split `{by_half[COPIES]}`, ")
    assert honest.startswith(f" 2 splits `{by_half[HONEST]}`, ")
    for half, run in ((leaking, cells[0].run), (honest, next(c.run for c in cells if c.condition == HONEST))):
        answers = list(csv.DictReader((run / "evaluation" / "answers.csv").read_text(encoding="utf-8").splitlines()))
        speakers = {answer["speaker"] for answer in answers}
        assert half.endswith(f", {len(answers)} answers of {len(speakers)} speakers ")
    for heading in ("## Accuracy\n", "## Accuracy, one against rest\n", "## Unweighted average recall\n"):
        assert heading in text
    lines = text.splitlines()
    assert "| model | 80-20, LEAKING | 80-20, honest | 80-20, difference | mean, LEAKING" in text
    for row in ("Voice", "Voice+words", "majority class", "loudness and length", "chance"):
        assert sum(line.startswith(f"| {row} |") for line in lines) == 3
    for step in (
        "+ shared speakers",
        "+ pieces of a clip",
        "+ repetitions and augmented",
        "+ counted one against rest",
    ):
        assert any(line.startswith(f"| {step}") for line in lines)
    assert any(line.startswith("| without augmentation |") for line in lines)
    assert "0.9000" in text
    runs = list(csv.DictReader((found / "runs.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["run"] for row in runs} == {str(cell.run) for cell in cells}
    assert {(row["leaking"], row["protocol"] == Half.honest) for row in runs} == {("True", False), ("False", True)}
    for picture in ("systems.svg", "causes.svg"):
        ET.fromstring((found / picture).read_text(encoding="utf-8"))
    scores = json.loads((found / "results.json").read_text(encoding="utf-8"))
    shown = scores["scores"]["accuracy"]["Voice"]["mean"]["honest"]
    assert f"{shown['value']:.3f} ({shown['low']:.3f} .. {shown['high']:.3f})" in text


def test_causes_add_up_from_the_honest_score_to_the_printed_one(done: Done) -> None:
    grid, cells, _, _ = done
    settings = grid.settings(catalog())
    figures = Figures(cells, 0)
    found = results(figures, settings)
    for system, steps in found["causes"].items():
        assert len(steps) == 5
        total = steps[0]["score"]["value"] + sum(step["adds"]["value"] for step in steps[1:])
        assert total == pytest.approx(figures.score(system, COPIES, one_against_rest).value)
    chart = bars(figures, settings)
    assert list(chart) == ["Voice", "Voice+words"]
    assert all(len(own) == 3 for own in chart.values())


def test_known_answers_give_the_known_table(done: Done, tmp_path: Path) -> None:
    """Of answers that are all wrong honestly, and all right by the paper's protocol."""
    grid, cells, _, _ = done
    moved = []
    for number, cell in enumerate(cells):
        run = tmp_path / str(number)
        (run / "evaluation").mkdir(parents=True)
        for name in ("run.json", "evaluation/results.json"):
            shutil.copy(cell.run / name, run / name)
        answers = list(csv.reader((cell.run / "evaluation" / "answers.csv").read_text(encoding="utf-8").splitlines()))
        place = answers[0].index(next(iter(cell.rows.values())))
        for line in answers[1:]:
            wrong = {"calm": "happy", "happy": "angry", "angry": "calm"}[line[3]]
            line[place] = line[3] if cell.condition.half is Half.copies else wrong
        with (run / "evaluation" / "answers.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(answers)
        moved.append(Cell(cell.condition, cell.rows, cell.loaded, run, cell.trained))
    figures, settings = Figures(moved, 0), grid.settings(catalog())
    assert figures.score("Voice", COPIES, accuracy).interval == (1.0, 1.0)
    assert figures.score("Voice", HONEST, one_against_rest).value == pytest.approx(1 / 3)
    text = table(figures, settings, "fusion leakage x.yaml")
    assert "| Voice | 1.000 (1.000 .. 1.000) | 0.000 (0.000 .. 0.000) | +1.000 (+1.000 .. +1.000)" in text
    assert "| + shared speakers | 0.000 (0.000 .. 0.000) | +0.000 (+0.000 .. +0.000)" in text


def test_measures_from_counts_of_answers() -> None:
    counts = np.array([[[8.0, 2, 0], [1, 4, 0], [0, 0, 5]], [[1, 0, 0], [0, 0, 0], [0, 0, 1]]])
    np.testing.assert_allclose(accuracy(counts), [17 / 20, 1])
    np.testing.assert_allclose(one_against_rest(counts), [1 - 2 / 3 * 3 / 20, 1])
    np.testing.assert_allclose(recall(counts), [(0.8 + 0.8 + 1) / 3, 1])
    assert list(MEASURES) == ["accuracy", "accuracy, one against rest", "unweighted average recall"]
