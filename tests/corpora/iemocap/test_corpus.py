"""The reader on a generated release with real media in it, whole and broken."""

import os
import shutil
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from fusion.catalog import catalog
from fusion.config.models import CorpusSettings
from fusion.contract import PICTURES, SOUND, WORDS, DataError, InputMissing, Region, Want
from fusion.corpora import load_corpus
from fusion.corpora.iemocap.corpus import Iemocap
from fusion.corpora.iemocap.motion import speaker_moves_more
from fusion.corpora.iemocap.release import TURNS
from fusion.corpora.iemocap.turns import CATEGORIES
from fusion.corpora.options import Iemocap as Options
from fusion.evaluation import options, protocols
from fusion.evaluation.splits import check_split
from fusion.media import open_clip, probe
from fusion.testing.dialogues import write_avi, write_iemocap_tree

#: A user's own copy, which may not be passed on.
RELEASE = Path(os.environ.get("FUSION_DATA", "/nowhere")) / "iemocap"
TURNS_OF_TREE = ("neu", "exc", "ang", "xxx", "fru", "hap", "oth")
AVI = "Session1/dialog/avi/DivX/Ses01F_impro01.avi"
EVALUATION = "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("iemocap")
    count = write_iemocap_tree(
        root, sessions=(1, 2), dialogues=("F_impro01", "M_script01_1"), categories=TURNS_OF_TREE, size=(64, 48)
    )
    assert count == 28
    return root


@pytest.fixture
def copy(tree, tmp_path) -> Path:
    return Path(shutil.copytree(tree, tmp_path / "release"))


def read(root, *, partial=True, **chosen):
    return {clip.id: clip for clip in Iemocap(Options(partial=partial, **chosen)).clips(root)}


def complaint(root, **chosen) -> str:
    """What the reader says that takes whole releases only; one of parts finds the same."""
    with pytest.raises(DataError, match="this release of IEMOCAP is not whole") as caught:
        read(root, partial=False, **chosen)
    assert caught.value.exit_code == 65
    said = str(caught.value)
    assert "\n" not in said
    assert said.endswith("go on without it with corpus.partial: true")
    found = "; ".join(Iemocap(Options(partial=True, **chosen)).findings(root))
    assert f"is not whole: {found}; restore what is missing" in said
    return said


def test_everything_that_is_known_of_a_turn_reaches_its_clip(tree):
    clips = read(tree)
    clip = clips["Ses01M_script01_1_F000"]
    assert (clip.speaker, clip.sex, clip.group, clip.take) == ("01F", "female", "Session1", clip.id)
    assert clip.details == {
        "dialogue": "Ses01M_script01_1",
        "performance": "scripted",
        "scene": "script01_1",
        "category": "neutral",
    }
    assert clip.transcript == "Did you get the mail?"
    assert clip.labels == {"emotion": "neutral", "valence": 2.0, "arousal": 2.5, "dominance": 3.0}
    assert [track.kind for track in clip.tracks] == [PICTURES, SOUND]
    seen, heard = clip.tracks
    assert (seen.file.name, seen.start, seen.region) == ("Ses01M_script01_1.avi", Fraction("0.4"), Region(left=0.5))
    assert (heard.file.name, heard.start) == ("Ses01M_script01_1_F000.wav", 0)
    assert abs(probe(heard.file).duration - clip.duration) < Fraction(1, 1000)
    assert clips["Ses01F_impro01_F000"].details["performance"] == "improvised"
    assert {clip.speaker for clip in clips.values()} == {"01F", "01M", "02F", "02M"}
    assert list(clips) == sorted(clips)


@pytest.mark.parametrize(
    ("classes", "outside", "emotions"),
    [
        ("four", "drop", {"neutral": 4, "angry": 4, "happy": 4}),
        ("four_merged", "drop", {"neutral": 4, "angry": 4, "happy": 8}),
        ("six", "drop", {"neutral": 4, "angry": 4, "happy": 4, "excited": 4, "frustrated": 4}),
        ("all", "drop", {"neutral": 4, "angry": 4, "happy": 4, "excited": 4, "frustrated": 4}),
        ("four", "unlabelled", {"neutral": 4, "angry": 4, "happy": 4, None: 16}),
        (
            "four",
            "named",
            {
                "neutral": 4,
                "angry": 4,
                "happy": 4,
                "excited": 4,
                "frustrated": 4,
                "undecided": 4,
                "other": 4,
            },
        ),
    ],
)
def test_sets_of_classes(tree, classes, outside, emotions):
    clips = read(tree, classes=classes, outside=outside)
    assert Counter(clip.labels.get("emotion") for clip in clips.values()) == emotions
    assert all({"valence", "arousal", "dominance"} < {*clip.labels, "emotion"} for clip in clips.values())


