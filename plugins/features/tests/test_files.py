"""What is read, and the sentence for each way in which a file can be wrong."""

from __future__ import annotations

import gzip
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from fusion_features.decoder import FeatureDecoder, Question
from safetensors.numpy import save_file

from fusion.contract import Clip, DataError, InputMissing, NoOptions, Track, Want

GOOD = "clip,sex,AU01,AU02\n01-a,f,1,2\n01-b,m,3,4\n"


def read(  # noqa: PLR0917 - as options are
    file, name="a", pattern="01-{id}", id_column="clip", columns=("AU*",), times=None, rate=None
):
    """The source of one clip in a file, and its want."""
    want = Want("features", None, Question(pattern, id_column, columns, times, rate).options())
    track = Track("features", file, shared=True)
    return FeatureDecoder(NoOptions()).open(Clip(name, (track,)), (track,), (want,)), want


def values(file, *arguments, **named):
    source, want = read(file, *arguments, **named)
    return source.advance(Fraction(1000))[want].data.tolist()


@pytest.fixture
def table(tmp_path):
    def write(text):
        file = tmp_path / "table.csv"
        file.write_text(text)
        return file

    return write


def test_tables_are_read_alike(tmp_path, table):
    packed = tmp_path / "table.csv.gz"
    packed.write_bytes(gzip.compress(GOOD.encode()))
    tabs = tmp_path / "table.tsv"
    tabs.write_text(GOOD.replace(",", "\t"))
    columns = {"clip": ["01-a", "01-b"], "AU01": [1.0, 3.0], "AU02": [2.0, 4.0]}
    parquet = tmp_path / "table.parquet"
    pyarrow.parquet.write_table(pa.table(columns), parquet)
    for file in (table(GOOD), packed, tabs, parquet):
        assert values(file) == [[1, 2]]
        assert values(file, "b") == [[3, 4]]


def test_arrays_are_read_alike(tmp_path):
    steps = np.arange(6, dtype=np.float32).reshape(3, 2)
    np.save(tmp_path / "one.npy", steps)
    np.savez(tmp_path / "all.npz", a=steps, b=steps + 1)
    save_file({"a": steps, "b": steps + 1}, tmp_path / "all.safetensors")
    for name in ("one.npy", "all.npz", "all.safetensors"):
        assert values(tmp_path / name, pattern="{id}", rate="10") == steps.tolist()
    assert values(tmp_path / "all.npz", "b", pattern="{id}", rate="10") == (steps + 1).tolist()


def test_semicolons_are_read_as_spreadsheets_write_them(table):
    assert values(table(GOOD.replace(",", ";"))) == [[1.0, 2.0]]


def test_a_missing_clip_is_absent_with_how_ids_look_there(table):
    source, _ = read(table(GOOD), "z")
    assert source.missing["features"] == (
        "table.csv has no features of the clip; ids there look like '01-a', and '01-{id}' was looked for"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (GOOD + "01-a,f,5,6\n", "the id '01-a' stands in rows that do not lie together"),
        ("clip,AU01\n01-a,1\n01-a,2\n", "has 2 rows"),
        ("clip,AU01,AU02\n01-a,1\n", "row 2 has 2 cells, and the first one has 3"),
        ("clip,AU01\n01-a,high\n", "row 2, column 'AU01': 'high' is no number"),
        ("clip,AU01,AU02\n01-a,1,NaN\n", "AU02 is missing or no number"),
        ("clip,AU01,AU02\n01-a,1,\n", "AU02 is missing or no number"),
        ("clip,AU01\n01-a,inf\n", "AU01 is infinite"),
        ("name,AU01\n01-a,1\n", "has no column 'clip'"),
        ("clip,other\n01-a,1\n", "has no column 'AU*'"),
        ("clip,AU01,AU01\n01-a,1,2\n", "has two columns called 'AU01'"),
        ("", "is empty"),
    ],
)
def test_a_wrong_table_has_one_sentence(table, text, sentence):
    with pytest.raises(DataError) as caught:
        read(table(text))
    assert sentence in str(caught.value)
    assert caught.value.remedy


def test_a_file_that_is_gone_and_one_of_another_format(tmp_path):
    with pytest.raises(InputMissing, match="there is no such file"):
        read(tmp_path / "table.csv")
    (tmp_path / "table.xlsx").write_bytes(b"PK")
    with pytest.raises(DataError, match="is no file of features that is read here"):
        read(tmp_path / "table.xlsx")


def test_arrays_that_are_no_numbers_are_refused_and_nothing_is_run(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="holds Python objects"):
        read(tmp_path / "objects.npy")
    np.save(tmp_path / "words.npy", np.array(["a"]))
    with pytest.raises(DataError, match="not numbers"):
        read(tmp_path / "words.npy")
    (tmp_path / "torn.npz").write_bytes(b"PK\3\4torn")
    with pytest.raises(DataError, match="cannot be read"):
        read(tmp_path / "torn.npz")


def test_times_have_to_rise(table):
    text = "clip,second,AU01\n01-a,0.5,1\n01-a,0.2,2\n"
    with pytest.raises(DataError, match="do not rise"):
        read(table(text), times="second")
    assert values(table("clip,second,AU01\n01-a,0.2,1\n01-a,0.5,2\n"), times="second") == [[1], [2]]
