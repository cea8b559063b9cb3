import json

import cv2
import numpy as np
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
    printed, said = capsys.readouterr()
    assert "generate" in said
    assert "4/4 clips" in said
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
    printed, said = capsys.readouterr()
    assert "generate" not in said
    read = json.loads(printed)
    assert read["corpora"][0]["clips"] == 3
    assert read["corpora"][0]["classes"]
    assert len(read["splits"]) == 3


def write_picture(file, number):
    grey = np.random.default_rng(number).integers(0, 255, (9, 9), dtype=np.uint8)
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), cv2.resize(grey, (48, 48), interpolation=cv2.INTER_CUBIC))


def test_alike_pictures_are_told_where_two_speakers_share_a_file(tmp_path, capsys):
    """The same bytes under two speakers leave no split; what looks alike is looked for all the same."""
    for number in range(6):
        write_picture(tmp_path / f"{('anna', 'bert', 'cleo')[number % 3]}/{'ab'[number // 3]}/{number}.png", number)
    (tmp_path / "bert/b/copy.png").write_bytes((tmp_path / "anna/a/0.png").read_bytes())
    assert run("manifest", tmp_path) == 0
    capsys.readouterr()
    assert run("data", "inspect", tmp_path / "experiment.yaml", "--alike", "--json") == 0
    unsplit, alike = json.loads(capsys.readouterr().out)["notes"]
    assert unsplit.startswith("no splits: ")
    assert "anna_a_0 (speaker manifest:anna)" in unsplit
    assert "bert_b_copy (speaker manifest:bert)" in unsplit
    assert alike == (
        "of 7 single pictures these look alike, in whichever parts they will stand: anna_a_0 = bert_b_copy"
    )
    (tmp_path / "bert/b/copy.png").unlink()
    assert run("manifest", tmp_path, "--force") == 0
    capsys.readouterr()
    few = "protocol={name: speaker_folds, folds: 9}"
    assert run("data", "inspect", tmp_path / "experiment.yaml", "--alike", "--json", "--", few) == 0
    assert json.loads(capsys.readouterr().out)["notes"][-1] == "of 6 single pictures no two look alike"


def test_inspect_finds_pictures_that_stand_alike_in_two_parts(tmp_path, capsys):
    """A manifest of images: one tested picture is a training picture, stored again under another name."""
    lines = ["pictures,emotion,part"]
    for number in range(9):
        part = ("train", "validation", "test")[number % 3]
        write_picture(tmp_path / f"{part}_{number}.png", number)
        lines.append(f"{part}_{number}.png,{'ab'[number % 2]},{part}")
    again = cv2.imread(str(tmp_path / "train_3.png"))
    cv2.imwrite(str(tmp_path / "test_again.jpg"), again, [cv2.IMWRITE_JPEG_QUALITY, 70])
    lines.append("test_again.jpg,b,test")
    (tmp_path / "manifest.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "faces.yaml").write_text(
        "corpus: {name: manifest, root: .}\n"
        "target: {name: classes, classes: [a, b]}\n"
        "streams: {face: {modality: video, encoder: cnn3d}}\n"
        "protocol: {name: held_out, by: part, validation: [validation], test: [test]}\n"
    )
    assert run("data", "inspect", tmp_path / "faces.yaml", "--alike", "--json") == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    said = "1 of 4 tested clips of held_out look like a clip of training or validation: test_again (train_3)"
    assert said in notes
    (tmp_path / "manifest.csv").write_text("\n".join(lines[:-1]) + "\n")
    assert run("data", "inspect", tmp_path / "faces.yaml", "--alike", "--json") == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert "of 9 single pictures none that is tested looks like one of another part" in notes
