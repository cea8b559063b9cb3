"""Every config in ``configs/`` is an experiment that validates, or a preset that one inherits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fusion.config.experiment import read_experiment
from fusion.config.files import read_mapping

pytestmark = pytest.mark.light

CONFIGS = Path(__file__).parents[2] / "configs"
FILES = sorted(CONFIGS.rglob("*.yaml"))


def _is_experiment(path: Path) -> bool:
    return {"corpus", "streams", "protocol"} <= read_mapping(path).keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONFIGS)))
def test_config_validates(path: Path) -> None:
    if _is_experiment(path):
        read_experiment(path)
        return
    inherited = [
        (other.parent / name).resolve()
        for other in FILES
        for names in re.findall(r"inherits:\s*(\[[^\]]*\]|[^\s,}]+)", other.read_text(encoding="utf-8"))
        for name in re.split(r"[\[\],\s]+", names)
        if name
    ]
    assert path.resolve() in inherited, "a preset that nothing inherits"
