from __future__ import annotations

import os
import pickle
import resource
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fusion.contract import SOUND, WORDS, Clip, Need, Pieces, Region, RunError, Span, Track
from fusion.data.streams import StreamPlan, plan_streams
from fusion.store import reader
from fusion.store.failures import Failure
from fusion.store.layout import parse
from fusion.store.store import Store, store_folder
from tests.data.parts import Kind, Parts, as_catalog, clip_in, experiment, parts, planned, same

BASE: dict[str, Any] = {"modality": "pulse", "transforms": ["level", "smooth"], "augmentations": ["jitter"]}


def plan_of(catalog: Parts | None = None, **stream: Any) -> StreamPlan:
    return planned(catalog or parts(), one={**BASE, **stream})["one"]


def changed(change: Callable[[Parts], None]) -> Parts:
    catalog = parts()
    change(catalog)
    return catalog


def test_what_matters_changes_the_chain_key() -> None:
    def transform(name: str, key: str, value: Any) -> Callable[[Parts], None]:
        return lambda catalog: setattr(catalog.instances["transform"][name], key, value)

    def modality(key: str, value: Any) -> Callable[[Parts], None]:
        return lambda catalog: setattr(catalog.instances["modality"]["pulse"], key, value)

    keys = [
        plan_of().key,
        plan_of(transforms=["level"]).key,
        plan_of(transforms=["smooth", "level"]).key,
        plan_of(transforms=[{"name": "level", "option": 1}, "smooth"]).key,
        plan_of(modality="breath").key,
        plan_of(changed(transform("level", "version", 2))).key,
        plan_of(changed(transform("smooth", "seconds", Fraction(1, 2)))).key,
        plan_of(changed(modality("version", 2))).key,
        plan_of(changed(modality("needs", {"pulse": Need(Fraction(5))}))).key,
        plan_of(changed(modality("needs", {"pulse": Need(optional=True)}))).key,
        plan_of(changed(modality("extent", "clip"))).key,
        plan_of(changed(lambda catalog: setattr(catalog.instances["decoder"]["pulse"], "version", 2))).key,
    ]
    assert len(set(keys)) == len(keys)


def test_what_does_not_matter_leaves_the_chain_key() -> None:
    def other_jitter(catalog: Parts) -> None:
        catalog.instances["augmentation"]["jitter"].size = 5.0
        catalog.instances["transform"]["window"].version = 7
        catalog.instances["decoder"]["breath"].version = 7

    keys = {
        plan_of().key,
        plan_of(encoder={"name": "other", "width": 3}).key,
        plan_of(augmentations=[]).key,
        plan_of(modality={"name": "pulse", "standardise": "training"}).key,
        plan_of(augmentations=[{"name": "jitter", "amount": 2}, "window"]).key,
        plan_of(frozen=True, training={"epochs": 3}).key,
        plan_of(changed(other_jitter)).key,
        plan_of(transforms=["level", "smooth", "window"]).key,
    }
    assert len(keys) == 1
    wide = experiment(one=BASE).model_copy(update={"window": None, "seed": 3})
    assert plan_streams(wide, as_catalog(parts()))["one"].key in keys


class Sounds:
    """Plans of the engine's own kinds, on files whose content is all that is looked at."""

    catalog = parts()
    catalog.instances["modality"]["voice"] = Kind({SOUND: Need()})
    catalog.instances["modality"]["words"] = Kind({WORDS: Need()}, extent="clip")
    voice = plan_of(catalog, modality="voice", transforms=["smooth"])
    leveled = plan_of(catalog, modality="voice", transforms=["level"])
    words = plan_of(catalog, modality="words", transforms=[])


def files(folder: Path) -> Clip:
    folder.mkdir(exist_ok=True)
    (folder / "a.wav").write_bytes(b"sound")
    (folder / "a.mp4").write_bytes(b"pictures")
    tracks = (Track(SOUND, folder / "a.wav"), Track("pictures", folder / "a.mp4"))
    return Clip("a", tracks, transcript="well")