def test_a_turns_picture_is_cut_from_its_half_and_its_second(tree):
    """Whoever talks moves, the other one sits still; with the halves swapped it is the other way round."""
    clips = list(read(tree).values())[::3]
    assert speaker_moves_more(clips) == 1.0
    assert speaker_moves_more(list(read(tree, left="other").values())[::3]) == 0.0
    with pytest.raises(DataError, match="has no picture of one half"):
        speaker_moves_more(list(read(tree, left="whole").values()))


def test_sound_and_words_where_the_options_say(tree):
    (name, *_) = sorted(read(tree))
    beside, within = read(tree)[name], read(tree, sound="video")[name]
    heard = []
    for clip in (beside, within):
        with open_clip(clip, [Want(SOUND)]) as source:
            heard.append(np.asarray(source.advance(clip.duration)[Want(SOUND)].data))
    assert within.tracks[1].file.suffix == ".avi"
    assert abs(len(heard[0]) - len(heard[1])) <= 1
    shorter = min(map(len, heard))
    assert np.corrcoef(heard[0][:shorter], heard[1][:shorter])[0, 1] > 0.99
    timed = read(tree, words="times", media=("sound",))[name]
    assert [track.kind for track in timed.tracks] == [SOUND, WORDS]
    with open_clip(timed, [Want(WORDS)]) as source:
        pieces = source.advance(timed.duration)[Want(WORDS)]
    assert list(pieces.data) == timed.transcript.upper().split()
    assert all(0 < start < end <= timed.duration for start, end in zip(pieces.times, pieces.ends, strict=True))


def test_sessions_are_left_out_whole(tmp_path):
    for session in range(1, 6):
        write_texts(tmp_path, f"Ses{session:02d}F_impro01", [("F000", "neu"), ("M000", "sad")])
    settings = CorpusSettings.model_validate({"name": "iemocap", "root": tmp_path, "partial": True, "media": ["sound"]})
    clips = load_corpus(settings, catalog=catalog(), base=tmp_path)
    assert {clip.speaker for clip in clips} == {f"iemocap:{n:02d}{sex}" for n in range(1, 6) for sex in "FM"}
    splits = protocols.LeaveOneGroupOut(options.LeaveOneGroupOut()).splits(clips, 0)
    assert [split.name for split in splits] == [f"Session{n}" for n in range(1, 6)]
    for split in splits:
        check_split(split, {clip.id: clip for clip in clips}, leaking=False)
        assert len({i[:5] for i in split.test}) == len({i[:5] for i in split.validation}) == 1


def write_texts(root: Path, dialogue: str, turns: list[tuple[str, str]]) -> None:
    """A dialogue's tables, and wavs that nobody opens."""
    folder = root / f"Session{int(dialogue[3:5])}"
    places = [
        folder / place for place in ("dialog/EmoEvaluation", "dialog/transcriptions", f"sentences/wav/{dialogue}")
    ]
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
    spans = [(f"{dialogue}_{turn}", category, 2 * k, 2 * k + 1.5) for k, (turn, category) in enumerate(turns)]
    places[0].joinpath(f"{dialogue}.txt").write_text(
        "".join(f"[{a:.4f} - {b:.4f}]\t{name}\t{code}\t[2.5000, 2.5000, 2.5000]\n" for name, code, a, b in spans)
    )
    places[1].joinpath(f"{dialogue}.txt").write_text(
        "".join(f"{name} [{a:08.4f}-{b:08.4f}]: Excuse me.\n" for name, _, a, b in spans)
    )
    for name, *_ in spans:
        places[2].joinpath(f"{name}.wav").write_text(name)


