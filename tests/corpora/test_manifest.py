import json
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from fusion.contract import PICTURES, SOUND, WORDS, DataError, InputMissing, Region
from fusion.corpora.manifest import Manifest, inside, read_manifest
from fusion.corpora.options import Manifest as Options


@pytest.fixture
def folder(tmp_path):
    for name in ("a.mp4", "b.mp4", "b.wav", "b.srt", "sub/c.flac", "odd.xyz", "d.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def table(folder: Path, text: str, name: str = "manifest.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_a_full_row(folder):
    text = (
        "id,file,sound,words,start,end,channel,region,speaker,sex,transcript,group,take,rights,generated,emotion,arousal,mood\n"
        "x,b.mp4,b.wav,b.srt,71.3,75.8,1,left,anna,F,hello there,ses1,t1,CC0,yes,happy,0.5,calm day\n"
    )
    (clip,) = read_manifest(table(folder, text))
    assert {track.kind: track.file.name for track in clip.tracks} == {PICTURES: "b.mp4", SOUND: "b.wav", WORDS: "b.srt"}
    assert {track.start for track in clip.tracks} == {Fraction("71.3")}
    assert clip.duration == Fraction("4.5")
    assert clip.tracks_of(SOUND)[0].channel == 1
    assert clip.tracks_of(PICTURES)[0].region == Region.named("left")
    assert (clip.speaker, clip.sex, clip.transcript, clip.group, clip.take) == (
        "anna",
        "female",
        "hello there",
        "ses1",
        "t1",
    )
    assert (clip.rights, clip.generated) == ("CC0", True)
    assert clip.labels == {"emotion": "happy", "arousal": 0.5}
    assert clip.details == {"mood": "calm day"}


def test_little_is_needed_and_order_is_by_id(folder):
    clips = read_manifest(table(folder, "file\nsub/c.flac\na.mp4\n"))
    assert [clip.id for clip in clips] == ["a", "sub_c"]
    assert [track.kind for track in clips[0].tracks] == [PICTURES, SOUND]
    assert [track.kind for track in clips[1].tracks] == [SOUND]
    assert clips[0].speaker is None
    assert not clips[0].generated


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("happy", "happy"),
        ("happy|sad", ["happy", "sad"]),
        ("happy:0.6|sad:0.4", {"happy": 0.6, "sad": 0.4}),
        ("a:b", "a:b"),
    ],
)
def test_labels(folder, written, label):
    (clip,) = read_manifest(table(folder, f"file,emotion\na.mp4,{written}\n"))
    assert clip.labels == {"emotion": label}


def test_three_formats_give_the_same_clips(folder):
    rows = [
        {"id": "1", "file": "a.mp4", "emotion": "sad", "start": 0.5},
        {"id": "2", "file": "b.wav", "emotion": "happy", "start": None},
    ]
    csv = table(folder, "id;file;emotion;start\n1;a.mp4;sad;0.5\n2;b.wav;happy;\n")
    lines = table(folder, "\ufeff" + "\n".join(json.dumps(row) for row in rows), "manifest.jsonl")
    parquet.write_table(pa.Table.from_pylist(rows), folder / "manifest.parquet")
    expected = read_manifest(csv)
    assert len(expected) == 2
    assert read_manifest(lines) == expected == read_manifest(folder / "manifest.parquet")


def test_every_problem_at_once_with_its_line(folder):
    text = (
        "id,file,start,sex,end,channel\n"
        "x,a.mp4,,,,\n"
        "x,b.mp4,,,,\n"
        "y,../a.mp4,,,,\n"
        "z,gone.mp4,late,,,\n"
        "u,/etc/passwd,,robot,,\n"
        "v,odd.xyz\n"
        "w,odd.xyz,,,,\n"
        "q,,,,,\n"
        "r,a.mp4,3,,2,left\n"
        "s,d.png,,,,\n"
    )
    with pytest.raises(DataError) as caught:
        read_manifest(table(folder, text))
    message = str(caught.value)
    for line, part in [
        (3, "the id 'x' is already that of line 2"),
        (4, "'../a.mp4' leads out of the manifest's folder"),
        (5, "no such file 'gone.mp4'"),
        (5, "start 'late' is no number of seconds"),
        (6, "'/etc/passwd' is not relative"),
        (6, "sex 'robot' is neither"),
        (7, "has 2 cells where the header has 6"),
        (8, "no suffix of sound or video"),
        (9, "no media"),
        (10, "does not last longer than 0"),
        (10, "channel 'left'"),
        (11, "file: 'd.png' is a single picture; name it in the column pictures instead"),
    ]:
        assert any(f"line {line}:" in one and part in one for one in message.splitlines()), (line, part, message)


def test_a_missing_column(folder):
    with pytest.raises(DataError, match="a column is missing: one of file, pictures, sound, words"):
        read_manifest(table(folder, "id,emotion\nx,sad\n"))


def test_broken_tables(folder):
    with pytest.raises(DataError, match=r"line 2: not JSON.*\n.*line 3: is a JSON list"):
        read_manifest(table(folder, '{"file": "a.mp4"}\n{\n[]\n', "m.jsonl"))
    (folder / "m.csv").write_bytes(b"file,emotion\na.mp4,tr\xe8s\n")
    with pytest.raises(DataError, match="line 2 is not UTF-8"):
        read_manifest(folder / "m.csv")
    (folder / "m.parquet").write_bytes(b"nonsense")
    with pytest.raises(DataError, match="not readable as Parquet"):
        read_manifest(folder / "m.parquet")
    with pytest.raises(DataError, match="the table has no rows"):
        read_manifest(table(folder, "file\n"))
    with pytest.raises(InputMissing, match="fusion manifest"):
        Manifest(Options()).clips(folder / "nothing")


def test_long_lists_of_problems_are_cut(folder):
    with pytest.raises(DataError, match=r"(?s)40 problems.*line 11: .*and 20 more"):
        read_manifest(table(folder, "file,start\n" + "".join(f"g{k}.mp4,x\n" for k in range(20))))


def test_a_link_out_of_the_folder_is_refused(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.wav"
    outside.write_text("x")
    (folder / "link.wav").symlink_to(outside)
    with pytest.raises(DataError, match="leads out"):
        read_manifest(table(folder, "file\nlink.wav\n"))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["..", ".", "a", "b c", "", "~", "C:"]), min_size=1, max_size=5).map("/".join))
def test_paths_stay_inside(written):
    folder = Path("/somewhere/below")
    try:
        path = inside(folder, written)
    except DataError:
        return
    assert path.resolve().is_relative_to(folder)


def test_root_may_be_the_table_or_name_it(folder):
    file = table(folder, "file\na.mp4\n", "mine.csv")
    assert len(Manifest(Options()).clips(file)) == 1
    assert len(Manifest(Options(file="mine.csv")).clips(folder)) == 1
