"""Moved to fusion.inference.files."""

from fusion.inference.files import read_json, read_state, write_atomic, write_json, write_state

__all__ = ["read_json", "read_state", "write_atomic", "write_json", "write_state"]
