from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from fusion.cli.app import main
from fusion.inference import Answer, StreamAnswer, WindowAnswer
from tests.training.worlds import World, write_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def run(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = ("finetune.epochs=1", "finetune.head.epochs=1", "finetune.joint.epochs=0", "window.hop=0.5")
    folder = tmp_path_factory.mktemp("run") / "finetune"
    return world.train(folder, *options, "headline=late_average")


def predict(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["predict", *map(str, arguments)])
    assert caught.value.code is None or isinstance(caught.value.code, int)
    return caught.value.code or 0


def test_for_people(world: World, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict(run, world.clip("c09.mp4"), world.clip("c02.wav")) == 0
    text = capsys.readouterr().out
    assert "c09.mp4   0:00 .. 0:02   3 windows" in text
    assert "sound" in text
    assert "contributes" in text
    assert "no pictures in c02.wav" in text


def test_json_and_csv_say_the_same(world: World, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clips = [world.clip("c09.mp4"), world.clip("c00.mp4")]
    assert predict(run, *clips, "--json", "--embeddings") == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["clip"] for answer in answers] == ["c09.mp4", "c00.mp4"]
    assert len(answers[0]["windows"][0]["streams"]["sound"]["embedding"]) == 8
    assert predict(run, *clips, "--csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    windows = [window for answer in answers for window in answer["windows"]]
    assert len(rows) == len(windows)
    for row, window in zip(rows, windows, strict=True):
        assert float(row["start"]) == window["start"]
        assert float(row["loud"]) == pytest.approx(window["probabilities"]["loud"])
        assert row["label"] == window["label"]
        assert float(row["sound_contribution"]) == pytest.approx(window["streams"]["sound"]["contribution"])


def test_one_bad_clip_does_not_stop_the_others(
    world: World, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.mp4").write_bytes(b"")
    code = predict(run, tmp_path / "empty.mp4", world.clip("c00.mp4"), tmp_path / "gone.mp4", "--json")
    printed = capsys.readouterr()
    assert code == 65
    assert [json.loads(line)["clip"] for line in printed.out.splitlines()] == ["c00.mp4"]
    complaints = printed.err.splitlines()
    assert len(complaints) == 2
    assert "empty.mp4: the file is empty" in complaints[0]
    assert "gone.mp4: does not exist" in complaints[1]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["{run}", "c.mp4", "--fold", "odd"], 73, "holds no model"),
        (["{run}", "c.mp4", "--track", "sound"], 64, "'sound' is no track; write KIND=FILE"),
        (["nowhere", "c.mp4"], 73, "nowhere: holds no model; name the folder that finetune reported"),
        (["{run}", "c.mp4", "--json", "--csv"], 64, "either --json or --csv"),
    ],
)
def test_mistakes_are_one_sentence(
    run: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, sentence: str
) -> None:
    assert predict(*(argument.format(run=run) for argument in arguments)) == code
    errors = capsys.readouterr().err
    assert sentence in errors
    assert len(errors.strip().splitlines()) == 1


def test_a_blocked_plugin_is_named(world: World, run: Path) -> None:
    program = [sys.executable, "-c", "from fusion.cli.app import main; main()"]
    done = subprocess.run(
        [*program, "predict", str(run), str(world.clip("c00.mp4"))],
        env={**world.environment(), "FUSION_BLOCK": "video"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 69
    assert "needs avfusion-video, which is installed, but its plugin 'video' is blocked" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_long_answer_is_a_timeline(capsys: pytest.CaptureFixture[str]) -> None:
    from fusion.cli.predict import show

    def window(place: int) -> WindowAnswer:
        chances = {"calm": 0.9, "loud": 0.1} if place // 50 % 2 == 0 else {"calm": 0.3, "loud": 0.7}
        return WindowAnswer(3.0 * place, 3.0 * place + 3, None if place == 120 else chances, {})

    windows = tuple(window(place) for place in range(1300))
    show(
        Answer(
            "a.mp4",
            3900.0,
            "single",
            {"calm": 0.6, "loud": 0.4},
            {"v": StreamAnswer(None, None, {"no [face]": 3})},
            windows,
        )
    )
    text = capsys.readouterr().out
    assert "a.mp4   0:00 .. 1:05:00   1300 windows" in text
    assert "3 of 1300 windows: no [face]" in text
    assert "   0:00 calm         " + "█" * 50 in text
    assert "   2:30 loud         " + "▆" * 20 in text
    assert "   6:00 no answer" in text
