"""What of the contract is on its way out: it works until the next major version, and says so."""

from __future__ import annotations

from dataclasses import dataclass


class ContractDeprecationWarning(FutureWarning):
    """A plugin uses a part of the contract that the next major version will not have."""


@dataclass(frozen=True)
class Deprecation:
    """One part of the contract that another one replaces.

    Args:
        replacement: What to use instead: a hook, or an argument of ``register``.
        since: The release that deprecated it (``1.4``).
        removed: The major version that will not have it (``2``).
    """

    replacement: str
    since: str
    removed: str


#: Deprecated hooks by name. Each is called as its replacement would be.
HOOKS: dict[str, Deprecation] = {}
#: Deprecated arguments of ``register`` by name. Each is taken for its replacement.
ARGUMENTS: dict[str, Deprecation] = {}
