from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fusion.catalog import Registration
from fusion.cli.app import main
from fusion.testing import collecting
from fusion.testing.kit import Bench
from tests.testing.planted import aggregators, known, planting, toys, transforms
from tests.testing.planted.planting import PLUGIN, registration

#: What importing the planted modules does is the same in every test.
_IMPORTS: dict[str, Any] = {}


def bench(registrations: list[Registration], **more: Any) -> Bench:
    made = planting.bench(registrations, **more)
    made.imports = _IMPORTS
    return made


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bench:
    """A process in which one planted plugin is installed."""
    made = bench(
        [
            registration("aggregator", aggregators.Good, "sound"),
            registration("aggregator", Printing, "dividing"),
            *known.REGISTRATIONS[:1],
        ]
    )
    monkeypatch.setattr(collecting, "_own_bench", lambda: made)
    return made


class Printing(aggregators.Dividing):
    def fit(self, clips):
        print("here I am")
        return super().fit(clips)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(["plugins", "check", *arguments])
    assert isinstance(left.value.code, int)
    return left.value.code


def test_a_kind_that_does_not_exist_is_told_with_those_that_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("planted", "--kind", "encoders") == 64
    told = capsys.readouterr().err
    assert "--kind: there is no kind 'encoders'; name one of modality, decoder" in told


def test_the_table_has_a_line_for_each_component_and_says_what_did_not_pass(
    shelf: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(PLUGIN) == 69
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[0].split() == ["kind", "component", "passed", "failed", "known", "skipped", "seconds"]
    rows = {line.split()[1]: line.split()[2:6] for line in lines if line.startswith("aggregator")}
    assert rows["sound"][1:] == ["0", "0", "0"]
    assert rows["dividing"][1] == "1"
    assert rows["bounds"][2] == "1"
    assert any(line.startswith("  FAILED fits_on_little: aggregator 'dividing': fitting on no clips") for line in lines)
    assert any(line.startswith(f"  known answers_probabilities: {known.REASON}") for line in lines)
    assert "  skipped equal_windows_agree: for answers_probabilities fails" in lines
    assert lines[-1].endswith("skipped")
    assert "planted: 1 check of 1 component failed; mend what the sentences name" in printed.err


def test_json_is_all_that_is_printed_whatever_components_print(
    shelf: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(PLUGIN, "--json", "--component", "dividing") == 69
    printed = capsys.readouterr()
    found = {entry["check"]: entry for entry in json.loads(printed.out)}
    assert found["fits_on_little"]["state"] == "failed"
    assert found["builds"] == {**found["builds"], "kind": "aggregator", "state": "passed", "message": None}
    assert "here I am" in printed.err


def test_a_sound_component_ends_with_0(shelf: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(PLUGIN, "--component", "sound") == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("12 passed, 0 failed")


def test_what_is_not_there_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("nobody") == 69
    assert (
        "no installed plugin or distribution is named 'nobody'; install it with pip install" in capsys.readouterr().err
    )
    assert run("text", "--component", "nothing") == 69
    assert "text: offers no component 'nothing'; see fusion plugins list" in capsys.readouterr().err


def test_golden_outputs_are_kept_and_found_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "plugin.golden.json"
    toy = registration("modality", toys.Toy, examples=f"{toys.__name__}:rows")
    made = bench([toy, registration("transform", transforms.Smooth, "smooth", modality="toy")], golden=file)
    monkeypatch.setattr(collecting, "_own_bench", lambda: made)
    assert run(PLUGIN, "--kind", "transform") == 0
    assert "its plugin keeps no golden outputs" not in capsys.readouterr().out
    made = bench([toy, registration("transform", transforms.Smooth, "smooth", modality="toy")], golden=file)
    assert run(PLUGIN, "--kind", "transform", "--golden") == 0
    assert f"kept {file}" in capsys.readouterr().err
    outputs = json.loads(file.read_text())
    file.write_text(json.dumps({**outputs, "transform smooth gone": {}, "transform smoother": {}}))
    assert run(PLUGIN, "--kind", "transform", "--golden") == 0
    assert json.loads(file.read_text()) == {**outputs, "transform smoother": {}}
    made = bench([toy, registration("transform", transforms.Centre, "smooth", modality="toy")], golden=file)
    assert run(PLUGIN, "--kind", "transform") == 69
    assert "the output of transform smooth changed (toy) but its version did not" in capsys.readouterr().out


def test_an_output_that_cannot_be_made_is_one_sentence_and_nothing_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "plugin.golden.json"
    toy = registration("modality", toys.Toy, examples=f"{toys.__name__}:rows")
    made = bench([toy, registration("transform", Stumbling, "stumbling", modality="toy")], golden=file)
    monkeypatch.setattr(collecting, "_own_bench", lambda: made)
    assert run(PLUGIN, "--kind", "transform", "--golden") == 69
    assert "golden output of transform 'stumbling': OSError: no paper; run its checks first" in capsys.readouterr().err
    assert not file.exists()


class Stumbling(transforms.Smooth):
    def apply(self, pieces, span, state):
        raise OSError("no paper")