def test_a_release_is_counted(tmp_path):
    """With all turns of the release, or one less in a file that is there."""
    codes = [code for code, count in TURNS.items() for _ in range(count)]
    assert len(codes) == 10039
    dialogues = [f"Ses{1 + k % 5:02d}{'FM'[k % 2]}_impro{1 + k // 10:02d}" for k in range(50)]
    for k, dialogue in enumerate(dialogues):
        write_texts(tmp_path, dialogue, [(f"F{n:03d}", code) for n, code in enumerate(codes[k::50])])
    assert Iemocap(Options(media=("sound",))).findings(tmp_path) == []
    for classes, count in (("four_merged", 5531), ("six", 7380)):
        assert len(read(tmp_path, partial=False, media=("sound",), classes=classes)) == count
    file = tmp_path / EVALUATION
    file.write_text(file.read_text().rsplit("\n", 2)[0] + "\n")
    said = complaint(tmp_path, media=("sound",))
    assert "it has 10,038 of 10,039 turns (xxx 2,506 of 2,507); restore what is missing" in said


def test_a_release_without_video(copy):
    for session in (1, 2):
        shutil.rmtree(copy / f"Session{session}/dialog/avi")
    said = complaint(copy)
    assert "Session1 and Session2 have no video (dialog/avi/DivX)" in said
    assert "write corpus.media: [sound] for a release without video" in said
    assert "no video" not in complaint(copy, media=("sound",))
    assert all([track.kind for track in clip.tracks] == [SOUND] for clip in read(copy).values())


def test_one_missing_video(copy):
    (copy / AVI).unlink()
    assert "1 dialogue ('Ses01F_impro01') without an avi in dialog/avi/DivX" in complaint(copy)
    kinds = {name: len(clip.tracks) for name, clip in read(copy).items()}
    assert {count for name, count in kinds.items() if "Ses01F" in name} == {1}
    assert {count for name, count in kinds.items() if "Ses01F" not in name} == {2}


def test_a_release_without_transcriptions(copy):
    for session in (1, 2):
        shutil.rmtree(copy / f"Session{session}/dialog/transcriptions")
    assert "Session1 and Session2 have no transcriptions (dialog/transcriptions)" in complaint(copy)
    assert {clip.transcript for clip in read(copy).values()} == {None}


def test_one_missing_transcript(copy):
    file = copy / "Session2/dialog/transcriptions/Ses02F_impro01.txt"
    file.write_text("\n".join(file.read_text().splitlines()[1:]))
    assert "1 turn ('Ses02F_impro01_F000') without a transcript" in complaint(copy)


def test_a_release_with_one_session(copy):
    shutil.rmtree(copy / "Session2")
    said = complaint(copy)
    assert "Session2, Session3, Session4 and Session5 are missing, or without dialog/EmoEvaluation" in said
    assert {clip.group for clip in read(copy).values()} == {"Session1"}
    clips = list(read(copy).values())
    with pytest.raises(DataError, match="1 groups cannot give test, validation and training"):
        protocols.LeaveOneGroupOut(options.LeaveOneGroupOut()).splits(clips, 0)


def test_a_dialogue_without_its_evaluation(copy):
    (copy / EVALUATION).unlink()
    assert "1 dialogue ('Ses01F_impro01') without an evaluation" in complaint(copy)


def test_an_evaluation_with_a_malformed_line(copy):
    file = copy / EVALUATION
    file.write_text(file.read_text().replace("[0.4000 - ", "[0.4000 "))
    for partial in (False, True):
        with pytest.raises(DataError, match=r"Ses01F_impro01\.txt: line 3 is no turn such as .*restore the file"):
            read(copy, partial=partial)


def test_a_turn_outside_its_video(copy):
    file = copy / EVALUATION
    lines = file.read_text().splitlines()
    place = max(k for k, line in enumerate(lines) if line.startswith("["))
    name = lines[place].split("\t")[1]
    lines[place] = f"[70.0000 - 72.5000]\t{name}\tang\t[2.0000, 2.0000, 2.0000]"
    file.write_text("\n".join(lines))
    end = float(probe(copy / AVI).pictures[0].end)
    expected = f"a turn lies outside its video: {name} at 70.0 to 72.5 s, but Ses01F_impro01.avi ends at {end:.1f} s"
    assert expected in complaint(copy)
    assert [track.kind for track in read(copy)[name].tracks] == [SOUND]