CHANGES: dict[str, tuple[Callable[[Clip], Clip], set[str]]] = {
    "labels": (lambda clip: replace(clip, labels={"emotion": "sad"}, speaker="x", group="g"), set()),
    "id": (lambda clip: replace(clip, id="b"), {"leveled"}),
    "transcript": (lambda clip: replace(clip, transcript="no"), {"words"}),
    "duration": (lambda clip: replace(clip, duration=Fraction(2)), {"voice", "leveled", "words"}),
    "start": (
        lambda clip: replace(clip, tracks=(replace(clip.tracks[0], start=Fraction(1)), *clip.tracks[1:])),
        {"voice", "leveled", "words"},
    ),
    "channel": (
        lambda clip: replace(clip, tracks=(replace(clip.tracks[0], channel=1), *clip.tracks[1:])),
        {"voice", "leveled"},
    ),
    "region of the picture": (
        lambda clip: replace(clip, tracks=(clip.tracks[0], replace(clip.tracks[1], region=Region.named("left")))),
        set(),
    ),
    "a track of another kind": (
        lambda clip: replace(clip, tracks=(*clip.tracks, Track("pulse", clip.tracks[0].file))), set(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_what_of_a_clip_changes_which_keys(tmp_path: Path, name: str) -> None:
    change, expected = CHANGES[name]
    clip, store = files(tmp_path), Store(tmp_path / "store")
    plans = {"voice": Sounds.voice, "leveled": Sounds.leveled, "words": Sounds.words}
    found = {
        stream for stream, plan in plans.items() if store.entry_key(clip, plan) != store.entry_key(change(clip), plan)
    }
    assert found == expected


@given(content=st.binary(max_size=20), name=st.sampled_from(["a.wav", "a.mp4"]))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_content_decides_and_not_the_place(tmp_path: Path, content: bytes, name: str) -> None:
    clip, store = files(tmp_path), Store(tmp_path / "store")
    key = store.entry_key(clip, Sounds.voice)
    (moved := tmp_path / "moved").mkdir(exist_ok=True)
    for file in ("a.wav", "a.mp4"):
        (moved / file).write_bytes((tmp_path / file).read_bytes())
    tracks = tuple(replace(track, file=moved / track.file.name) for track in clip.tracks)
    assert store.entry_key(replace(clip, tracks=tracks), Sounds.voice) == key
    before = (moved / name).read_bytes()
    (moved / name).write_bytes(content)
    # the picture's file counts as long as it settles how long the clip is
    assert (store.entry_key(replace(clip, tracks=tracks), Sounds.voice) == key) == (content == before)
    fixed, settled = replace(clip, duration=Fraction(1)), replace(clip, tracks=tracks, duration=Fraction(1))
    same_sound = name == "a.mp4" or content == before
    assert (store.entry_key(fixed, Sounds.voice) == store.entry_key(settled, Sounds.voice)) == same_sound


ROW = {
    "z": Pieces(np.arange(12, dtype=np.float16).reshape(4, 3), Fraction(20, 3), 2),
    "a": Pieces(np.arange(7, dtype=np.int64), Fraction(3)),
    "flags": Pieces(np.array([True, False]), Fraction(1), 5),
    "words": Pieces(["", "größe", "日本"], None, times=np.array([0.1, 0.5, 0.9]), ends=np.array([0.2, 0.6, 1.5])),
    "beats": Pieces(np.ones((2, 2)), None, times=np.array([0.3, 0.7])),
    "none": Pieces(np.zeros((0, 5), np.uint8), Fraction(4), 3),
}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.open_writer("ab12") as writer:
        for start in range(0, 8, 2):
            writer.append({name: _part(pieces, start, start + 2) for name, pieces in ROW.items()})
        assert not store.has("ab12")
        writer.finish(Fraction(7, 3))
    stored = store.read("ab12")
    assert stored.duration == Fraction(7, 3)
    assert stored.absence is None
    assert list(stored.row(None)) == list(ROW), "in the order in which they were written"
    same(stored.row(None), ROW)
    span = Span(Fraction(1, 2), Fraction(1))
    same(stored.row(span), {name: pieces.within(span) for name, pieces in ROW.items()})
    assert not stored.row(None)["a"].data.flags.writeable


def _part(pieces: Pieces, start: int, stop: int) -> Pieces:
    if pieces.rate is not None:
        return Pieces(pieces.data[start:stop], pieces.rate, pieces.first + min(start, len(pieces)))
    assert pieces.times is not None
    ends = None if pieces.ends is None else pieces.ends[start:stop]
    return Pieces(pieces.data[start:stop], None, 0, pieces.times[start:stop], ends)


def test_tensors_are_aligned(tmp_path: Path) -> None:
    for length in range(8):
        store = Store(tmp_path / str(length))
        with store.open_writer("ab12") as writer:
            writer.append({"a" * (length + 1): ROW["flags"], **ROW})
            writer.finish(Fraction(1))
        _, tensors = parse(next(store.folder.rglob("*.safetensors")))
        assert all(tensor.start % int(tensor.dtype[2:]) == 0 for tensor in tensors.values())


def test_other_programs_read_the_files(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    store = Store(tmp_path)
    with store.open_writer("ab12") as writer:
        writer.append(ROW)
        writer.finish(Fraction(1))
    tensors = load_file(next(tmp_path.rglob("*.safetensors")))
    assert np.array_equal(tensors["z"], ROW["z"].data)
    assert np.array_equal(tensors["words/times"], [0.1, 0.5, 0.9])
    assert tensors["words/bytes"].tobytes().decode() == "größe日本"


def test_absences_are_entries(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.open_writer("ab12") as writer:
        writer.append(ROW)
        writer.finish(Fraction(1), "no sound")
    stored = store.read("ab12")
    assert stored.absence == "no sound"
    assert stored.duration == 1
    with pytest.raises(ValueError, match="no sound"):
        stored.row(None)


def test_few_files_stay_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of more clips than a process may open files can be read, and what was handed out stays readable."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    monkeypatch.setattr(reader, "OPEN_MAPS", 2)
    monkeypatch.setattr(reader, "_maps", OrderedDict())
    store = Store(tmp_path)
    keys = [f"{number:04x}" for number in range(200)]
    for key in keys:
        with store.open_writer(key) as writer:
            writer.append({"n": Pieces(np.frombuffer(key.encode(), np.uint8), Fraction(1))})
            writer.finish(Fraction(1))
    # Tests before this one in the same process may have files open.
    opened = max(int(file.name) for file in Path("/dev/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit[0], opened + 100), limit[1]))
    try:
        stored = [store.read(key) for key in keys]
        kept = stored[0].row(None)
        texts = [entry.row(None)["n"].data.tobytes().decode() for _ in range(2) for entry in stored]
        assert len(reader._maps) <= 2
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    assert texts == 2 * keys
    assert kept["n"].data.tobytes().decode() == keys[0]


@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_damaged_entries_are_named(tmp_path: Path, keep: int) -> None:
    store = Store(tmp_path)
    with store.open_writer("ab12") as writer:
        writer.append({"n": Pieces(np.arange(100), Fraction(1))})
        writer.finish(Fraction(1))
    (path,) = tmp_path.rglob("*.safetensors")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(RunError, match=r"ab12\.safetensors: the entry is damaged .*delete it and prepare again"):
        store.read("ab12")


def test_entries_of_newer_versions_are_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.open_writer("ab12") as writer:
        writer.finish(Fraction(1))
    (path,) = tmp_path.rglob("*.safetensors")
    path.write_bytes(path.read_bytes().replace(rb"\"format\": 1", rb"\"format\": 9"))
    with pytest.raises(RunError, match="newer version"):
        store.read("ab12")


def test_lookup(tmp_path: Path) -> None:
    store, plan = Store(tmp_path / "store"), plan_of()
    clip = clip_in(tmp_path)
    with pytest.raises(RunError, match=r"a: the stream one is not prepared; give the command fusion prepare CONFIG"):
        store.lookup(clip, plan)
    key = store.entry_key(clip, plan)
    store.folder.mkdir(exist_ok=True)
    store.failures.add([Failure("a", "one", "broken", key)])
    assert store.lookup(clip, plan).absence == "broken"
    with store.open_writer(key) as writer:
        writer.finish(Fraction(3))
    assert store.lookup(clip, plan).duration == 3
    clip.tracks[0].file.unlink()
    assert "there is no such file" in str(store.lookup(clip, plan).absence)


def test_stores_travel_to_loader_processes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.open_writer("ab12") as writer:
        writer.finish(Fraction(1))
    store.read("ab12")
    assert pickle.loads(pickle.dumps(store)).read("ab12").duration == 1  # our own, in this process


def test_temporary_files_of_the_dead_are_swept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.open_writer("ab12") as writer:
        writer.finish(Fraction(1))
    old, young = tmp_path / "temporary" / "old", tmp_path / "temporary" / "young"
    for file in (old, young):
        file.write_bytes(b"")
    os.utime(old, (1, 1))
    store.sweep()
    assert not old.exists()
    assert young.exists()


def test_where_the_store_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FUSION_STORE", raising=False)
    assert store_folder(experiment(one=BASE).prepare) == Path(".fusion/store")
    monkeypatch.setenv("FUSION_STORE", str(tmp_path))
    assert store_folder(experiment(one=BASE).prepare) == tmp_path
    assert store_folder(experiment({"store": "there"}, one=BASE).prepare) == Path("there")
