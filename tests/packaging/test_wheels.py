from __future__ import annotations

import zipfile
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT, Environment

PLUGINS = ("avfusion-video", "avfusion-spectrogram", "avfusion-text", "avfusion-features")
NAMES = {name: name.removeprefix("avfusion-") for name in PLUGINS}
#: In no order that an installer would choose by itself.
ONE_ORDER = ("avfusion-text", "avfusion-features", "avfusion", "avfusion-video", "avfusion-spectrogram")


def test_the_wheels_hold_code_types_and_data_but_no_tests(wheels: dict[str, Path]) -> None:
    for name, wheel in wheels.items():
        held = zipfile.ZipFile(wheel).namelist()
        own = [file for file in held if not file.startswith("fusion/cli/templates/")]  # of packages to be started
        assert not [file for file in own if "tests/" in file or file.startswith(("configs", "benchmarks"))], name
    engine = zipfile.ZipFile(wheels["avfusion"]).namelist()
    assert {"fusion/distributions.json", "fusion/evaluation/card.css", "contrastive/plugin.py"} <= set(engine)


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
    asked = alone.fusion("prepare", ROOT / "configs" / "demo.yaml", cwd=tmp_path)
    assert asked.returncode != 0
    for distribution in PLUGINS:
        assert distribution in asked.stderr


def _check_order(
    order: tuple[str, ...], removed: tuple[str, ...], make: Callable[[], Environment], tmp_path: Path
) -> None:
    usual, other = make(), make()
    usual.install("avfusion", *PLUGINS)
    other.install(*order)
    catalog = usual.plugins(tmp_path)
    assert [plugin["state"] for plugin in catalog] == ["ok"] * (2 + len(PLUGINS))
    assert other.plugins(tmp_path) == catalog
    for name in removed:
        other.remove(name)
        assert other.plugins(tmp_path) == [plugin for plugin in catalog if plugin["name"] != NAMES[name]]
        other.install(name)


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
