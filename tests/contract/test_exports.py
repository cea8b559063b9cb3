from __future__ import annotations

import subprocess
import sys

import pytest

import fusion
import fusion.contract

pytestmark = pytest.mark.light


def test_exports_are_listed_and_loaded_on_use_only() -> None:
    assert "Predictor" in dir(fusion)
    code = "import fusion, sys; print('fusion.inference' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
    with pytest.raises(AttributeError, match="no attribute 'Predicter'"):
        fusion.Predicter  # noqa: B018


def test_everything_the_contract_exports_exists_and_is_sorted() -> None:
    names = fusion.contract.__all__
    assert all(hasattr(fusion.contract, name) for name in names)
    assert len(set(names)) == len(names)
