from pathlib import Path

import pytest

from fusion.catalog import catalog
from fusion.config.models import CorpusSettings
from fusion.contract import ConfigError, DataError, InputMissing
from fusion.corpora import load_corpus


@pytest.fixture
def folder(tmp_path):
    names = ["anna_happy_1", "anna_sad_1", "bert_happy_1", "bert_bored_1"]
    rows = ["file,speaker,emotion,take,sex,room"]
    for name in names:
        (tmp_path / f"{name}.mp4").write_text(name)
        speaker, emotion, _ = name.split("_")
        rows.append(f"{name}.mp4,{speaker},{emotion},{name},{'f' if speaker == 'anna' else 'm'},kitchen")
    (tmp_path / "manifest.csv").write_text("\n".join(rows))
    return tmp_path


def load(folder: Path, **settings):
    return load_corpus(CorpusSettings(name="manifest", root=Path(), **settings), catalog=catalog(), base=folder)


def ids(clips):
    return [clip.id for clip in clips]


def test_names_are_put_into_the_corpus_namespace(folder):
    clips = load(folder)
    assert ids(clips) == ["anna_happy_1", "anna_sad_1", "bert_bored_1", "bert_happy_1"]
    assert {clip.speaker for clip in clips} == {"manifest:anna", "manifest:bert"}
    assert clips[0].take == "manifest:anna_happy_1"


def test_a_namespace_that_is_there_is_kept(folder):
    table = folder / "manifest.csv"
    table.write_text(table.read_text().replace("anna,", "ravdess:07,"))
    assert {clip.speaker for clip in load(folder)} == {"ravdess:07", "manifest:bert"}


def test_select(folder):
    assert ids(load(folder, select={"speaker": "anna"})) == ["anna_happy_1", "anna_sad_1"]
    assert ids(load(folder, select={"speaker": ["manifest:bert"], "emotion": ["happy"]})) == ["bert_happy_1"]
    assert len(load(folder, select={"room": "kitchen", "sex": ["female", "male"]})) == 4
    with pytest.raises(DataError, match="no clip has emotion 'angry'; choose among bored, happy, sad"):
        load(folder, select={"emotion": "angry"})
    with pytest.raises(DataError, match="no clip has 'colour'"):
        load(folder, select={"colour": "red"})


def test_maps_of_labels_are_total(folder):
    with pytest.raises(DataError, match=r"labels.emotion says nothing about bored \(1\), sad \(1\)"):
        load(folder, labels={"emotion": {"happy": "joy"}})
    clips = load(folder, labels={"emotion": {"happy": "joy", "sad": "sorrow", "bored": None}})
    assert [clip.labels["emotion"] for clip in clips] == ["joy", "sorrow", "joy"]


def test_maps_reach_weighted_and_several_labels(folder):
    (folder / "manifest.csv").write_text(
        "file,emotion\nanna_happy_1.mp4,happy:0.5|glad:0.25|bored:0.25\nanna_sad_1.mp4,happy|bored\n"
    )
    clips = load(folder, labels={"emotion": {"happy": "joy", "glad": "joy", "bored": None}})
    assert [clip.labels["emotion"] for clip in clips] == [{"joy": 0.75}, ["joy"]]


def test_limit(folder):
    assert ids(load(folder, limit=2)) == ["anna_happy_1", "anna_sad_1"]


def test_attached_tracks(folder):
    (folder / "pulse").mkdir()
    (folder / "pulse/anna_sad_1.csv").write_text("1")
    clips = load(folder, attach={"pulse": "pulse/{id}.csv"})
    assert [clip.id for clip in clips if clip.tracks_of("pulse")] == ["anna_sad_1"]
    with pytest.raises(ConfigError, match=r"'\{colour\}' is none of"):
        load(folder, attach={"pulse": "{colour}.csv"})
    with pytest.raises(DataError, match="no file for any of 4 clips"):
        load(folder, attach={"pulse": "pulses/{take}.csv"})
    with pytest.raises(DataError, match="leads out"):
        load(folder, attach={"pulse": "../{id}.csv"})


def test_attached_tracks_may_lie_elsewhere_by_their_whole_path(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "pulse").mkdir()
    (elsewhere / "pulse/anna_sad_1.csv").write_text("1")
    clips = load(folder, attach={"pulse": f"{elsewhere}/pulse/{{id}}.csv"})
    assert [clip.id for clip in clips if clip.tracks_of("pulse")] == ["anna_sad_1"]
    (elsewhere / "all.csv").write_text("1")
    shared = load(folder, attach={"pulse": f"{elsewhere}/all.csv"})
    assert all(clip.tracks_of("pulse")[0].shared for clip in shared)
    with pytest.raises(DataError, match="no file for any of 4 clips"):
        load(folder, attach={"pulse": f"{elsewhere}/none.csv"})
    with pytest.raises(DataError, match="leads out"):
        load(folder, attach={"pulse": f"{elsewhere}/pulse/{{id}}/../../all.csv"})


def test_same_bytes_under_two_names_share_a_take(folder):
    (folder / "bert_bored_1.mp4").write_text("anna_sad_1")
    takes = {clip.id: clip.take for clip in load(folder)}
    assert takes["anna_sad_1"] == takes["bert_bored_1"] == "manifest:anna_sad_1"
    assert takes["anna_happy_1"] == "manifest:anna_happy_1"


def test_stretches_of_one_file_are_not_copies(folder):
    (folder / "manifest.csv").write_text(
        "id,file,start,end\n1,anna_sad_1.mp4,0,2\n2,anna_sad_1.mp4,2,4\n3,anna_sad_1.mp4,2,4\n"
    )
    assert [clip.take for clip in load(folder)] == [None, "manifest:2", "manifest:2"]


def test_roots(folder, monkeypatch):
    monkeypatch.delenv("FUSION_DATA", raising=False)
    with pytest.raises(InputMissing, match="write root: in the config, or set FUSION_DATA"):
        load_corpus(CorpusSettings(name="grid"), catalog=catalog(), base=folder)
    monkeypatch.setenv("FUSION_DATA", str(folder.parent))
    with pytest.raises(InputMissing, match="no such folder"):
        load_corpus(CorpusSettings(name="grid"), catalog=catalog(), base=folder)
    (folder.parent / "manifest").symlink_to(folder)
    try:
        assert len(load_corpus(CorpusSettings(name="manifest"), catalog=catalog(), base=folder)) == 4
    finally:
        (folder.parent / "manifest").unlink()


def test_demo_makes_itself_where_no_root_is_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = CorpusSettings(name="demo", count=2, speakers=2, seed=3)
    clips = load_corpus(settings, catalog=catalog(), base=tmp_path)
    assert len(clips) == 2
    assert all(clip.generated for clip in clips)
    assert all(tmp_path / ".fusion" in track.file.parents for clip in clips for track in clip.tracks)
    assert load_corpus(settings, catalog=catalog(), base=tmp_path) == clips
