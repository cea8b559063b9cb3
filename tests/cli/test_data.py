import json

import cv2
import pytest

from fusion.cli.app import main


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo.yaml").write_text(
        "corpus: {name: demo, count: 4, speakers: 4}\n"
        "target: {name: classes, classes: [neutral, happy, sad, angry]}\n"
        "streams: {face: {modality: video, encoder: cnn3d}, words: {modality: text, encoder: lstm}}\n"
        "protocol: leave_one_speaker_out\n"
    )
    return tmp_path / "demo.yaml"


def run(*arguments):
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    return left.value.code


def test_inspect(config, capsys):
    assert run("data", "inspect", config, "--pictures", "sheet.png") == 0
    printed = capsys.readouterr().out
    for part in (
        "demo  4 clips",
        "4 of 4 clips: for trying",
        "angry 1, happy 1",
        "CC0-1.0",
        "missing     nothing",
        "no speaker",
    ):
        assert part in printed
    assert cv2.imread("sheet.png").shape[1] > 800
    assert run("data", "inspect", config, "--json", "--", "corpus.limit=3") == 0
    read = json.loads(capsys.readouterr().out)
    assert read["corpora"][0]["clips"] == 3
    assert read["corpora"][0]["classes"]
    assert len(read["splits"]) == 3
