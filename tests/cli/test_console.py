from __future__ import annotations

import pytest

from fusion.cli import console

pytestmark = pytest.mark.light


def test_table_is_plain_and_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    console.table(["stream", "UAR"], [["voice", 0.5], ["voice+[face]", None]], title="rows", numbers={"UAR"})
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == ["rows", "stream        UAR", "voice         0.5", "voice+[face]"]


def test_long_cells_are_not_cut_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    console.table(["path"], [["x" * 200]])
    assert "x" * 200 in capsys.readouterr().out


def test_progress_goes_to_standard_error_and_ends_complete(capsys: pytest.CaptureFixture[str]) -> None:
    with console.progress("prepare", 3, "clips") as advance:
        advance()
        advance(2, note="1 failed")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "prepare" in captured.err
    assert "3/3" in captured.err
    assert "clips" in captured.err
    assert "1 failed" in captured.err


def test_progress_of_an_unknown_total(capsys: pytest.CaptureFixture[str]) -> None:
    with console.progress("scan", None) as advance:
        advance(5)
    assert "5/?" in capsys.readouterr().err


def test_progress_lets_errors_through(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), console.progress("prepare", 3, "clips"):
        raise KeyboardInterrupt
    assert "0/3" in capsys.readouterr().err
