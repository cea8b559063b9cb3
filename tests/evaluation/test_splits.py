from dataclasses import replace

import pytest

from fusion.catalog import catalog
from fusion.config.models import Experiment
from fusion.contract import LeakError, Split
from fusion.evaluation.splits import check_split, plan_splits, split_hash
from tests.evaluation.clips import clip, corpus

CLIPS = {c.id: c for c in corpus(4, each=2, twins=2)}
GOOD = Split(
    "one",
    tuple(i for i in CLIPS if i[:2] in ("01", "02")),
    tuple(i for i in CLIPS if i[:2] == "03"),
    tuple(i for i in CLIPS if i[:2] == "04"),
)


def experiment(**changes: object) -> Experiment:
    return Experiment.model_validate(
        {
            "corpus": {"name": "manifest"},
            "target": {"name": "classes", "classes": ["a", "b"]},
            "streams": {"voice": {"modality": "audio", "encoder": "cnn"}},
            "protocol": {"name": "leave_one_speaker_out"},
            **changes,
        }
    )


def test_a_good_split_passes() -> None:
    check_split(GOOD, CLIPS, leaking=False)


@pytest.mark.parametrize(
    ("split", "match"),
    [
        (replace(GOOD, test=(*GOOD.test, GOOD.validation[0])), "clip 03_00_0 stands in both validation and test"),
        (
            replace(GOOD, test=GOOD.test[1:], validation=(*GOOD.validation, GOOD.test[0])),
            "take lab:04_00 .*; use a protocol",
        ),
        (replace(GOOD, test=GOOD.test[2:], train=(*GOOD.train, *GOOD.test[:2])), "speaker lab:04 stands in both train"),
        (replace(GOOD, test=()), "the test part is empty"),
        (replace(GOOD, validation=()), "the validation part is empty"),
        (replace(GOOD, train=(*GOOD.train, GOOD.train[0])), "the train part names a clip twice"),
    ],
)
def test_what_crosses_parts_is_refused(split: Split, match: str) -> None:
    with pytest.raises(LeakError, match=match):
        check_split(split, CLIPS, leaking=False)


def test_one_take_of_two_speakers_is_named_with_its_clips() -> None:
    trained, tested = GOOD.train[0], GOOD.test[0]
    clips = {**CLIPS, tested: replace(CLIPS[tested], take=CLIPS[trained].take)}
    owners = " and ".join(f"{name} (speaker {clips[name].speaker})" for name in (trained, tested))
    with pytest.raises(LeakError) as caught:
        check_split(GOOD, clips, leaking=False)
    said = str(caught.value)
    assert f"stands in both train and test: {owners} have the same bytes, or are one take by the corpus" in said
    assert said.endswith("remove one of them, or name the same speaker for both")


def test_only_speakers_may_cross_where_the_protocol_is_named_leaking() -> None:
    crossing = replace(GOOD, test=GOOD.test[2:], train=(*GOOD.train, *GOOD.test[:2]))
    check_split(crossing, CLIPS, leaking=True)
    twins = replace(GOOD, test=GOOD.test[1:], train=(*GOOD.train, GOOD.test[0]))
    with pytest.raises(LeakError, match="take"):
        check_split(twins, CLIPS, leaking=True)


def test_the_hash_names_the_parts_and_not_their_order() -> None:
    turned = replace(GOOD, train=GOOD.train[::-1])
    assert split_hash([GOOD]) == split_hash([turned])
    moved = replace(GOOD, train=GOOD.train[1:], validation=(*GOOD.validation, GOOD.train[0]))
    assert split_hash([GOOD]) != split_hash([moved])


def test_a_plan_says_what_is_guaranteed() -> None:
    plan = plan_splits(experiment(), list(CLIPS.values()), catalog())
    assert plan.guarantee == "leave_one_speaker_out: no speaker and no take stands in two parts"
    assert len(plan.splits) == 4
    assert plan.notes == ()
    leaking = plan_splits(experiment(protocol={"name": "random"}, leaking=True), list(CLIPS.values()), catalog())
    assert leaking.leaking
    assert leaking.guarantee.startswith("LEAKING")


def test_a_plan_says_how_many_speakers_are_unknown_and_promises_nothing_about_them() -> None:
    clips = [*CLIPS.values(), clip("x", None, "lab:x"), clip("y", None, "lab:y")]
    plan = plan_splits(experiment(), clips, catalog())
    assert plan.notes == ("2 of 18 clips have no known speaker; they are grouped by content alone",)
    assert plan.guarantee.endswith("no known speaker and no take stands in two parts")
