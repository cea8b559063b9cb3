"""Fusion heads, targets and aggregators that come with the engine; all registered like any plugin's."""
