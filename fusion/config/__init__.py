"""Typed settings, the files they are read from, and overrides."""
