"""Sentences on both sides of a split: found, counted, scored apart, and kept apart."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.catalog import catalog
from fusion.contract import Clip, DataError, Split
from fusion.evaluation import options, protocols
from fusion.evaluation.evaluate import evaluate
from fusion.evaluation.sentences import said_before, said_before_in, same_sentences, sentences_of
from fusion.evaluation.splits import check_split, plan_splits, split_hash
from fusion.training.finetune import finetune
from tests.evaluation.clips import clip
from tests.evaluation.small import TONES, experiment_in, write_corpus
from tests.evaluation.test_splits import experiment

SAID = ("Where is it?", "I saw a letter.", "Well, he never answered!", "Go on")


def scripted(speakers: int = 6, sentences: int = 4, takes: int = 2) -> list[Clip]:
    return [
        clip(f"{s}_{t}_{k}", f"lab:{s}", f"lab:{s}_{t}_{k}", transcript=SAID[t], group=f"g{s // 2}")
        for s in range(speakers) for t in range(sentences) for k in range(takes)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Excuse me.", "excuse  me"),
        ("Where's THE mail?!", "wheres the mail"),
        ("I don't", "I don\u2019t"),
        ("\u2018Don\u00b4t\u2019 go", "dont go"),
        ("Äh, ja", "a\u0308h ja"),
        ("Straße ﬁnden", "STRASSE finden"),
        ("Room \uff11\uff12", "room 12"),
        ("Go on \u2764\ufe0f", "go on"),
        ("कि\u200dताब", "किताब"),
    ],
)
def test_the_same_words_are_the_same_sentence(one: str, other: str) -> None:
    assert sentences_of(Clip("a", (), transcript=one)) == sentences_of(Clip("b", (), transcript=other))


@pytest.mark.parametrize(("one", "other"), [("कि", "का"), ("is it", "isit"), ("Go on", "Go in")])
def test_other_words_are_another_sentence(one: str, other: str) -> None:
    assert sentences_of(Clip("a", (), transcript=one)).isdisjoint(sentences_of(Clip("b", (), transcript=other)))


def test_sentences_are_compared_by_words_and_by_the_corpus_s_names() -> None:
    """The written and the named one are the same, for a third clip carries both."""
    named = {"sentence": "01"}
    both, only = Clip("a", (), transcript="Go on.", details=named), Clip("b", (), details=named)
    written, other = Clip("c", (), transcript="go on"), Clip("d", (), transcript="Go in.")
    assert said_before([only, written, other], [both]) == [True, True, False]
    groups = same_sentences([written, other, only, both])
    assert groups["a"] == groups["b"] == groups["c"] != groups["d"]


def test_what_is_not_known_is_not_the_same() -> None:
    assert not sentences_of(Clip("a", ()))
    assert not sentences_of(Clip("a", (), transcript=" ... "))
    assert same_sentences([Clip("a", ())]) == {}
    named = Clip("a", (), details={"sentence": "01"})
    assert sentences_of(named).isdisjoint(sentences_of(Clip("b", (), transcript="01")))
    known = [named, Clip("b", (), transcript="yes")]
    tested = [Clip("c", (), details={"sentence": "01"}), Clip("d", (), transcript="no"), Clip("e", ())]
    assert said_before(tested, known) == [True, False, None]


def test_a_plan_says_how_many_test_clips_say_what_training_says() -> None:
    clips = scripted()
    plan = plan_splits(experiment(), clips, catalog())
    assert plan.notes[0].startswith("what 48 of 48 test clips say is also said in training or validation")
    assert "sentence" not in plan.guarantee
    own = [clip(c.id, c.speaker, c.take, transcript=f"{c.speaker} only") for c in clips]
    assert plan_splits(experiment(), own, catalog()).guarantee.endswith(
        "no take stands in two parts; no sentence that is tested is said in another part"
    )
    apart = {"name": "speaker_sentence_folds", "folds": 3, "sentences": 2}
    plan = plan_splits(experiment(protocol=apart), clips, catalog())
    assert plan.notes == ("a split leaves out up to 24 of 48 clips",)
    assert plan.apart


@settings(max_examples=30, deadline=None)
@given(
    folds=st.integers(3, 5), sentences=st.integers(2, 4), seed=st.integers(0, 5), data=st.data(),
    gone=st.sets(st.integers(0, 23).map(lambda pair: 2 * pair), max_size=6),
)  # fmt: skip
def test_neither_speakers_nor_sentences_cross_parts(
    folds: int, sentences: int, seed: int, data: st.DataObject, gone: set[int]
) -> None:
    clips = [c for number, c in enumerate(scripted()) if number not in gone]
    by_id = {c.id: c for c in clips}
    protocol = protocols.SpeakerSentenceFolds(options.SpeakerSentenceFolds(folds=folds, sentences=sentences))
    splits = protocol.splits(clips, seed)
    assert len(splits) == folds * sentences
    tested = [i for split in splits for i in split.test]
    assert sorted(tested) == sorted(by_id)
    for split in splits:
        check_split(split, by_id, leaking=False)
        assert set(said_before_in(split, by_id)) == {False}
    shuffled = data.draw(st.permutations(clips))
    assert split_hash(protocol.splits(shuffled, seed)) == split_hash(splits)


def test_groups_may_be_kept_whole_instead_of_speakers() -> None:
    chosen = options.SpeakerSentenceFolds(folds=3, sentences=2, by="group")
    clips = {c.id: c for c in scripted()}
    for split in protocols.SpeakerSentenceFolds(chosen).splits(list(clips.values()), 0):
        assert len({clips[i].group for i in split.test}) == 1
        assert not {clips[i].group for i in split.test} & {clips[i].group for i in (*split.train, *split.validation)}


@pytest.mark.parametrize(
    ("clips", "chosen", "match"),
    [
        ([*scripted(), clip("x", "lab:x")], {}, "it is not known what x says, and 0 more clips"),
        (scripted(), {"sentences": 5}, r"protocol\.sentences: 5 folds need at least 2 .* here 4"),
        (scripted(speakers=2), {"folds": 2}, r"protocol\.folds: 2 folds need at least 3 .* here 2"),
        (scripted(), {"sentences": 1}, "1 folds need at least 2"),
        (
            [clip(f"c{s}", f"lab:{s}", transcript=SAID[s]) for s in range(4)],
            {},
            r"the validation part of fold_\d_\d: too few speakers share the sentences; lower protocol\.folds \(4\) or "
            r"protocol\.sentences \(2\)",
        ),
    ],
)
def test_what_cannot_be_kept_apart_is_refused(clips: list[Clip], chosen: dict[str, int], match: str) -> None:
    with pytest.raises(DataError, match=match):
        protocols.SpeakerSentenceFolds(options.SpeakerSentenceFolds(**chosen)).splits(clips, 0)


def test_a_part_that_says_what_was_trained_on_is_found() -> None:
    """The guard itself, where a split is made by hand."""
    clips = {c.id: c for c in scripted(speakers=3)}
    ids = list(clips)
    split = Split("s", tuple(ids[:8]), tuple(ids[8:16]), tuple(ids[16:]))
    assert said_before_in(split, clips) == [True] * 8
    clips[ids[-1]] = clip(ids[-1], "lab:2", transcript="A new one.")
    assert said_before_in(split, clips) == [True] * 7 + [False]


def test_scores_stand_with_and_without_known_sentences(tmp_path: Path) -> None:
    """Half of the test clips say something of their own; scripted and improvised ones are scored apart too."""
    columns = {
        f"{speaker}_{emotion}_0": {"transcript": f"nobody else says {speaker} {emotion}"}
        for speaker in ("eve4", "fay5")
        for emotion in TONES
    }
    write_corpus(tmp_path, each=2, columns=columns)
    table = (tmp_path / "manifest.csv").read_text().splitlines()
    lines = [f"{table[0]},performance"]
    lines += [f"{line},{'improvised' if 'nobody' in line else 'scripted'}" for line in table[1:]]
    text = "\n".join(lines).replace(",,", ",well then,")
    (tmp_path / "manifest.csv").write_text(text + "\n")
    finetune(experiment_in(tmp_path), tmp_path / "run")
    evaluation = evaluate(tmp_path / "run")
    results = json.loads((evaluation.folder / "results.json").read_text())
    assert {name: group["clips"] for name, group in results["by_sentence"].items()} == {
        "also said in training or validation": 6, "new sentence": 6,
    }  # fmt: skip
    rows = [line.split(",") for line in (evaluation.folder / "predictions.csv").read_text().splitlines()[1:]]
    right = [row[3] == row[4] for row in rows if row[0] in columns]
    assert results["by_sentence"]["new sentence"]["accuracy"] == pytest.approx(np.mean(right))
    assert results["by_performance"]["improvised"] == results["by_sentence"]["new sentence"]
    assert any(note.startswith("what 6 of 12 test clips say is also said") for note in results["notes"])
    card = evaluation.card.read_text()
    assert "By what is said" in card
    assert "By performance" in card
