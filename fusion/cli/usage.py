"""What a command line asks for that cannot be."""

from __future__ import annotations

from fusion.contract.errors import FusionError


class UsageError(FusionError):
    """The command line asks for what does not go together, or names what cannot be."""

    exit_code = 64
