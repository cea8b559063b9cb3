import pytest

from fusion.cli.app import main


def run(*arguments):
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    return left.value.code


def test_generate(tmp_path, capsys):
    assert run("demo", "generate", tmp_path / "d", "--clips", 4, "--speakers", 4) == 0
    assert "4 generated clips, 4 speakers, 4 emotions (generated: for trying the engine" in capsys.readouterr().out
    assert len(list((tmp_path / "d/clips").glob("*.mp4"))) == 4
    assert run("demo", "generate", tmp_path / "d", "--clips", 8, "--speakers", 4) == 65
    assert "already holds a demo corpus of other numbers" in capsys.readouterr().err
    assert run("demo", "generate", tmp_path / "e", "--clips", 2, "--speakers", 4) == 65
