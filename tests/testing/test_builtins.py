"""Everything that we ship passes everything, and writes down no known failure."""

from __future__ import annotations

from collections import Counter

import pytest

from fusion.catalog import KINDS
from fusion.testing import checks_for

#: Made at once, so that all modules are watched by one process.
CHECKS = {
    plugin: checks_for(plugin) for plugin in ("engine", "contrastive", "video", "spectrogram", "text", "features")
}


@pytest.mark.parametrize("plugin", CHECKS)
def test_our_components_pass_every_check(plugin: str) -> None:
    outcomes = {one.id: one.run() for one in CHECKS[plugin]}
    assert [outcome.message for outcome in outcomes.values() if outcome.state in {"failed", "known"}] == []
    assert not any(outcome.blocked for outcome in outcomes.values())
    states = Counter(outcome.state for outcome in outcomes.values())
    assert states["passed"] > 10 * states["skipped"]
    golden = {outcomes[one.id].state for one in CHECKS[plugin] if one.name == "output_is_the_kept_one"}
    assert golden <= {"passed"}


def test_there_are_components_of_every_kind() -> None:
    kinds = {one.kind for checks in CHECKS.values() for one in checks}
    assert kinds == set(KINDS)
