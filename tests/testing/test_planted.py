"""Every check is proven by a planted fault that it catches with its own sentence."""

from __future__ import annotations

import pytest

from fusion.contract import Row
from fusion.testing import checks_for
from fusion.testing.golden import rewrite
from fusion.testing.kit import RULES, Bench
from tests.testing.planted import (
    aggregators,
    augmentations,
    commands,
    common,
    corpora,
    decoders,
    detectors,
    encoders,
    heads,
    modalities,
    objectives,
    protocols,
    targets,
    toys,
    transforms,
)
from tests.testing.planted.planting import FAULTS, PLUGIN, SOUND, Planted, bench

MODULES = (
    aggregators, augmentations, commands, common, corpora, decoders, detectors, encoders, heads, modalities, objectives,
    protocols, targets, toys, transforms,
)  # fmt: skip


@pytest.fixture(scope="session")
def garden(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """All planted components in one catalog, so that their modules are watched in one process."""
    return bench([*SOUND, *(fault.registration for fault in FAULTS)])


@pytest.fixture(scope="session")
def golden(garden: Bench, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The same with golden outputs: some of a version before, one from before the code changed, and none of one."""
    file = tmp_path_factory.mktemp("golden") / "golden.json"

    def output(kind: str, name: str) -> Row:
        subject = garden.subject(kind, name)
        return subject.case(subject.examples[0]).golden()[1]

    rewrite(
        file,
        {
            "modality changed": lambda: ({"changed": 1}, output("modality", "toy")),
            "detector moved": lambda: ({"moved": 1}, output("detector", "good")),
            "transform older": lambda: ({"older": 2}, output("transform", "older")),
            "decoder older": lambda: ({"older": 2}, output("decoder", "older")),
        },
    )
    return bench([*SOUND, *(fault.registration for fault in FAULTS)], golden=file)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.registration.kind}-{fault.registration.name}")
def test_the_fault_is_caught_by_its_check_with_its_sentence(
    garden: Bench, request: pytest.FixtureRequest, fault: Planted
) -> None:
    kind, name = fault.registration.kind, fault.registration.name
    where: Bench = request.getfixturevalue("golden") if fault.check == "output_is_the_kept_one" else garden
    outcome = where.subject(kind, name).outcome(RULES[kind][fault.check])
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
    failed = {
        check.id: check.run().message for check in found if check.run().state != "passed" and not _inapplicable(check)
    }
    assert failed == {}


def _inapplicable(check) -> bool:
    return check.run().state == "skipped" and not check.run().blocked
