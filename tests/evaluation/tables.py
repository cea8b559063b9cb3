"""Results made from drawn answers of three streams and two heads over three splits."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusion.contract import Target
from fusion.evaluation.predictions import RowPredictions
from fusion.evaluation.table import Table
from tests.evaluation.clips import clip

STREAMS = ("voice", "face", "words")
HEADS = ("late_average", "gated")
RUN: dict[str, Any] = {
    "job": "finetune",
    "source": "configs/lab/<three>.yaml",
    "overrides": [],
    "begun": "2026-01-01T00:00:00+0000",
    "seed": 3,
    "split": {"hash": "0123456789ab", "protocol": {"name": "leave_one_speaker_out"}, "leaking": False,
              "guarantee": "leave_one_speaker_out: no speaker and no take stands in two parts", "notes": []},
    "data": {"clips": 60, "further": 0, "speakers": ["lab:1"], "rights": ["CC BY 4.0"], "generated": False},
    "environment": {"versions": {"avfusion": "1.0.0"}, "python": "3.11", "system": "Linux", "git": None,
                    "command": ["/usr/bin/fusion", "finetune", "configs/lab/<three>.yaml"]},
    "config": {"notes": "</pre><script>alert(1)</script>"},
}  # fmt: skip


def drawn(target: Target, clips: int, random: np.random.Generator) -> tuple[NDArray[np.float32], list[NDArray[Any]]]:
    """Targets and, for each stream, answers that know something of them."""
    count = len(target.names)
    true: NDArray[Any]
    if target.kind == "dimensions":
        true = random.normal(size=(clips, count))
        return true.astype(np.float32), [true * 0.5 + random.normal(size=true.shape) * s for s in (0.5, 0.7, 0.9)]
    if target.kind == "several":
        true = (random.random((clips, count)) < 0.4).astype(np.float32)
        return true, [1 / (1 + np.exp(-(4 * true - 2) * s - random.normal(size=true.shape))) for s in (1, 0.7, 0.4)]
    true = np.eye(count, dtype=np.float32)[random.integers(count, size=clips)]
    logits = [random.normal(size=true.shape) + 2.5 * true * s for s in (1, 0.7, 0.4)]
    if target.kind == "soft":
        true = (0.8 * true + 0.2 / count).astype(np.float32)
    return true, [np.exp(own) / np.exp(own).sum(axis=1, keepdims=True) for own in logits]


def filled(
    target: Target, *, speakers: Sequence[str | None] = ("lab:1", "lab:2", "lab:3"), each: int = 20,
    temperature: float | None = None, absent: Sequence[int] = (),
) -> Table:  # fmt: skip
    """A table of one split for each speaker.

    Args:
        target: What is predicted.
        speakers: Who is tested in turn.
        each: Clips of each.
        temperature: Of every row; None for none.
        absent: Places of clips without any stream, in each split.
    """
    table = Table(target, STREAMS, HEADS)
    for number, speaker in enumerate(speakers):
        random = np.random.default_rng(number)
        true, answers = drawn(target, each, random)
        prior = true.mean(axis=0).astype(np.float64)
        answered = np.ones(each, dtype=bool)
        answered[list(absent)] = False
        for own in answers:
            own[list(absent)] = prior
        rows = [RowPredictions(name, None, (name,), own, answered) for name, own in zip(STREAMS, answers, strict=True)]
        for head in HEADS:
            for size in (3, 2, 1):
                for places in combinations(range(3), size):
                    shown = tuple(STREAMS[place] for place in places)
                    label = head if size == 3 else f"{head}[{'+'.join(shown)}]"
                    mean = np.mean([answers[place] for place in places], axis=0)
                    rows.append(RowPredictions(label, head, shown, mean, answered))
        clips = [clip(f"{number}_{k}", speaker, sex="female" if number % 2 else "male") for k in range(each)]
        temperatures = {} if temperature is None else dict.fromkeys((*STREAMS, *HEADS), temperature)
        table.add(
            f"split_{number}",
            clips,
            true,
            rows,
            headline="late_average" if number == 1 else "gated",
            temperatures=temperatures,
            prior=prior,
            absent={"voice": {}, "face": {"no face": 2}, "words": {}},
            windows=each,
        )
    return table


def synthetic(target: Target, **settings: Any) -> dict[str, Any]:
    """Whole results of such a table."""
    return {
        "run": RUN,
        "on": None,
        "guarantee": RUN["split"]["guarantee"],
        "leaking": False,
        "generated": False,
        "notes": [""],
        **filled(target, **settings).results(0),
    }
