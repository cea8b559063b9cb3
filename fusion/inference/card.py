"""The model card: what a model is, what it was trained on, and what it must not be taken for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def model_card(description: Mapping[str, Any], notes: str) -> str:
    """Markdown for the model's folder."""
    training = description["training"]
    speakers = training["speakers"]
    score = training["validation"]["score"]
    lines = [
        f"# {description['row']} on {description['corpus']}",
        "",
        f"Predicts {', '.join(description['names'])} from {', '.join(description['streams'])}, "
        f"in windows of {description['window']['seconds']} s.",
        "",
        "| | |",
        "| --- | --- |",
        f"| written by | avfusion {description['avfusion']}, {description['written']} |",
        f"| needs | {', '.join(f'{name} {version}' for name, version in description['requires'].items())} |",
        f"| trained on | {training['clips']} clips of {len(speakers) or 'unknown'} speakers |",
        f"| split | {training['split']} of {training['hash']}: {training['guarantee']} |",
        f"| validation | {'none (trained on all speakers)' if score is None else f'{score:.3f}'} |",
        f"| licence of the training material | {'; '.join(training['rights']) or 'not stated'} |",
        f"| training speakers | {', '.join(speakers) or 'not known'} |",
        "",
    ]
    if training["generated"]:
        lines += ["**Trained on generated clips: for trying the engine, not for science or use on people.**", ""]
    lines += [
        "## Use and limits",
        "",
        "The scores say how much a clip resembles acted or rated examples of each class in the training material; they "
        "do not say what a person feels. Other languages, ages, cameras and rooms than those of the training material "
        "lower them in unknown ways. Get the consent of whoever is seen or heard. Do not decide about people by them; "
        "in the European Union, inferring emotions at work and in education is forbidden with few exceptions "
        "(Regulation 2024/1689, article 5).",
        "",
    ]
    if notes:
        lines += ["## Notes", "", notes, ""]
    return "\n".join(lines)