def test_a_missing_wav(copy):
    (copy / "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav").unlink()
    assert "1 turn ('Ses01F_impro01_F000') without a wav in sentences/wav" in complaint(copy)
    assert [track.kind for track in read(copy)["Ses01F_impro01_F000"].tracks] == [PICTURES]


def test_a_session_without_wavs(copy):
    shutil.rmtree(copy / "Session2/sentences/wav")
    said = complaint(copy)
    assert "Session2 has no sound of the turns (sentences/wav)" in said
    assert "without a wav" not in said
    assert "sound of the turns" not in complaint(copy, media=("pictures",))


def pictures(seconds: float) -> list[np.ndarray]:
    return [np.full((48, 128, 3), 20 + k % 100, np.uint8) for k in range(round(25 * seconds))]


def test_an_avi_without_sound(copy):
    length = probe(copy / AVI).pictures[0].end
    write_avi(copy / AVI, pictures(float(length)), None, fps=Fraction(25))
    assert "1 video without sound ('Ses01F_impro01.avi'), which corpus.sound: sentence does not need" in complaint(
        copy, sound="video"
    )
    assert "without sound" not in complaint(copy)
    assert [track.kind for track in read(copy, sound="video")["Ses01F_impro01_F000"].tracks] == [PICTURES]


def test_an_avi_of_another_length_than_its_dialogue(copy):
    length = float(probe(copy / AVI).pictures[0].end)
    write_avi(copy / AVI, pictures(length - 1.5), np.zeros(round((length - 1.5) * 16000)), fps=Fraction(25))
    said = complaint(copy)
    assert f"Ses01F_impro01.avi lasts {length - 1.5:.1f} s, but its dialogue (dialog/wav) {length:.1f} s" in said
    assert "outside" not in said
    assert [track.kind for track in read(copy)["Ses01F_impro01_F000"].tracks] == [SOUND]


def test_an_avi_that_is_none(copy):
    (copy / AVI).write_text("not here")
    assert "Ses01F_impro01.avi: no media file that can be read" in complaint(copy)
    assert len(read(copy)) == 16


def test_avis_that_are_none_are_counted(copy):
    for file in copy.glob("Session*/dialog/avi/DivX/*.avi"):
        file.write_text("not here")
    said = complaint(copy)
    assert said.count("no media file that can be read") == 3
    assert "; 1 more video cannot be used; restore what is missing" in said


def test_no_word_times(copy):
    for session in (1, 2):
        shutil.rmtree(copy / f"Session{session}/sentences/ForcedAlignment")
    assert "there are no word times (sentences/ForcedAlignment)" in complaint(copy, words="times")
    assert "word times" not in complaint(copy)


def test_a_release_one_folder_deeper(tmp_path):
    write_texts(tmp_path / "IEMOCAP_full_release", "Ses02F_impro01", [("F000", "neu")])
    with pytest.raises(DataError, match=f"one folder deeper; set corpus.root to {tmp_path}/IEMOCAP_full_release$"):
        read(tmp_path)


def test_another_layout(tmp_path):
    (tmp_path / "Session1").mkdir()
    (tmp_path / "Session1/hello.wav").touch()
    with pytest.raises(DataError, match="this is not the layout of IEMOCAP: expected Session1 to Session5"):
        read(tmp_path)
    with pytest.raises(InputMissing):
        read(tmp_path / "nowhere")
    write_texts(tmp_path, "Ses01F_impro01", [("F000", "neu")])
    shutil.move(tmp_path / "Session1", tmp_path / "Session3")
    with pytest.raises(DataError, match="a dialogue of another session stands in Session3"):
        read(tmp_path)


@pytest.mark.skipif(
    not (Path(os.environ.get("FUSION_DATA", "/nowhere")) / "iemocap").is_dir(),
    reason="there is no iemocap below FUSION_DATA",
)
def test_real_corpus():
    root = Path(os.environ["FUSION_DATA"]) / "iemocap"
    clips = read(root, partial=False, outside="named", classes="all")
    named = Counter(clip.details["category"] for clip in clips.values())
    assert named == {CATEGORIES[code]: count for code, count in TURNS.items()}
    assert len(read(root, partial=False)) == 5531
    assert len(read(root, partial=False, classes="six")) == 7380
    assert len({clip.speaker for clip in clips.values()}) == 10
    assert speaker_moves_more(list(clips.values())[::200]) > 0.6
