"""Streams as they run: each one's modality, the stored and the live part of its chain, and its key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from fusion.contract import ConfigError, Decoder, Modality, Need, Problem, Scope, Want, media_kind

if TYPE_CHECKING:
    from fusion.catalog import Catalog
    from fusion.config.models import Component, Experiment, StreamSettings

#: Raised when the engine itself shapes pieces differently, so that nothing stale is served.
CHAIN_VERSION = 1


@dataclass(frozen=True)
class Step:
    """One step of a chain.

    Args:
        kind: ``transform`` or ``augmentation``.
        name: Its name in the catalog.
        instance: The built Transform or Augmentation.
        scope: Where a transform may run; augmentations work on windows.
        context: Seconds it needs before and after a span.
        identity: What decides its output, for keys.
    """

    kind: Literal["transform", "augmentation"]
    name: str
    instance: Any
    scope: Scope
    context: tuple[Fraction, Fraction]
    identity: Mapping[str, Any]


@dataclass(frozen=True)
class StreamPlan:
    """One stream of an experiment, built.

    Args:
        name: The stream's name in the config.
        settings: As configured.
        modality: The built modality.
        stored: Steps up to the first random or window-scope one: their output is stored.
        live: The remaining steps, run on each window's slice.
        wants: What is decoded, by media kind.
        optional: Kinds without which the stream is still present.
        key: Hash of everything but the media that decides what is stored.
        decoders: Decoders that plugins bring, by media kind.
    """

    name: str
    settings: StreamSettings
    modality: Modality
    stored: tuple[Step, ...]
    live: tuple[Step, ...]
    wants: Mapping[str, Want]
    optional: frozenset[str]
    key: str
    decoders: Mapping[str, Decoder] = field(default_factory=dict)


def plan_streams(experiment: Experiment, catalog: Catalog) -> dict[str, StreamPlan]:
    """Build every stream's modality and chain.

    Raises:
        ComponentError: A component is unknown or cannot be built.
        ConfigError: A chain cannot run in the given order.
    """
    return {name: _plan(name, settings, catalog) for name, settings in experiment.streams.items()}


def cautions(plans: Mapping[str, StreamPlan]) -> list[str]:
    """What modalities say about what scores of their streams mean, each sentence once, with the streams it is about."""
    about: dict[str, list[str]] = {}
    for name, plan in plans.items():
        for sentence in getattr(plan.modality, "cautions", ()):
            about.setdefault(str(sentence), []).append(name)
    return [f"{', '.join(names)}: {sentence}" for sentence, names in about.items()]


def digest(value: Any) -> str:
    """SHA-256 of a JSON value, as hexadecimal digits; independent of the order of keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _plan(name: str, settings: StreamSettings, catalog: Catalog) -> StreamPlan:
    modality: Modality = catalog.build("modality", settings.modality)
    needs: Mapping[str, Need] = modality.needs
    steps = [
        *(_step(component, "transform", settings, catalog) for component in settings.transforms),
        *(_step(component, "augmentation", settings, catalog) for component in settings.augmentations),
    ]
    cut = next((k for k, step in enumerate(steps) if step.scope == "window"), len(steps))
    problems = [
        Problem(f"streams.{name}", f"{step.name} works on whole clips and cannot follow {steps[cut].name}, which works "
                "on windows; move it forward")
        for step in steps[cut:]
        if step.scope == "clip"
    ]  # fmt: skip
    if problems:
        raise ConfigError("config", problems)
    own = [kind for kind in needs if media_kind(kind) in catalog.names("decoder")]
    # A modality's options that only shape batches must not invalidate what is stored.
    shaping = {key: value for key, value in catalog.identity("modality", settings.modality).items() if key != "options"}
    key = digest(
        {
            "chain": CHAIN_VERSION,
            "modality": shaping,
            "extent": modality.extent,
            "needs": {kind: _need(need) for kind, need in needs.items()},
            "steps": [step.identity for step in steps[:cut]],
            "decoders": {kind: catalog.identity("decoder", media_kind(kind)) for kind in own},
        }
    )
    return StreamPlan(
        name=name,
        settings=settings,
        modality=modality,
        stored=tuple(steps[:cut]),
        live=tuple(steps[cut:]),
        wants={kind: Want(kind, need.rate, need.options) for kind, need in needs.items()},
        optional=frozenset(kind for kind, need in needs.items() if need.optional),
        key=key,
        decoders={kind: catalog.build("decoder", media_kind(kind)) for kind in own},
    )


def _need(need: Need) -> list[Any]:
    return [str(need.rate), need.optional, *([need.options] if need.options else [])]


def _step(component: Component, listed: str, settings: StreamSettings, catalog: Catalog) -> Step:
    """Either list may name transforms or augmentations: the list's own kind is looked up first."""
    kinds: tuple[Literal["transform", "augmentation"], ...] = ("transform", "augmentation")
    ordered = kinds if listed == "transform" else kinds[::-1]
    kind = next((kind for kind in ordered if component.name in catalog.names(kind)), ordered[0])
    for_modality = settings.modality.name if kind == "augmentation" else None
    instance = catalog.build(kind, component, modality=for_modality)
    identity = {"kind": kind, **catalog.identity(kind, component)}
    if kind == "augmentation":
        return Step(kind, component.name, instance, "window", (Fraction(0), Fraction(0)), identity)
    before, after = instance.context
    return Step(kind, component.name, instance, instance.scope, (Fraction(before), Fraction(after)), identity)
