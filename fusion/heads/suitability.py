"""Whether the heads and the aggregator of an experiment fit its target."""

from __future__ import annotations

from fusion.catalog import Catalog
from fusion.config.models import Component, Experiment
from fusion.contract import ConfigError, Problem, Target


def check_suitability(experiment: Experiment, target: Target, catalog: Catalog, source: str) -> None:
    """Refuse heads and aggregators that say they do not do for the target's kind.

    A head or aggregator may have a static method ``suits(options, kind) -> bool``; those without do for all.

    Raises:
        ConfigError: Names each that does not fit.
    """
    named: list[tuple[str, str, Component]] = [
        (f"fusion.{place}", "head", head) for place, head in enumerate(experiment.fusion)
    ]
    named.append(("aggregator", "aggregator", experiment.aggregator))
    problems = [
        Problem(
            key, f"{component.name!r} with these options is for one class a clip, not for a target of {target.kind}"
        )
        for key, kind, component in named
        if not _suits(kind, component, target, catalog)
    ]
    if problems:
        raise ConfigError(source, problems)


def _suits(kind: str, component: Component, target: Target, catalog: Catalog) -> bool:
    suits = getattr(catalog.load(kind, component.name), "suits", None)
    return suits is None or bool(suits(catalog.options(kind, component.name, component.options), target.kind))
