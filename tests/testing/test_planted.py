"""Every check is proven by a planted fault that it catches with its own sentence."""

from __future__ import annotations

import pytest

from fusion.testing import checks_for
from fusion.testing.kit import RULES, Bench
from tests.testing.planted import encoders, toys
from tests.testing.planted.planting import FAULTS, PLUGIN, SOUND, Planted, bench

MODULES = (toys, encoders)


@pytest.fixture(scope="session")
def garden(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """All planted components in one catalog, so that their modules are watched in one process."""
    return bench([*SOUND, *(fault.registration for fault in FAULTS)])


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.registration.kind}-{fault.registration.name}")
def test_the_fault_is_caught_by_its_check_with_its_sentence(garden: Bench, fault: Planted) -> None:
    kind, name = fault.registration.kind, fault.registration.name
    outcome = garden.subject(kind, name).outcome(RULES[kind][fault.check])
    assert outcome.state == "failed", outcome.message or outcome.state
    assert outcome.message.startswith(f"{kind} '{name}'")
    assert fault.sentence in outcome.message
    assert "; " in outcome.message
    assert "\n" not in outcome.message


def test_every_check_of_every_kind_has_a_planted_fault() -> None:
    caught = {(fault.registration.kind, fault.check) for fault in FAULTS}
    shared = {check for _, check in caught if all(check in rules for rules in RULES.values())}
    missing = [
        f"{kind}: {name}"
        for kind, rules in RULES.items()
        for name in rules
        if (kind, name) not in caught and name not in shared
    ]
    assert missing == []


def test_sound_components_pass_everything(garden: Bench) -> None:
    names = {(one.kind, one.name) for one in SOUND}
    found = [check for check in checks_for(PLUGIN, bench=garden) if (check.kind, check.component) in names]
    failed = {check.id: check.run().message for check in found if check.run().state != "passed" and not _inapplicable(check)}
    assert failed == {}


def _inapplicable(check) -> bool:
    return check.run().state == "skipped" and not check.run().blocked
