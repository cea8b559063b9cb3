import json
import re
from pathlib import Path

import pytest

from fusion.cli.app import main
from fusion.cli.console import out
from fusion.cli.results import print_results
from fusion.contract import RunError
from fusion.heads import options
from fusion.heads.targets import Classes
from fusion.training.run import Record
from tests.evaluation.tables import synthetic


def evaluate(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", *arguments])
    said = capsys.readouterr()
    code = ended.value.code
    assert isinstance(code, int)
    return code, said.out, said.err


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_the_terminal(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(out, "width", width)
    print_results(synthetic(Classes(options.Classes(classes=("calm", "happy", "angry")))))
    lines = capsys.readouterr().out.splitlines()
    table = lines[next(k for k, line in enumerate(lines) if line.startswith("row ")) :][:14]
    assert max(len(line.rstrip()) for line in table[:-3]) <= width
    assert ("calibration error" in table[0]) == (width == 120)
    assert any(re.match(r"headline\[voice\] +0\.\d{3}  0\.\d{3} \.\. [01]\.\d{3}", line) for line in lines)


def test_a_leaking_table_says_so_first(capsys: pytest.CaptureFixture[str]) -> None:
    made = synthetic(Classes(options.Classes(classes=("calm", "happy", "angry"))))
    print_results(
        {**made, "leaking": True, "guarantee": "LEAKING: random lets speakers cross parts", "generated": True}
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "LEAKING: random lets speakers cross parts: no scores of unseen people"
    assert lines[2].startswith("generated clips")


def test_a_folder_without_a_run_is_an_error_of_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed, err = evaluate(capsys, str(tmp_path))
    assert (code, printed) == (73, "")
    assert err == f"fusion: {tmp_path}: holds no run; name the folder that the job reported\n"


def test_runs_with_other_settings_are_named_where_there_is_no_run(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"finetune-{number}").mkdir()
        (tmp_path / f"finetune-{number}" / "run.json").write_text("{}")
    (tmp_path / "finetune-5").mkdir()
    with pytest.raises(RunError) as caught:
        Record(tmp_path / "finetune").read()
    listed = ", ".join(str(tmp_path / f"finetune-{number}") for number in range(3))
    assert str(caught.value).endswith(f"runs with other settings lie in {listed} and 1 more")


def test_overlap_goes_with_on_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = evaluate(capsys, str(tmp_path), "--overlap", "keep")
    assert code == 1
    assert "goes with --on only" in err


def test_json_is_the_only_thing_on_standard_output(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed, _ = evaluate(capsys, str(trained / "run"), "--json")
    assert code == 0
    results = json.loads(printed)
    assert results == json.loads((trained / "run" / "evaluation" / "results.json").read_text())
    assert results["rows"]["headline"]["interval"]["over"] == "speakers"


def test_the_last_line_names_the_card(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed, _ = evaluate(capsys, str(trained / "run"))
    assert code == 0
    card = printed.splitlines()[-1].removeprefix("result card: ")
    assert Path(card).read_text().startswith("<!doctype html>")
