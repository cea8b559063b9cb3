"""The section ``leakage`` of an experiment; light, so that reading a config loads nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Switch:
    """A change of the recipe.

    Args:
        leave_out: Transforms and augmentations that no stream has then, by name.
        window: ``clip`` for whole clips instead of windows and pieces.
    """

    leave_out: tuple[str, ...] = ()
    window: Literal["clip"] | None = None

    def __post_init__(self) -> None:
        if not self.leave_out and self.window is None:
            raise ValueError("a switch changes something: name what to leave_out, or window: clip")


@dataclass(frozen=True, kw_only=True)
class Leakage:
    """Which systems are scored, and how they are split.

    Args:
        systems: By name, the streams of each. One stream is scored alone; several are joined by the config's head.
        test: Shares that are tested: of the speakers, rounded up (honest), or of the rows (leaking).
        validation: Likewise, what validates.
        draws: Splits of each share with whole speakers apart; fewer where speakers allow no more.
        leaking_draws: Splits of each share at random.
        per_piece: Windows drawn from each piece in an epoch where pieces are split at random; as many as from a clip
            unless given, so that clips of several pieces are seen longer there.
        at: The share at which causes are added one by one and switches are turned.
        switched: The system whose switches are turned.
        switches: By name, changes of the recipe.
        published: By system, the mean score that its paper prints, to be shown beside.
    """

    systems: dict[str, tuple[str, ...]]
    test: tuple[float, ...] = (0.1, 0.2, 0.3)
    validation: float = 0.1
    draws: int = 10
    leaking_draws: int = 3
    per_piece: int | None = None
    at: float = 0.2
    switched: str | None = None
    switches: dict[str, Switch] = field(default_factory=dict)
    published: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.systems or not all(self.systems.values()):
            raise ValueError("systems names at least one system, and each at least one stream")
        if not self.test or not all(0 < share < 1 for share in (*self.test, self.validation)):
            raise ValueError("test and validation are shares above 0 and below 1")
        if len(set(self.test)) < len(self.test):
            raise ValueError("test names each share once")
        if self.at not in self.test:
            raise ValueError(f"at is one of the shares that are tested, {', '.join(f'{one:g}' for one in self.test)}")
        if min(self.draws, self.leaking_draws) < 1:
            raise ValueError("draws and leaking_draws are at least 1")
        if self.per_piece is not None and self.per_piece < 1:
            raise ValueError("per_piece is at least 1")
        if self.switches and self.switched not in self.systems:
            raise ValueError("switches need switched: one of the systems")
        strangers = [name for name in self.published if name not in self.systems]
        if not all(0 <= score <= 1 for score in self.published.values()):
            raise ValueError("published scores are shares, such as 0.9466 for 94.66 %")
        if strangers:
            raise ValueError(f"published names '{strangers[0]}', which is no system")
