"""Whether a plugin's distribution accepts this version of the engine, read from its metadata before any import.

``packaging`` would answer this too, but costs a third of the start-up time that the whole catalog may take.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_REQUIREMENT = re.compile(
    r"^\s*(?P<name>[A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*\(?(?P<specifiers>[^;@)]*)\)?\s*(?:;(?P<marker>.*))?$"
)
_SPECIFIER = re.compile(r"^\s*(?P<operator>===|==|~=|!=|<=|>=|<|>)\s*v?(?P<version>[0-9][^\s]*)\s*$")
_RELEASE = re.compile(r"^(?:\d+!)?(\d+(?:\.\d+)*)")


def normalised(name: str) -> str:
    """A distribution's name as the package index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def named(requirement: str) -> str | None:
    """The distribution that a requirement is on; None where it is written in no usual way (a URL)."""
    match = _REQUIREMENT.match(requirement)
    return None if match is None else match["name"]


def excluding(requirements: Iterable[str], distribution: str, version: str) -> str | None:
    """The specifiers of the first requirement on ``distribution`` that excludes ``version``; None if all accept it.

    Requirements of optional extras are passed over. Versions are compared by their release numbers, so that a
    development version of the engine counts as the release it leads to.
    """
    for requirement in requirements:
        match = _REQUIREMENT.match(requirement)
        if match is None or normalised(match["name"]) != normalised(distribution):
            continue
        if match["marker"] and "extra" in match["marker"]:
            continue
        specifiers = match["specifiers"].strip()
        if not all(_accepts(specifier, version) for specifier in specifiers.split(",") if specifier.strip()):
            return specifiers
    return None


def _accepts(specifier: str, version: str) -> bool:
    match = _SPECIFIER.match(specifier)
    if match is None:
        return True
    operator, bound = match["operator"], match["version"]
    if operator in {"==", "!="} and bound.endswith(".*"):
        prefix = _release(bound[:-2])
        return (_padded(_release(version), len(prefix))[: len(prefix)] == prefix) == (operator == "==")
    ours, theirs = _release(version), _release(bound)
    if operator == "~=":
        prefix = theirs[:-1]
        return _compare(ours, theirs) >= 0 and _padded(ours, len(prefix))[: len(prefix)] == prefix
    order = _compare(ours, theirs)
    return {
        "==": order == 0, "===": order == 0, "!=": order != 0,
        "<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0,
    }[operator]  # fmt: skip


def _release(version: str) -> tuple[int, ...]:
    match = _RELEASE.match(version)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def _padded(release: tuple[int, ...], length: int) -> tuple[int, ...]:
    return release + (0,) * (length - len(release))


def _compare(first: tuple[int, ...], second: tuple[int, ...]) -> int:
    length = max(len(first), len(second))
    a, b = _padded(first, length), _padded(second, length)
    return (a > b) - (a < b)
