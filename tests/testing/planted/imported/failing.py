"""Needs what nobody has."""

import no_such_module_anywhere  # noqa: F401  # type: ignore[import-not-found]
