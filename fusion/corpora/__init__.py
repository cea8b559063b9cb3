"""Corpora: readers from official layouts, and from tables, to clips."""

from fusion.corpora.loading import load_corpus

__all__ = ["load_corpus"]
