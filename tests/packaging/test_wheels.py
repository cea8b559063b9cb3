from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from tests.packaging.conftest import ROOT, Environment, build

PLUGINS = ("avfusion-video", "avfusion-spectrogram", "avfusion-text", "avfusion-features")
NAMES = {name: name.removeprefix("avfusion-") for name in PLUGINS}
#: In no order that an installer would choose by itself.
ONE_ORDER = ("avfusion-text", "avfusion-features", "avfusion", "avfusion-video", "avfusion-spectrogram")


def test_the_wheels_hold_code_types_licence_and_data_but_no_tests(wheels: dict[str, Path]) -> None:
    for name, wheel in wheels.items():
        held = content(wheel)
        others = [file for file in held if not file.startswith("fusion/cli/templates/")]
        assert not [file for file in others if "tests/" in file or file.startswith(("configs", "benchmarks"))], name
        assert [file for file in held if file.endswith(".dist-info/licenses/LICENSE")], name
        packages = {file.split("/")[0] for file in held if file.endswith(".py")}
        assert {f"{package}/py.typed" for package in packages} <= held.keys(), name
    engine = content(wheels["avfusion"])
    assert {"fusion/distributions.json", "fusion/evaluation/card.css", "contrastive/plugin.py"} <= engine.keys()


def test_a_wheel_of_a_source_distribution_is_the_same(
    wheels: dict[str, Path], sdists: dict[str, Path], tmp_path: Path
) -> None:
    for name, sdist in sdists.items():
        with tarfile.open(sdist) as archive:
            archive.extractall(tmp_path, filter="data")
        (unpacked,) = tmp_path.glob(f"{name.replace('-', '_')}-[0-9]*")
        assert (unpacked / "LICENSE").is_file()
        assert content(build(WheelBuilder, unpacked, tmp_path / "wheels")) == content(wheels[name]), name


def content(wheel: Path) -> dict[str, bytes]:
    """The files of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {file: archive.read(file) for file in archive.namelist()}


def test_avfusion_alone_works_and_says_what_installs_a_modality(
    environment: Callable[[], Environment], tmp_path: Path
) -> None:
    alone = environment()
    alone.install("avfusion")
    help_text = alone.fusion("--help", cwd=tmp_path)
    assert help_text.returncode == 0, help_text.stderr
    assert "prepare" in help_text.stdout
    plugins = alone.plugins(tmp_path)
    assert {plugin["name"]: plugin["state"] for plugin in plugins} == {"engine": "ok", "contrastive": "ok"}
    refused = ""
    for config in ("demo.yaml", "ravdess/action_units.yaml"):
        asked = alone.fusion("prepare", ROOT / "configs" / config, cwd=tmp_path)
        assert asked.returncode != 0
        refused += asked.stderr
    for distribution in PLUGINS:
        assert distribution in refused


def _check_order(
    order: tuple[str, ...], removed: tuple[str, ...], make: Callable[[], Environment], tmp_path: Path
) -> None:
    usual, other = make(), make()
    empty = other.files()
    usual.install("avfusion", *PLUGINS)
    other.install(*order)
    catalog = usual.plugins(tmp_path)
    assert [plugin["state"] for plugin in catalog] == ["ok"] * (2 + len(PLUGINS))
    assert other.plugins(tmp_path) == catalog
    for name in removed:
        other.remove(name)
        assert other.plugins(tmp_path) == [plugin for plugin in catalog if plugin["name"] != NAMES[name]]
        other.install(name)
    for name in order:
        other.remove(name)
    assert other.files() == empty


def test_plugins_may_be_installed_in_another_order_and_removed(
    environment: Callable[[], Environment], tmp_path: Path
) -> None:
    _check_order(ONE_ORDER, PLUGINS[:1], environment, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("order", list(permutations(("avfusion", *PLUGINS))), ids="-".join)
def test_plugins_may_be_installed_in_any_order_and_any_removed(
    order: tuple[str, ...], environment: Callable[[], Environment], tmp_path: Path
) -> None:
    _check_order(order, PLUGINS, environment, tmp_path)
