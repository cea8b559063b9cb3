from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.config.merging import merged, nested_override

pytestmark = pytest.mark.light

PLAIN = st.none() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)
MAPPINGS = st.dictionaries(
    st.sampled_from("abcd"), st.recursive(PLAIN, lambda v: st.dictionaries(st.sampled_from("abcd"), v, max_size=3))
)


@pytest.mark.parametrize(
    ("parent", "child", "expected"),
    [
        ({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"c": 4}}, {"a": 1, "b": {"c": 4, "d": 3}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"name": "x3d", "size": "s"}, {"name": "cnn3d"}, {"name": "cnn3d"}),
        ({"name": "x3d", "size": "s"}, {"name": "x3d", "depth": 2}, {"name": "x3d", "size": "s", "depth": 2}),
        ({"name": "x3d", "size": "s"}, {"depth": 2}, {"name": "x3d", "size": "s", "depth": 2}),
        ({"name": "x3d", "size": "s"}, "x3d", {"name": "x3d", "size": "s"}),
        ({"name": "x3d", "size": "s"}, "cnn3d", "cnn3d"),
        ("x3d", {"depth": 2}, {"name": "x3d", "depth": 2}),
        ([{"name": "a", "x": 1}, "b"], {"0": {"x": 2}}, [{"name": "a", "x": 2}, "b"]),
        (["a", "b"], {"1": {"y": 1}, "2": "c"}, ["a", {"name": "b", "y": 1}, "c"]),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
    ],
)
def test_child_is_laid_over_parent(parent: Any, child: Any, expected: Any) -> None:
    assert merged(parent, child) == expected


def test_an_index_outside_the_list_is_an_error() -> None:
    with pytest.raises(IndexError, match="1 items, counted from 0"):
        merged(["a"], {"2": "c"})


@settings(max_examples=30, deadline=None)
@given(MAPPINGS, MAPPINGS)
def test_merging_keeps_what_the_child_says_and_what_only_the_parent_has(
    parent: dict[str, Any], child: dict[str, Any]
) -> None:
    result = merged(parent, child)
    assert set(result) == set(parent) | set(child)
    assert all(result[key] == parent[key] for key in parent if key not in child)
    assert merged(result, child) == result
    assert merged({}, child) == child
    assert merged(parent, {}) == parent


def test_an_override_is_a_nested_mapping() -> None:
    assert nested_override("a.b.c", 3) == {"a": {"b": {"c": 3}}}
