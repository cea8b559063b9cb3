"""Everything that we ship passes everything, and writes down no known failure."""

from __future__ import annotations

from collections import Counter

import pytest

from fusion.catalog import KINDS
from fusion.testing import checks_for

PLUGINS = ("engine", "contrastive", "video", "spectrogram", "text")


@pytest.mark.parametrize("plugin", PLUGINS)
def test_our_components_pass_every_check(plugin: str) -> None:
    found = checks_for(plugin)
    outcomes = {one.id: one.run() for one in found}
    assert [outcome.message for outcome in outcomes.values() if outcome.state in {"failed", "known"}] == []
    assert not any(outcome.blocked for outcome in outcomes.values())
    states = Counter(outcome.state for outcome in outcomes.values())
    assert states["passed"] > 10 * states["skipped"]
    kept = {one.component: outcomes[one.id].state for one in found if one.name == "output_is_the_kept_one"}
    assert set(kept.values()) <= {"passed"}


def test_there_are_components_of_every_kind_but_decoders() -> None:
    kinds = {one.kind for plugin in PLUGINS for one in checks_for(plugin)}
    assert kinds == set(KINDS) - {"decoder"}
