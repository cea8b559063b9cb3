"""Laying one config over another: inheritance between files, and overrides of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merged(parent: Any, child: Any) -> Any:
    """The child laid over the parent.

    Mappings are merged key by key; lists and plain values are replaced. Components keep their options only as long
    as they keep their name: ``{name: cnn3d}`` over ``{name: x3d, size: s}`` leaves no ``size``. A component written as
    a bare name counts as ``{name: ...}``. Keys of digits (from overrides) reach into a list.
    """
    if isinstance(child, Mapping) and isinstance(parent, str):
        parent = {"name": parent}
    if isinstance(child, str) and isinstance(parent, Mapping) and parent.get("name") == child:
        return dict(parent)
    if isinstance(child, Mapping) and isinstance(parent, list) and child and all(_is_index(key) for key in child):
        return _into_list(parent, child)
    if not (isinstance(child, Mapping) and isinstance(parent, Mapping)):
        return child
    if "name" in child and "name" in parent and child["name"] != parent["name"]:
        return dict(child)
    result = dict(parent)
    for key, value in child.items():
        result[key] = merged(parent[key], value) if key in parent else value
    return result


def _is_index(key: object) -> bool:
    return isinstance(key, str) and key.isdigit()


def _into_list(parent: list[Any], child: Mapping[Any, Any]) -> list[Any]:
    result = list(parent)
    for key, value in child.items():
        index = int(key)
        if index > len(result):
            raise IndexError(f"the list has {len(result)} items, counted from 0")
        if index == len(result):
            result.append(value)
        else:
            result[index] = merged(result[index], value)
    return result


def nested_override(key: str, value: Any) -> dict[str, Any]:
    """``a.b.c`` and a value as ``{a: {b: {c: value}}}``."""
    result: Any = value
    for part in reversed(key.split(".")):
        result = {part: result}
    assert isinstance(result, dict)
    return result
