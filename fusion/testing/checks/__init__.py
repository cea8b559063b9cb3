"""The checks, one module for each kind of component; importing this makes them known to the kit."""

from fusion.testing.checks import augmentations, common, corpora, encoders, golden, heads, modalities, transforms

__all__ = ["augmentations", "common", "corpora", "encoders", "golden", "heads", "modalities", "transforms"]
