import cv2
import pytest

from fusion.catalog import catalog
from fusion.config.models import Component, Experiment
from fusion.contract import DataError
from fusion.corpora.contact_sheet import GAP, STRIP, TILE, draw_contact_sheet, middle_picture, write_contact_sheet
from fusion.corpora.demo.generating import generate
from fusion.corpora.inspection import inspect
from fusion.corpora.manifest import read_manifest
from fusion.testing.dialogues import write_iemocap_tree
from fusion.testing.media import write_clip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "clips"
    generate(folder, clips=8, speakers=4, seed=1)
    return folder


def experiment(**corpus):
    return Experiment.model_validate(
        {
            "corpus": {"name": "manifest", "root": ".", **corpus},
            "target": {"name": "classes", "classes": ["neutral", "happy", "sad", "angry"]},
            "streams": {
                "voice": {"modality": "audio", "encoder": "cnn"},
                "face": {"modality": "video", "encoder": "cnn3d"},
            },
            "protocol": "leave_one_speaker_out",
        }
    )


def test_what_a_table_lacks_is_not_known_yet(folder, tmp_path):
    (tmp_path / "units.csv").write_text("clip,first\n")
    attached = experiment(attach={"features": f"{tmp_path}/units.csv"})
    seen = inspect(attached, catalog=catalog(), base=folder)
    assert "features: one file for all clips; which of them it lacks is told by fusion prepare" in seen.notes
    assert not any("one file" in note for note in inspect(experiment(), catalog=catalog(), base=folder).notes)


def test_what_a_release_in_parts_lacks_is_told_with_and_without_splits(tmp_path):
    write_iemocap_tree(tmp_path, sessions=(1,), size=(64, 48))
    (tmp_path / "Session1/dialog/avi/DivX/Ses01F_impro01.avi").write_text("cut short")
    in_parts = experiment(name="iemocap", partial=True)
    unsplit = inspect(in_parts, catalog=catalog(), base=tmp_path)
    sessions, video, splits = unsplit.notes
    assert sessions.startswith("iemocap: Session2, Session3, Session4 and Session5 are missing")
    assert video.startswith("iemocap: Ses01F_impro01.avi: no media file that can be read")
    assert splits.startswith("no splits")
    kept = in_parts.model_copy(update={"protocol": Component(name="random")})
    split = inspect(kept, catalog=catalog(), base=tmp_path)
    assert split.splits
    assert split.notes[:2] == (sessions, video)


def test_counts(folder):
    steps = []

    class Counting:
        def __init__(self, total):
            steps.append(total)

        def __enter__(self):
            return lambda: steps.append(1)

        def __exit__(self, *_):
            return None

    seen = inspect(experiment(), catalog=catalog(), base=folder, progress=Counting)
    (report,) = seen.corpora
    assert steps == [8] + [1] * 8
    assert (report.clips, report.generated) == (8, 8)
    assert report.classes == {"angry": 2, "happy": 2, "neutral": 2, "sad": 2}
    assert report.speakers == {f"manifest:s0{k}": 2 for k in range(1, 5)}
    assert report.sexes == {"female": 4, "male": 4}
    assert report.missing == {}
    assert 1.5 < report.seconds["shortest"] <= report.seconds["longest"] < 6
    assert [sum(split.clips.values()) for split in seen.splits] == [8] * 4
    assert "no speaker" in seen.guarantee
    assert set(seen.as_json()) == {"corpora", "splits", "guarantee", "split_hash", "notes"}


def test_what_is_missing(tmp_path):
    write_clip(tmp_path / "quiet.mp4", seconds=0.4, sound=None)
    write_clip(tmp_path / "fine.mp4", seconds=0.4)
    (tmp_path / "fake.mp4").write_text("hello")
    (tmp_path / "manifest.csv").write_text("file,emotion\nquiet.mp4,sad\nfine.mp4,\nfake.mp4,bored\n")
    (report,) = inspect(experiment(), catalog=catalog(), base=tmp_path).corpora
    assert report.missing == {"sound": 1, "labels": 1, "speakers": 3, "transcripts": 3}
    assert report.classes == {"sad": 1, "unknown": 2}
    assert list(report.problems) == ["fake"]
    seen = inspect(experiment(), catalog=catalog(), base=tmp_path)
    assert seen.splits == ()
    assert "no splits" in seen.notes[0]


def test_contact_sheet(folder, tmp_path):
    clips = read_manifest(folder / "manifest.csv")
    by_class = {name: [clip for clip in clips if clip.labels["emotion"] == name] for name in ("happy", "sad")}
    write_contact_sheet(tmp_path / "sheet.png", by_class, "a title")
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape == (78 + 2 * (TILE[1] + STRIP + GAP), GAP + 2 * (TILE[0] + GAP), 3)
    first = sheet[72 : 72 + TILE[1], GAP : GAP + TILE[0], ::-1]
    shown = cv2.resize(middle_picture(by_class["happy"][0]), TILE, interpolation=cv2.INTER_AREA)
    assert (first == shown).all()


def test_no_pictures(tmp_path):
    with pytest.raises(DataError, match="no clip has pictures"):
        draw_contact_sheet({"happy": []}, "nothing")


def test_without_a_target_classes_are_unknown(folder):
    unlabelled = experiment().model_copy(update={"target": Component(name="none")})
    (report,) = inspect(unlabelled, catalog=catalog(), base=folder).corpora
    assert report.classes == {"unknown": 8}


def test_clips_of_one_take_are_named(tmp_path):
    write_clip(tmp_path / "one.mp4", seconds=0.4)
    write_clip(tmp_path / "other.mp4", seconds=0.6)
    (tmp_path / "two.mp4").write_bytes((tmp_path / "one.mp4").read_bytes())
    (tmp_path / "manifest.csv").write_text("file,emotion\none.mp4,sad\nother.mp4,sad\ntwo.mp4,happy\n")
    (report,) = inspect(experiment(), catalog=catalog(), base=tmp_path).corpora
    assert report.copies == (("one", "two"),)
