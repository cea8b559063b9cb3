"""Inference on clips: checkpoints that load on their own, and predictions with reasons."""
