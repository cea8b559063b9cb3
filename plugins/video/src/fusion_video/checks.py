"""Checks of options, made when a config is read; what they raise is shown beside the option's key."""

from __future__ import annotations

from fractions import Fraction


def exact_seconds(text: str, option: str) -> Fraction:
    """Exact seconds above 0 from "3", "0.5" or "20/3".

    Raises:
        ValueError: It is none of these.
    """
    try:
        seconds = Fraction(text)
    except (ValueError, ZeroDivisionError):
        seconds = Fraction(0)
    if seconds <= 0:
        raise ValueError(f"{option} is a number of seconds above 0, such as '3' or '20/3', not {text!r}")
    return seconds


def require_share(value: float, option: str) -> None:
    """Raise ValueError unless a value is a share or a chance."""
    if not 0 <= value <= 1:
        raise ValueError(f"{option} lies in 0 to 1, not at {value}")


def require_least(least: float, **values: float) -> None:
    """Raise ValueError where a value is under its least."""
    for option, value in values.items():
        if not value >= least:
            raise ValueError(f"{option} is at least {least}, not {value}")
