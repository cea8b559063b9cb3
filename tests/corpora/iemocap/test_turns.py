from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.contract import DataError, Region
from fusion.corpora.iemocap.turns import (
    CATEGORIES,
    actor_region,
    parse_dialogue,
    parse_turn,
    read_evaluation,
    read_transcription,
)

LEFT, RIGHT = Region(right=0.5), Region(left=0.5)
LINE = "[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 3.5000, 1.0000]"
ANNOTATORS = "C-E2:\tNeutral;\t()\nC-F1:\tNeutral; Other;\t(a, b: c)\nA-E3:\tval 3; act 2; dom  2;\t()\n"

scenes = st.one_of(
    st.builds("impro{:02d}{}".format, st.integers(1, 8), st.sampled_from(["", "a", "b"])),
    st.builds("script{:02d}_{}{}".format, st.integers(1, 3), st.integers(1, 3), st.sampled_from(["", "b"])),
)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.sampled_from("FM"), scenes, st.sampled_from("FM"), st.integers(0, 120))
def test_names_say_who_and_where(session, named, scene, actor, number):
    name = f"Ses{session:02d}{named}_{scene}"
    dialogue = parse_dialogue(name)
    assert (dialogue.session, dialogue.named, dialogue.scene) == (f"{session:02d}", named, scene)
    assert dialogue.performance == ("improvised" if "impro" in scene else "scripted")
    assert dialogue.speaker(actor) == f"{session:02d}{actor}"
    assert parse_turn(f"{name}_{actor}{number:03d}") == (name, actor)
    assert parse_dialogue(f"{name}_{actor}{number:03d}") is None


@pytest.mark.parametrize("name", ["Ses06F_impro01", "Ses01X_impro01", "._Ses01F_impro01", "Ses01F_talk01", ""])
def test_other_names(name):
    assert parse_dialogue(name) is None
    assert parse_turn(f"{name}_F000") is None


def test_nobody_has_the_turn_xx():
    assert parse_turn("Ses05M_script03_2_MXX0") is None


def test_the_named_actor_is_on_the_left():
    woman = parse_dialogue("Ses01F_impro01")
    man = parse_dialogue("Ses01M_impro01")
    assert [actor_region(woman, "F"), actor_region(woman, "M")] == [LEFT, RIGHT]
    assert [actor_region(man, "F"), actor_region(man, "M")] == [RIGHT, LEFT]
    assert [actor_region(woman, "F", "other"), actor_region(woman, "M", "other")] == [RIGHT, LEFT]
    assert actor_region(man, "F", "whole") is None


def evaluation(folder: Path, text: str) -> Path:
    file = folder / "Ses01F_impro01.txt"
    file.write_text(f"% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n{text}\n")
    return file


def test_an_evaluation_gives_spans_categories_and_ratings_in_their_order(tmp_path):
    second = LINE.replace("F000", "M000").replace("neu", "xxx")
    (turn, other) = read_evaluation(evaluation(tmp_path, f"{LINE}\n{ANNOTATORS}\n{second}\n{ANNOTATORS}"))
    assert (turn.name, turn.actor, turn.category) == ("Ses01F_impro01_F000", "F", "neu")
    assert (turn.start, turn.end) == (Fraction("6.2901"), Fraction("8.2357"))
    assert (turn.valence, turn.arousal, turn.dominance) == (2.5, 3.5, 1.0)
    assert (other.actor, CATEGORIES[other.category]) == ("M", "undecided")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (LINE.replace("]\tSes", "\tSes"), "is no turn such as"),
        (LINE.replace(", 1.0000", ""), "is no turn such as"),
        (LINE.replace("2.5000", "high"), "is no turn such as"),
        (LINE[:30], "is no turn such as"),
        (LINE.replace("neu", "joy"), "has the unknown category 'joy'"),
        (LINE.replace("impro01", "impro02"), "names no turn of this dialogue"),
        (LINE.replace("8.2357", "6.2901"), "ends before it begins"),
        (LINE, "names turn Ses01F_impro01_F000 a second time"),
    ],
)
def test_a_malformed_line_is_named(tmp_path, line, said):
    file = evaluation(tmp_path, f"{LINE}\n{ANNOTATORS}{line}\n")
    with pytest.raises(DataError, match=f"line 7 {said}") as caught:
        read_evaluation(file)
    assert str(file) in str(caught.value)
    assert caught.value.exit_code == 65


def test_transcriptions(tmp_path):
    file = tmp_path / "Ses01F_impro01.txt"
    file.write_text(
        "Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.\n"
        "Ses01F_impro01_M000 [007.5712-010.4750]: Do you have your forms? \n"
        "Ses01F_impro01_MXX0 [011.0000-011.1000]: [BREATHING]\n"
        "M: mhm\n"
        "Ses01F_impro01_F001 [010.0100-011.3925]: \n"
    )
    assert read_transcription(file) == {
        "Ses01F_impro01_F000": "Excuse me.",
        "Ses01F_impro01_M000": "Do you have your forms?",
    }
