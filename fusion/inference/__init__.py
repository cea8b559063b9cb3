"""Inference on clips: checkpoints that load on their own, and predictions with reasons."""

from __future__ import annotations

from fusion.inference.answer import Answer, StreamAnswer, WindowAnswer
from fusion.inference.predictor import Predictor

__all__ = ["Answer", "Predictor", "StreamAnswer", "WindowAnswer"]
