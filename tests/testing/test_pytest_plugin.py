"""What came of a check, in pytest's own words: a test file as a plugin's author writes it, run by pytest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).parents[2]
FILE = """
from fusion.testing import Check, checks_for
from tests.testing.planted import aggregators, known
from tests.testing.planted.planting import PLUGIN, bench, registration
import pytest

SHELF = bench([*known.REGISTRATIONS[:1], registration("aggregator", aggregators.Dividing, "dividing")])
CHECKS = checks_for(PLUGIN, bench=SHELF)

@pytest.mark.parametrize("check", CHECKS, ids=[check.id for check in CHECKS])
def test_component(check: Check) -> None:
    check()
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, str]]:
    """What pytest prints, and the outcome of each test."""
    folder = tmp_path_factory.mktemp("plugin")
    (folder / "test_components.py").write_text(FILE, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), "--junitxml",
         str(folder / "report.xml"), str(folder / "test_components.py")],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=110,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    outcomes = {}
    for case in ET.parse(folder / "report.xml").iter("testcase"):
        children = {child.tag: child for child in case}
        kind = "passed" if not children else next(iter(children))
        skipped = children.get("skipped")
        if skipped is not None and skipped.get("type") == "pytest.xfail":
            kind = "xfail"
        outcomes[case.get("name", "").removeprefix("test_component[").removesuffix("]")] = kind
    return done.stdout, outcomes


def test_outcomes_are_pytests_own(told: tuple[str, dict[str, str]]) -> None:
    _, outcomes = told
    assert outcomes["aggregator-dividing-builds"] == "passed"
    assert outcomes["aggregator-dividing-fits_on_little"] == "failure"
    assert outcomes["aggregator-bounds-answers_probabilities"] == "xfail"
    assert outcomes["aggregator-bounds-fits_on_little"] == "skipped"


def test_a_fault_is_told_by_its_sentence_and_what_the_component_raised(told: tuple[str, dict[str, str]]) -> None:
    printed, _ = told
    sentence = "aggregator 'dividing': fitting on no clips ends in ZeroDivisionError: division by zero; let"
    assert sentence in printed
    assert "len(clips)" in printed
    assert "collecting.py" not in printed
