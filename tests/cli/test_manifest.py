import csv
from pathlib import Path

import pytest

from fusion.catalog import catalog
from fusion.cli.app import main
from fusion.config.experiment import read_experiment
from fusion.corpora import load_corpus
from fusion.corpora.demo.generating import generate
from fusion.testing.media import write_sound


def run(*arguments):
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    return left.value.code


@pytest.fixture
def folder(tmp_path):
    for speaker in ("anna", "bert", "cleo"):
        for emotion in ("happy", "sad"):
            write_sound(tmp_path / f"clips/{speaker}/{emotion}/take one.wav", seconds=0.2)
    return tmp_path / "clips"


def test_folder_to_runnable_config(folder, capsys):
    assert run("manifest", folder) == 0
    printed = capsys.readouterr().out
    assert "6 clips, 2 classes, 3 speakers, sound" in printed
    loaded = read_experiment(folder / "experiment.yaml")
    clips = load_corpus(loaded.experiment.corpus, catalog=catalog(), base=loaded.source.parent)
    assert [clip.id for clip in clips][:2] == ["anna_happy_take one", "anna_sad_take one"]
    assert list(loaded.experiment.streams) == ["voice"]
    assert loaded.experiment.protocol.name == "leave_one_speaker_out"


def test_output_above_the_clips(folder, capsys):
    table = folder.parent / "mine.csv"
    assert run("manifest", folder, "--output", table) == 0
    with table.open() as stream:
        assert next(csv.DictReader(stream))["file"] == "clips/anna/happy/take one.wav"
    assert (
        len(
            load_corpus(
                read_experiment(folder.parent / "mine.yaml").experiment.corpus, catalog=catalog(), base=folder.parent
            )
        )
        == 6
    )
    capsys.readouterr()
    assert run("manifest", folder, "--output", table) == 73
    assert "--force" in capsys.readouterr().err
    assert run("manifest", folder, "--output", table, "--force") == 0


def test_output_elsewhere_is_refused(folder, tmp_path, capsys):
    (tmp_path / "other").mkdir()
    assert run("manifest", folder, "--output", tmp_path / "other/m.csv") == 65
    assert "below its own folder" in capsys.readouterr().err
    assert not list((tmp_path / "other").iterdir())


def test_missing_speakers_are_said(tmp_path, capsys):
    write_sound(tmp_path / "happy/a.wav", seconds=0.2)
    write_sound(tmp_path / "sad/b.wav", seconds=0.2)
    assert run("manifest", tmp_path) == 0
    assert "no clip names its speaker" in capsys.readouterr().out
    assert "no clip names its speaker" in Path(tmp_path / "experiment.yaml").read_text()


def test_pattern_and_the_mark_of_generated_clips(tmp_path, capsys):
    generate(tmp_path / "demo", clips=4, speakers=4)
    assert run("manifest", tmp_path / "demo/clips", "--pattern", "{speaker}_{emotion}_{take}.mp4") == 0
    capsys.readouterr()
    clips = load_corpus(
        read_experiment(tmp_path / "demo/clips/experiment.yaml").experiment.corpus,
        catalog=catalog(),
        base=tmp_path / "demo/clips",
    )
    assert all(clip.generated for clip in clips)
    assert len({clip.take for clip in clips}) == 4
