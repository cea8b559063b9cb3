"""A package that `fusion plugins new` writes is installed, checked, tested and trained with, as it comes."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from fusion.cli.app import main
from tests.installing import ROOT, fusion, install, run

#: Two commands in one process.
TRAINED = """
from pathlib import Path
from fusion.cli.app import main

def typed(*words):
    try:
        main(list(words))
    except SystemExit as left:
        assert not left.code, words

typed("finetune", "experiment.yaml", "corpus.count=8", "finetune.epochs=1", "prepare.workers=0")
(run,) = Path("runs/fusion-heart").glob("finetune*")
typed("evaluate", str(run))
"""


@dataclass(frozen=True)
class Package:
    """A generated package, and the folder where it is installed."""

    folder: Path
    site: Path

    def fusion(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        done = fusion(*arguments, folder=self.folder, site=self.site, plugins="engine,heart", **variables)
        assert done.returncode == 0, done.stderr
        return done


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    folder, site = tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("site")
    done = fusion("plugins", "new", "heart", "--modality", "heart_rate", folder=folder, site=site, plugins="engine")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "fusion-heart: a package with the modality heart_rate",
        "next: cd fusion-heart && pip install -e '.[test]' && pytest",
    ]
    install(folder / "fusion-heart", site)
    return Package(folder / "fusion-heart", site)


def test_nothing_of_a_template_is_left(package: Package) -> None:
    written = [path for path in package.folder.rglob("*") if path.is_file()]
    assert {path.name for path in written} >= {
        ".gitignore",
        "test.yml",
        "LICENSE",
        "py.typed",
        "pyproject.toml",
        "README.md",
    }
    for path in written:
        text = path.read_text(encoding="utf-8")
        assert not path.name.endswith(".template")
        assert "$" not in text.replace("$ ", "").replace("${{ matrix.python }}", ""), path


def test_it_is_installed_as_a_plugin_with_a_modality_and_an_encoder(package: Package) -> None:
    listed = {plugin["name"]: plugin for plugin in json.loads(package.fusion("plugins", "list", "--json").stdout)}
    heart = listed["heart"]
    assert (heart["state"], heart["distribution"], heart["version"]) == ("ok", "fusion-heart", "0.1.0")
    assert heart["offers"] == {"modality": ["heart_rate"], "encoder": ["heart_rate_gru"]}
    project = tomllib.loads((package.folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (project["license"], project["license-files"]) == ("MIT", ["LICENSE"])
    assert project["dependencies"] == ["avfusion>=1.0,<2"]


def test_it_passes_its_own_tests_and_conforms_to_the_contract(package: Package) -> None:
    report = package.folder / "report.xml"
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml", str(report),
               folder=package.folder, site=package.site, plugins="engine,heart")  # fmt: skip
    assert done.returncode == 0, done.stdout
    passed = [case for case in ET.parse(report).iter("testcase") if not len(case)]
    report.unlink()
    files = {case.get("classname", "").rpartition(".")[2] for case in passed}
    assert files == {"test_modality", "test_encoder", "test_conformance"}


def test_it_trains_on_generated_clips_and_is_evaluated(package: Package) -> None:
    done = run("-c", TRAINED, folder=package.folder, site=package.site, plugins="engine,heart")
    assert done.returncode == 0, done.stderr
    assert "headline (heart_rate)" in done.stdout


def test_it_is_formatted_linted_and_typed(package: Package) -> None:
    ruff = [sys.executable, "-m", "ruff"]
    for command in (
        [*ruff, "format", "--isolated", "--line-length", "120", "--check", "."],
        [*ruff, "check", "--isolated", "--line-length", "120", "--select", "B,E,F,I,N,UP,RUF,SIM", "."],
        # strict, and what a run of mypy over the project has kept of torch is used again
        [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"),
         "--cache-dir", str(ROOT / ".mypy_cache"), "--package", "fusion_heart"],
    ):  # fmt: skip
        done = run(*command[1:], folder=package.folder, site=package.site, plugins="engine", MYPYPATH="src")
        assert done.returncode == 0, done.stdout + done.stderr


def test_its_workflow_installs_and_tests_it_with_its_plugin_alone(package: Package) -> None:
    workflow = yaml.safe_load((package.folder / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["test"]
    assert job["env"] == {"FUSION_PLUGINS": "heart", "FUSION_STRICT": "1"}
    assert [step["run"] for step in job["steps"] if "run" in step] == ["pip install '.[test]'", "pytest"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["Fusion-Pulse"], "NAME: 'Fusion-Pulse' is no name: lower case letters, digits and underscores, a letter "
                           "first, no underscore last; write pulse"),
        (["pulse_"], "NAME: 'pulse_' is no name: lower case letters, digits and underscores, a letter first, no "
                     "underscore last; write pulse"),
        (["2"], "NAME: '2' is no name: lower case letters, digits and underscores, a letter first, no underscore "
                "last; choose another one"),
        (["engine"], "NAME: the plugin 'engine' is taken by avfusion; choose another name"),
        (["audio"], "NAME: the modality 'audio' is taken by avfusion-spectrogram; name the modality otherwise with "
                    "--modality"),
        (["faces", "--modality", "Video"], "--modality: 'Video' is no name: lower case letters, digits and "
                                           "underscores, a letter first, no underscore last; write video"),
        (["full"], "fusion-full: exists already; choose another name, or move it away"),
    ],
)  # fmt: skip
def test_a_name_that_cannot_be_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    (tmp_path / "fusion-full").mkdir()
    (tmp_path / "fusion-full" / "mine").touch()
    with chdir(tmp_path), pytest.raises(SystemExit) as left:
        main(["plugins", "new", *arguments])
    assert left.value.code == 64
    assert capsys.readouterr() == ("", f"fusion: {sentence}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["fusion-full"]


def test_starting_a_package_is_light(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom fusion.cli.app import main\n"
        "try:\n    main(['plugins', 'new', 'pulse'])\nexcept SystemExit:\n    pass\n"
        "print(*[name for name in ('torch', 'numpy', 'av') if name in sys.modules])\n"
    )
    done = run("-c", code, folder=tmp_path, site=tmp_path, plugins="engine")
    assert done.stdout.splitlines()[-1] == ""
