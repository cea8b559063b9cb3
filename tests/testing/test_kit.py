"""How checks are chosen, run, skipped and told."""

from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from fusion.contract import ComponentError
from fusion.testing import Check, CheckFailed, CheckSkipped, FailureKnown, Outcome, checks_for
from fusion.testing.kit import RULES, Bench
from tests.testing.planted import aggregators, known
from tests.testing.planted.planting import PLUGIN, bench, registration


@pytest.fixture(scope="module")
def shelf() -> Bench:
    return bench([*known.REGISTRATIONS, registration("aggregator", aggregators.Summing, "summing")])


def outcome(shelf: Bench, name: str, check: str) -> Outcome:
    return shelf.subject("aggregator", name).outcome(RULES["aggregator"][check])


def test_what_depends_on_a_failed_check_is_skipped_and_names_it(shelf: Bench) -> None:
    skipped = outcome(shelf, "summing", "equal_windows_agree")
    assert (skipped.state, skipped.message) == ("skipped", "skipped, for answers_probabilities fails")
    assert skipped.blocked
    passed = outcome(shelf, "summing", "builds")
    assert (passed.state, passed.message) == ("passed", "")


def test_a_known_failure_is_told_with_its_reason_and_still_blocks_what_depends_on_it(shelf: Bench) -> None:
    found = outcome(shelf, "bounds", "answers_probabilities")
    assert found.state == "known"
    assert found.message.startswith(f"{known.REASON} (aggregator 'bounds': ")
    assert outcome(shelf, "bounds", "fits_on_little").message == "skipped, for answers_probabilities fails"


def test_a_failure_that_is_known_of_another_example_fails(shelf: Bench) -> None:
    found = outcome(shelf, "half", "answers_probabilities")
    assert found.state == "failed"
    assert found.message.startswith("aggregator 'half' (example 'strict'): ")


def test_a_known_failure_that_passes_is_to_be_struck_out(shelf: Bench) -> None:
    found = outcome(shelf, "mended", "answers_probabilities")
    assert found.state == "failed"
    assert found.message.endswith(f"is written down as a known failure ({known.REASON}); strike it out")


def test_failures_of_the_component_as_a_whole_can_be_known(shelf: Bench) -> None:
    assert outcome(shelf, "mute", "has_a_summary").state == "known"


def test_calling_a_check_raises_what_came_of_it(shelf: Bench) -> None:
    found = {(one.component, one.name): one for one in checks_for(PLUGIN, bench=shelf)}
    found["summing", "builds"]()
    for component, name, raised in (
        ("summing", "answers_probabilities", CheckFailed),
        ("summing", "fits_on_little", CheckSkipped),
        ("bounds", "answers_probabilities", FailureKnown),
    ):
        check = found[component, name]
        assert check.id == f"aggregator-{component}-{name}"
        with pytest.raises(raised):
            check()


def test_checks_are_chosen_by_plugin_distribution_and_kind() -> None:
    kinds = {one.kind for one in checks_for("text")}
    assert kinds == {"modality", "augmentation", "encoder"}
    assert [one.id for one in checks_for("avfusion_text")] == [one.id for one in checks_for("text")]
    assert {one.kind for one in checks_for("avfusion", kind="head")} == {"head"}
    with pytest.raises(ComponentError, match="no installed plugin or distribution is named 'tekst'; install it"):
        checks_for("tekst")
    with pytest.raises(ComponentError, match="plugin 'text': offers no head; register one"):
        checks_for("text", kind="head")


def test_ids_are_unique_and_every_check_says_what_it_makes_sure_of() -> None:
    found: list[Check] = [one for plugin in ("engine", "text", "video") for one in checks_for(plugin)]
    assert len({one.id for one in found}) == len(found)
    assert all(one.summary.endswith(".") for one in found)
    for kind, rules in RULES.items():
        assert all(needed in rules for rule in rules.values() for needed in rule.needs), kind
        assert all(rule.remedy and not rule.remedy.endswith(".") for rule in rules.values())


def test_collecting_imports_nothing_heavy() -> None:
    code = (
        "import sys; from fusion.testing import checks_for; checks_for('text')\n"
        "heavy = {'torch', 'cv2', 'av', 'transformers', 'fusion_text.encoder'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "import fusion.testing.pytest_plugin"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_checks_leave_the_global_generators_and_threads_as_they_are(shelf: Bench) -> None:
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.random.get_rng_state(), torch.get_num_threads()
    fresh = bench([registration("aggregator", aggregators.Drawing, "drawing")])
    assert outcome(fresh, "drawing", "leaves_everything_as_it_was").state == "failed"
    after = random.getstate(), np.random.get_state()[1].tolist(), torch.random.get_rng_state(), torch.get_num_threads()
    assert before[:2] == after[:2]
    assert torch.equal(before[2], after[2])
    assert before[3] == after[3]
