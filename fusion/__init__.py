"""An engine that hears, sees and reads how a person speaks.

from fusion import Predictor

answer = Predictor.load("runs/demo/finetune/final")("interview.mp4")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fusion.inference import Predictor

__all__ = ["Predictor"]


def __getattr__(name: str) -> Any:
    """Import exports on use, so that ``import fusion`` stays light."""
    if name in __all__:
        import fusion.inference

        return getattr(fusion.inference, name)
    raise AttributeError(f"module 'fusion' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
