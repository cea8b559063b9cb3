"""A plugin in one file: asked for by every job that needs it, recorded, and missed by name."""

from __future__ import annotations

import io
import json
import shlex
import shutil
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from fusion.catalog.single_files import PluginFile, changed_files
from fusion.cli.app import main, without_common
from fusion.cli.usage import UsageError

PLUGIN = '''
"""How loud it is: a modality, a transform and an encoder in one file."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from torch import nn

from fusion.contract import SOUND, InputSpec, Need, OutputSpec, Pieces, StreamOutput, hookimpl

RATE = Fraction(10)


@hookimpl
def register_modalities(register):
    register("level", "level:Level")


@hookimpl
def register_transforms(register):
    register("level_frames", "level:LevelFrames")


@hookimpl
def register_encoders(register):
    register("level_mlp", "level:LevelMLP", options="level:Options", modality="level")


@dataclass(frozen=True)
class Options:
    width: int = 4


class LevelFrames:
    version = 1
    scope = "clip"
    context = (Fraction(0), Fraction(0))

    def __init__(self, options):
        pass

    def start(self, clip):
        return [0.0, 0]

    def update(self, state, pieces):
        values = np.asarray(pieces[SOUND].data, np.float64)
        return [state[0] + float(np.sum(values**2)), state[1] + len(values)]

    def apply(self, pieces, span, state):
        sound = pieces[SOUND]
        wanted = span.indices(RATE)
        level = np.log10(state[0] / max(state[1], 1) + 1e-6)
        return {"level": Pieces(np.full(len(wanted), level, np.float32), RATE, wanted.start)}


class Level:
    version = 1
    extent = "window"
    mixable = ()

    def __init__(self, options):
        self.needs = {SOUND: Need()}

    def absence(self, row):
        return None if "level" in row and len(row["level"]) else "no sound"

    def fit(self, rows):
        return {}

    def input(self, row, fitted):
        return InputSpec({"level": (1,)})

    def batch(self, rows, spans, fitted):
        return {"level": torch.tensor([[float(np.mean(row["level"].data))] for row in rows])}


class LevelMLP(nn.Module):
    def __init__(self, options, spec):
        super().__init__()
        self.spec = OutputSpec(dim=options.width)
        self.layer = nn.Linear(1, options.width)

    def forward(self, batch):
        return StreamOutput(self.layer(batch["level"]))
'''
EXPERIMENT = """
corpus: {name: demo, root: clips, count: 8, speakers: 4}
target: {name: classes, classes: [neutral, happy, sad, angry]}
streams:
  level: {modality: level, transforms: [level_frames], encoder: level_mlp}
fusion: [late_average]
protocol: {name: held_out, validation: [s03], test: [s04]}
prepare: {workers: 1}
finetune: {epochs: 1, batch: 4, workers: 0}
"""


@dataclass(frozen=True)
class Done:
    """What came of a command."""

    code: object
    stdout: str
    stderr: str


