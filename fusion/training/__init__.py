"""Runs, checkpoints and the training of streams, heads and whole models."""
