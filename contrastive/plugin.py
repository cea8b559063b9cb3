"""What contrastive pretraining offers to Fusion, through the same hooks as any plugin."""

from __future__ import annotations

from fusion.contract import Register, hookimpl


@hookimpl
def register_objectives(register: Register) -> None:
    """The objectives over pairs of streams."""
    register(
        "margin",
        "contrastive.margin:MarginObjective",
        options="contrastive.options:Margin",
        summary="squared distance of positives, squared shortfall of negatives from a margin",
    )