def fusion(line: str, folder: Path) -> Done:
    """Run the program here, so that torch is imported once for all jobs."""
    out, err = io.StringIO(), io.StringIO()
    with chdir(folder), redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as left:
        main(shlex.split(line))
    return Done(left.value.code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("single")
    (path / "mine").mkdir()
    (path / "mine" / "level.py").write_text(PLUGIN, encoding="utf-8")
    (path / "experiment.yaml").write_text(EXPERIMENT, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(folder: Path) -> Path:
    """A run that was trained with the file, and prepared by a process of its own."""
    done = fusion("finetune experiment.yaml --plugin mine/level.py", folder)
    assert done.code == 0, done.stderr
    assert "0 failed" in done.stderr
    return folder / "runs" / folder.name / "finetune"


def test_a_job_without_the_file_knows_nothing_of_it(folder: Path) -> None:
    done = fusion("data inspect experiment.yaml", folder)
    assert done.code == 78
    assert "'level' is no modality" in done.stderr


def test_the_run_and_its_model_record_path_and_content(run: Path) -> None:
    recorded = {"level.py": {"path": "mine/level.py", "sha256": sha256(PLUGIN.encode()).hexdigest()}}
    assert json.loads((run / "run.json").read_text())["plugins"] == recorded
    (model,) = run.glob("*/model/model.json")
    description = json.loads(model.read_text())
    assert description["plugins"] == recorded
    assert description["requires"]["level.py"] == recorded["level.py"]["sha256"][:12]


def test_evaluate_and_predict_say_when_the_file_is_needed(folder: Path, run: Path) -> None:
    clip = next((folder / "clips").rglob("*.mp4"))
    for line, where in ((f"evaluate {run}", "the run of experiment.yaml"),
                        (f"predict {run} {clip} --fold held_out", "this model")):  # fmt: skip
        missed = fusion(line, folder)
        assert missed.code == 69
        assert missed.stderr == (
            f"fusion: {where}: was made with the single-file plugin level.py, which was not given; "
            "add --plugin mine/level.py\n"
        )
        found = fusion(f"--plugin=mine/level.py {line}", folder)
        assert found.code == 0, found.stderr
        assert "level" in found.stdout
        assert "changed" not in found.stdout + found.stderr


def test_another_content_is_another_run_and_is_told_by_evaluate_and_predict(folder: Path, run: Path) -> None:
    other = folder / "other"
    shutil.copytree(run, other)
    for path in (other / "run.json", other / "held_out/model/model.json"):
        path.write_text(path.read_text().replace(sha256(PLUGIN.encode()).hexdigest(), "0" * 64))
    clip = next((folder / "clips").rglob("*.mp4"))
    predicted = fusion(f"predict {other} {clip} --fold held_out --plugin mine/level.py", folder)
    assert (predicted.code, predicted.stderr.partition(", and is")[0]) == (
        0, "note: level.py has changed since: it was 000000000000"
    )  # fmt: skip
    evaluated = fusion(f"evaluate {other} --json --plugin mine/level.py", folder)
    assert any("level.py has changed since" in note for note in json.loads(evaluated.stdout)["notes"])
    moved = folder / "moved"
    run.rename(moved)
    other.rename(run)
    again = fusion("finetune experiment.yaml --plugin mine/level.py", folder)
    run.rename(other)
    moved.rename(run)
    assert again.code == 73
    assert "holds a run with another content of its single-file plugins" in again.stderr


def test_the_list_shows_the_file_like_any_plugin(folder: Path) -> None:
    done = fusion("plugins list --json --plugin mine/level.py", folder)
    listed: dict[str, dict[str, Any]] = {plugin["name"]: plugin for plugin in json.loads(done.stdout)}
    assert (listed["level"]["state"], listed["level"]["distribution"]) == ("ok", "level.py")
    assert listed["level"]["offers"]["encoder"] == ["level_mlp"]
    assert "FILE: load a plugin" in fusion("--help --plugin mine/level.py", folder).stdout


def test_the_kit_lets_its_options_lie_beside_the_rest(folder: Path) -> None:
    done = fusion("plugins check level --component level_mlp --plugin mine/level.py", folder)
    row = next(line for line in done.stdout.splitlines() if line.split()[:2] == ["encoder", "level_mlp"])
    assert int(row.split()[2]) >= 4, done.stdout
    assert "imports_quietly" not in done.stdout
    assert "options_are_light" not in done.stdout


HOOK = "from fusion.contract import hookimpl\n@hookimpl\ndef register_heads(register):\n    "
BAD = {
    "gone.py": (None, 66, "does not exist; name a Python file, or install the package"),
    "Upper.py": ("", 69, "its name is none of a plugin; call it by lower case letters, digits, _ and .py"),
    "notes.txt": ("", 69, "its name is none of a plugin; call it by lower case letters, digits, _ and .py"),
    "broken.py": ("1 / 0\n", 69, "it fails at import: ZeroDivisionError: division by zero; mend it, or leave --plugin "
                  "out"),
    "leaving.py": ("raise SystemExit('bye')\n", 69, "it fails at import: SystemExit: bye; mend it, or leave --plugin "
                   "out"),
    "mistyped.py": ("def f(:\n", 69, "it fails at import: SyntaxError: invalid syntax"),
    "empty.py": ("", 69, "registers nothing; write a function such as register_encoders with @hookimpl above it"),
    "unmarked.py": ("def register_heads(register): ...\n", 69, "register_heads is not marked as a hook; write "
                    "@hookimpl above it"),
    "raising.py": (f"{HOOK}raise ValueError('no key')\n", 69, "it fails while registering (register_heads): "
                   "ValueError: no key; mend it, or leave --plugin out"),
    "taken.py": (f"{HOOK}register('late_average', 'taken:Head')\n", 69, "the head 'late_average' is taken by engine of "
                 "avfusion; register it under another name"),
    "engine.py": (HOOK + "pass\n", 69, "the plugin name 'engine' is taken by avfusion; rename the file"),
    "json.py": (HOOK + "pass\n", 69, "there is another module called 'json'; rename the file"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_sentence(tmp_path: Path, name: str) -> None:
    content, code, sentence = BAD[name]
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    done = fusion(f"plugins list --plugin {name}", tmp_path)
    assert (done.code, done.stdout) == (code, "")
    assert done.stderr.startswith(f"fusion: {name}: {sentence}")
    assert done.stderr.count("\n") == 1


def test_a_folder_and_a_blocked_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "things.py").mkdir()
    assert "is a folder" in fusion("plugins list --plugin things.py", tmp_path).stderr
    monkeypatch.setenv("FUSION_BLOCK", "blocked")
    (tmp_path / "blocked.py").write_text(PLUGIN, encoding="utf-8")
    done = fusion(f"plugins list --plugin {tmp_path}/blocked.py", tmp_path)
    assert (done.code, done.stderr) == (
        69, f"fusion: {tmp_path}/blocked.py: is blocked by FUSION_BLOCK; leave --plugin out\n"
    )  # fmt: skip


def test_the_option_is_read_anywhere_before_two_dashes() -> None:
    given = ["--plugin", "a.py", "predict", "run", "--plugin=b.py", "--traceback", "--", "--plugin", "c.py"]
    assert without_common(given) == (["predict", "run", "--", "--plugin", "c.py"], [Path("a.py"), Path("b.py")])
    with pytest.raises(UsageError, match=r"--plugin: needs a file; write --plugin FILE\.py"):
        without_common(["prepare", "x.yaml", "--plugin"])


def test_one_file_given_twice_is_one(folder: Path) -> None:
    done = fusion(f"plugins list --plugin mine/level.py --plugin {folder}/mine/level.py", folder)
    assert done.code == 0, done.stderr


def test_the_file_s_folder_is_not_where_modules_are_looked_for(tmp_path: Path) -> None:
    (tmp_path / "beside_it.py").touch()
    (tmp_path / "importing.py").write_text("import beside_it\n", encoding="utf-8")
    done = fusion("plugins list --plugin importing.py", tmp_path)
    assert "ModuleNotFoundError: No module named 'beside_it'" in done.stderr


def test_a_file_with_the_recorded_content_has_not_changed() -> None:
    file = PluginFile(Path("elsewhere/level.py"), "ab" * 32, b"")
    assert changed_files({"level.py": {"path": "mine/level.py", "sha256": "ab" * 32}}, [file]) == []
