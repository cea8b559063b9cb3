"""What a check raises when it is called. The pytest plugin turns the last two into its own outcomes."""

from __future__ import annotations


class CheckFailed(AssertionError):  # noqa: N818 - as pytest says it
    """A component breaks its contract; the message is one sentence with the component, the fault and the remedy."""


class CheckSkipped(Exception):  # noqa: N818 - nothing went wrong
    """The check does not apply to the component, or needs a check that failed, which the message names."""


class FailureKnown(Exception):  # noqa: N818 - nothing unexpected went wrong
    """The check failed as the component's author wrote down; the message is the reason, and what was found."""
