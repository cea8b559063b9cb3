"""The checks, one module for each kind of component; importing this makes them known to the kit."""

from fusion.testing.checks import common, encoders, golden, transforms

__all__ = ["common", "encoders", "golden", "transforms"]
