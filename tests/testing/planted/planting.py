"""Components with one planted fault each, and the sentence with which the kit must catch it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from fusion.catalog import Catalog, Registration
from fusion.catalog.discovery import Found, PluginState
from fusion.testing.kit import Bench

PLUGIN = "planted"


@dataclass(frozen=True)
class Planted:
    """A planted fault.

    Args:
        registration: The faulty component.
        check: The check that must catch it.
        sentence: What the check must say of it.
    """

    registration: Registration
    check: str
    sentence: str


#: Sound components by kind, which must pass everything.
SOUND: list[Registration] = []
FAULTS: list[Planted] = []

Cls = TypeVar("Cls")


def registration(kind: str, target: Any, name: str | None = None, **more: Any) -> Registration:
    """How a plugin would announce it."""
    path = f"{target.__module__}:{target.__name__}"
    made = Registration(
        kind, name or target.__name__.lower(), path, None, None, "planted", PLUGIN, "kit-planted", "1.0"
    )
    return replace(made, **more)


def sound(kind: str, name: str | None = None, **more: Any) -> Callable[[Cls], Cls]:
    """A component without a fault."""

    def add(target: Cls) -> Cls:
        SOUND.append(registration(kind, target, name, **more))
        return target

    return add


def planted(kind: str, check: str, sentence: str, name: str | None = None, **more: Any) -> Callable[[Cls], Cls]:
    """A component that one check must catch, with this in its sentence."""

    def add(target: Cls) -> Cls:
        FAULTS.append(Planted(registration(kind, target, name, **more), check, sentence))
        return target

    return add


def bench(registrations: list[Registration], **more: Any) -> Bench:
    """A bench over components that no installed plugin announces."""
    found = Found({(one.kind, one.name): one for one in registrations})
    for plugin in {one.plugin for one in registrations}:
        found.plugins.append(PluginState(plugin, "1.0", "kit-planted", {}, "ok"))
    return Bench(Catalog(found), **more)
