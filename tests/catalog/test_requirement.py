from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.catalog.requirement import excluding, normalised

pytestmark = pytest.mark.light


@pytest.mark.parametrize(
    ("requirement", "version", "accepted"),
    [
        ("avfusion", "1.0.0", True),
        ("avfusion>=1.0,<2", "1.0.0", True),
        ("avfusion<2,>=1.0", "2.0.0", False),
        ("avfusion >= 2", "1.9.9", False),
        ("avfusion (>=1,<2)", "1.4", True),
        ("avfusion~=1.2", "1.9.0", True),
        ("avfusion~=1.2", "2.0.0", False),
        ("avfusion~=1.2.3", "1.3.0", False),
        ("avfusion==1.*", "1.7.2", True),
        ("avfusion==1.*", "2.0", False),
        ("avfusion!=1.0.*", "1.0.3", False),
        ("avfusion==1.0", "1.0.0", True),
        ("avfusion===1.0", "1.1", False),
        ("avfusion>1.0", "1.0.0", False),
        ("avfusion!=1.0.0", "1.0", False),
        ("avfusion[extra]<2", "2.1", False),
        ("AVFusion>=2", "1.0.0", False),
        ("avfusion>=2; extra == 'next'", "1.0.0", True),
        ("avfusion-video>=2", "1.0.0", True),
        ("avfusion<2", "2.0.0.dev3", False),
        ("avfusion @ file:///somewhere", "1.0.0", True),
    ],
)
def test_requirement_accepts(requirement: str, version: str, accepted: bool) -> None:
    assert (excluding([requirement], "avfusion", version) is None) is accepted


def test_the_excluding_specifiers_are_told() -> None:
    assert excluding(["numpy>=99", "avfusion>=2,<3"], "avfusion", "1.0.0") == ">=2,<3"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=4), st.lists(st.integers(0, 30), min_size=1, max_size=4))
def test_bounds_agree_with_the_order_of_releases(ours: list[int], theirs: list[int]) -> None:
    version, bound = ".".join(map(str, ours)), ".".join(map(str, theirs))
    length = max(len(ours), len(theirs))
    a, b = ours + [0] * (length - len(ours)), theirs + [0] * (length - len(theirs))
    for operator, accepted in ((">=", a >= b), ("<", a < b), ("==", a == b), ("!=", a != b)):
        assert (excluding([f"avfusion{operator}{bound}"], "avfusion", version) is None) is accepted


def test_names_are_compared_as_the_index_does() -> None:
    assert normalised("Av_Fusion.Video") == "av-fusion-video"
