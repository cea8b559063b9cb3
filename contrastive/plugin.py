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
        examples="contrastive.examples:margin",
    )
    register(
        "infonce",
        "contrastive.infonce:InfoNCEObjective",
        options="contrastive.options:InfoNCE",
        summary="each window picks its own among all of the batch; symmetric, with a learned temperature",
        examples="contrastive.examples:infonce",
    )
    register(
        "supervised_contrastive",
        "contrastive.supervised:SupervisedContrastiveObjective",
        options="contrastive.options:SupervisedContrastive",
        summary="windows of one emotion are drawn together across streams",
        examples="contrastive.examples:supervised_contrastive",
    )


@hookimpl
def register_commands(register: Register) -> None:
    """The job ``pretrain``; its options are the section of that name in a config."""
    register(
        "pretrain",
        "contrastive.command:add",
        options="contrastive.settings:Pretrain",
        summary="pretrain streams against each other, by pairs",
    )
    register(
        "compare",
        "contrastive.compare_command:add",
        summary="say whether pretraining helps, by objective and share of labels",
    )
