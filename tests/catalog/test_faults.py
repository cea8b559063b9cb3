from __future__ import annotations

import pytest
import torch

from fusion.catalog.faults import guarded
from fusion.contract import ComponentError


def test_want_of_memory_is_nobodys_mistake() -> None:
    with pytest.raises(RuntimeError, match="allocate"), guarded("fails", where="encoder Wide"):
        torch.empty(1 << 50, dtype=torch.uint8)


def test_other_errors_are_those_of_the_component() -> None:
    sentence = "encoder Wide: fails: RuntimeError: singular"
    with pytest.raises(ComponentError, match=sentence), guarded("fails", where="encoder Wide"):
        raise RuntimeError("singular")
