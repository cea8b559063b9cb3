"""Heads and aggregators that do not fit a target are refused before any work."""

from __future__ import annotations

import pytest

from fusion.catalog import catalog
from fusion.config.models import Experiment
from fusion.contract import ConfigError
from fusion.heads.suitability import check_suitability

STREAM = {"modality": {"name": "text"}, "encoder": {"name": "lstm"}}


def check(fusion: object, aggregator: str, target: dict[str, object]) -> None:
    experiment = Experiment.model_validate({
        "corpus": "demo", "target": target, "streams": {"words": STREAM}, "fusion": fusion, "aggregator": aggregator,
        "protocol": "speaker_folds",
    })  # fmt: skip
    check_suitability(experiment, catalog().build("target", experiment.target), catalog(), "my.yaml")


SEVERAL = {"name": "classes", "classes": ["a", "b"], "kind": "several"}


@pytest.mark.parametrize("target", [SEVERAL, {"name": "dimensions"}])
@pytest.mark.parametrize("head", ["late_average", {"name": "weighted_sum", "of": "logits"}])
def test_probabilities_of_one_class_are_refused(head: object, target: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"fusion\.0 .*is for one class a clip"):
        check(head, "mean", target)


@pytest.mark.parametrize("aggregator", ["vote", "log_mean", "attention"])
def test_aggregators_of_classes_are_refused_for_dimensions(aggregator: str) -> None:
    with pytest.raises(ConfigError, match="aggregator"):
        check({"name": "late_average", "of": "values"}, aggregator, {"name": "dimensions"})


@pytest.mark.parametrize("head", [
    {"name": "late_average", "of": "values"}, {"name": "weighted_sum", "of": "embeddings"}, {"name": "learned"},
])  # fmt: skip
def test_others_do_for_every_target(head: object) -> None:
    for target in (SEVERAL, {"name": "dimensions"}, {**SEVERAL, "kind": "single"}):
        check(head, "mean", target)
