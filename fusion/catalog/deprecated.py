"""Deprecated parts of the contract, still honoured: who uses them is told once."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import pluggy

from fusion.contract import deprecation, hooks


def with_deprecated(kinds: Mapping[str, str]) -> dict[str, str]:
    """The kind that each hook announces, deprecated hooks after the others."""
    return {**kinds, **{name: kinds[old.replacement] for name, old in deprecation.HOOKS.items()}}


def specify_deprecated(manager: pluggy.PluginManager) -> None:
    """Let the manager know the deprecated hooks too; they take what every hook takes."""
    if deprecation.HOOKS:
        manager.add_hookspecs(type("Deprecated", (), {name: hooks.hookspec(_hook) for name in deprecation.HOOKS}))


def _hook(register: hooks.Register) -> None:
    """What a deprecated hook takes: the same as every hook."""


class Uses:
    """What one plugin uses of the deprecated parts.

    Args:
        plugin: Its name.
        distribution: Of its distribution.
    """

    def __init__(self, plugin: str, distribution: str) -> None:
        self._who = f"plugin '{plugin}' of {distribution}"
        self._told: set[str] = set()

    def hook(self, manager: pluggy.PluginManager, name: str) -> None:
        """Tell of a hook if it is deprecated and implemented."""
        if name in deprecation.HOOKS and getattr(manager.hook, name).get_hookimpls():
            self._tell(f"the hook {name}", deprecation.HOOKS[name])

    def current(self, given: Mapping[str, Any], **known: Any) -> dict[str, Any]:
        """Arguments of ``register`` that its signature lacks, taken for their replacements.

        Raises:
            TypeError: One is no argument, and was none.
        """
        for argument, value in given.items():
            old = deprecation.ARGUMENTS.get(argument)
            if old is None:
                raise TypeError(f"register() got an unexpected keyword argument '{argument}'")
            self._tell(f"the argument {argument} of register", old)
            known[old.replacement] = value
        return known

    def _tell(self, what: str, old: deprecation.Deprecation) -> None:
        if what not in self._told:
            self._told.add(what)
            text = (
                f"{self._who} uses {what}, deprecated since avfusion {old.since} and gone in {old.removed}; "
                f"its authors should use {old.replacement}"
            )
            warnings.warn(text, deprecation.ContractDeprecationWarning, stacklevel=2)
