"""Which checks a plugin's components are to pass, and how they are called."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fusion.catalog import KINDS, Catalog, catalog
from fusion.catalog.requirement import normalised
from fusion.contract import ComponentError
from fusion.testing import checks as _checks  # noqa: F401 - makes the checks known
from fusion.testing.kit import RULES, Bench, Outcome, Rule, Subject
from fusion.testing.raising import CheckFailed, CheckSkipped, FailureKnown

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True)
class Check:
    """One check of one component. Calling it returns, or raises what came of it.

    Attributes:
        kind: Kind of the component, ``encoder`` for one.
        component: Its name.
        name: The check's name.
        summary: What it makes sure of, in one line.
        rule: The check as it is written.
        subject: The component, with its examples.
    """

    kind: str
    component: str
    name: str
    summary: str
    rule: Rule = field(repr=False)
    subject: Subject = field(repr=False)

    @property
    def id(self) -> str:
        """Kind, component and check: ``encoder-pulse_gru-one_row_trains``."""
        return f"{self.kind}-{self.component}-{self.name}"

    def run(self) -> Outcome:
        """What comes of it; never raises for a fault. What it needs is run before it, each once in a process."""
        return self.subject.outcome(self.rule)

    def __call__(self) -> None:
        """Run it.

        Raises:
            CheckFailed: The component breaks its contract.
            CheckSkipped: It does not apply, or needs a check that failed.
            FailureKnown: It failed as the component's author wrote down.
        """
        outcome = self.run()
        if outcome.state == "failed":
            raise CheckFailed(outcome.message) from outcome.cause
        if outcome.state == "skipped":
            raise CheckSkipped(outcome.message)
        if outcome.state == "known":
            raise FailureKnown(outcome.message)


def checks_for(plugin: str, *, kind: str | None = None, bench: Bench | None = None) -> list[Check]:
    """All checks of a plugin's components, none run yet; nothing heavy is imported.

    Args:
        plugin: Name of a plugin (its entry point), or of an installed distribution, whose plugins are all meant.
        kind: Only components of this kind.
        bench: Where components and their examples are found; that of this process unless given.

    Raises:
        ComponentError: There is no such plugin, it failed to load, or it offers nothing.
    """
    bench = _own_bench() if bench is None else bench
    names = _plugins(plugin, bench.catalog)
    found = [
        Check(rule.kind, registration.name, rule.name, rule.summary, rule, bench.subject(rule.kind, registration.name))
        for one in KINDS
        if kind in {None, one}
        for registration in bench.catalog.registrations(one)
        if registration.plugin in names
        for rule in RULES[one].values()
    ]
    if not found:
        raise ComponentError(f"offers no {kind or 'component'}", where=f"plugin '{plugin}'", remedy="register one")
    return found


def parametrize(plugin: str, *, kind: str | None = None) -> pytest.MarkDecorator:
    """Make a pytest function run once for each check of a plugin; the function takes ``check`` and calls it.

    Args:
        plugin: As for ``checks_for``.
        kind: Only components of this kind.
    """
    import pytest

    found = checks_for(plugin, kind=kind)
    return pytest.mark.parametrize("check", found, ids=[check.id for check in found])


def _plugins(plugin: str, found: Catalog) -> set[str]:
    states = [state for state in found.plugins if state.name == plugin]
    if not states:
        states = [state for state in found.plugins if normalised(state.distribution) == normalised(plugin)]
    if not states:
        installed = ", ".join(sorted({state.name for state in found.plugins}))
        raise ComponentError(
            f"no installed plugin or distribution is named '{plugin}'",
            remedy=f"install it with pip install, or name one of {installed}",
        )
    for state in states:
        if state.state != "ok":
            raise ComponentError(f"it is {state.state}: {state.error}", where=f"plugin '{state.name}'")
    return {state.name for state in states}


_benches: dict[int, Bench] = {}


def _own_bench() -> Bench:
    """The bench of this process's catalog, so that examples and inputs are made once."""
    own = catalog(strict=False)
    return _benches.setdefault(id(own), Bench(own))
