"""The checks, one module for each kind of component; importing this makes them known to the kit."""

from fusion.testing.checks import (
    aggregators,
    augmentations,
    commands,
    common,
    corpora,
    decoders,
    detectors,
    encoders,
    golden,
    heads,
    modalities,
    objectives,
    protocols,
    targets,
    transforms,
)

__all__ = [
    "aggregators",
    "augmentations",
    "commands",
    "common",
    "corpora",
    "decoders",
    "detectors",
    "encoders",
    "golden",
    "heads",
    "modalities",
    "objectives",
    "protocols",
    "targets",
    "transforms",
]
