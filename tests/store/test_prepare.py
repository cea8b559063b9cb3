from __future__ import annotations

import errno
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import pytest

from fusion.contract import Clip, RunError, Track
from fusion.store import writer as writer_module
from fusion.store.absences import absences
from fusion.store.failures import Failure
from fusion.store.prepare import PrepareReport, Survey, prepare, shards
from fusion.store.store import Store
from fusion.store.worker import Stopped, Task, prepare_clip
from tests.data.parts import Parts, as_catalog, clip_in, experiment, parts, planned

STREAMS: dict[str, dict[str, Any]] = {
    "voice": {"modality": "pulse", "transforms": ["level", "smooth"], "augmentations": ["jitter"]},
    "breath": {"modality": "breath", "transforms": ["smooth"]},
    "said": {"modality": "said"},
}


def run(store: Store, clips: list[Clip], catalog: Parts | None = None, **streams: Any) -> PrepareReport:
    settings = experiment(**{**STREAMS, **streams})
    return prepare(settings, clips, catalog=as_catalog(catalog or parts()), store=store)


def entries(store: Store) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.folder.rglob("*.safetensors")}


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    return [
        clip_in(tmp_path / "media", "a", "4.3", ("pulse", "breath", "gestures")),
        clip_in(tmp_path / "media", "b", "4.4", ("pulse",)),
        clip_in(tmp_path / "media", "c", "4.5", ("pulse", "breath")),
    ]


def test_everything_once(tmp_path: Path, clips: list[Clip]) -> None:
    store = Store(tmp_path / "store")
    told: list[tuple[int, str | None]] = []
    surveys: list[Survey] = []
    report = prepare(
        experiment(**STREAMS),
        clips,
        catalog=as_catalog(parts()),
        store=store,
        progress=lambda count=1, *, note=None: told.append((count, note)),
        announce=surveys.append,
    )
    assert (report.clips, report.made, report.stored, report.failures) == (3, 9, 0, ())
    found = absences(clips, planned(parts(), **STREAMS), store)
    assert {absence.stream: [clip for clip, _ in absence.reasons] for absence in found} == {
        "breath": ["b"],
        "said": ["b", "c"],
    }
    assert told == [(0, "0 failed"), *[(1, "0 failed")] * 3]
    assert (len(surveys[0].tasks), surveys[0].stored, surveys[0].files, surveys[0].clips) == (3, 0, 6, 3)
    assert surveys[0].size == sum(path.stat().st_size for path in (tmp_path / "media").iterdir())
    plan = planned(parts(), **STREAMS)["breath"]
    assert store.lookup(clips[1], plan).absence == "the clip has no track of breath"
    before = entries(store)
    catalog = parts()
    again = run(store, clips, catalog)
    assert (again.made, again.stored) == (0, 9)
    assert entries(store) == before
    assert all(not decoder.opened for decoder in catalog.instances["decoder"].values()), "nothing is decoded again"


def test_changing_one_stream_redoes_only_it(tmp_path: Path, clips: list[Clip]) -> None:
    store = Store(tmp_path / "store")
    run(store, clips)
    catalog = parts()
    report = run(store, clips, catalog, voice={**STREAMS["voice"], "transforms": ["smooth"]})
    assert (report.made, report.stored) == (3, 6)
    opened = {kind: len(decoder.opened) for kind, decoder in catalog.instances["decoder"].items()}
    assert opened == {"pulse": 3, "breath": 0, "gestures": 0}
    nothing = run(store, clips, voice={**STREAMS["voice"], "encoder": "other", "augmentations": []})
    assert nothing.made == 0


def test_prepared_alone_or_together_the_entries_are_equal(tmp_path: Path, clips: list[Clip]) -> None:
    together, alone = Store(tmp_path / "together"), Store(tmp_path / "alone")
    run(together, clips)
    for name, stream in STREAMS.items():
        one = experiment(**{name: stream})
        prepare(one, clips, catalog=as_catalog(parts()), store=alone)
    assert entries(alone) == entries(together)


def test_a_clip_that_fails_is_a_row_and_is_tried_again(tmp_path: Path, clips: list[Clip]) -> None:
    store = Store(tmp_path / "store")
    broken = parts({"pulse": {"a": Fraction(2)}})
    for _ in range(2):
        report = run(store, clips, broken)
        failure = Failure("a", "voice", "a: cannot be decoded after 2 s", report.failures[0].key)
        assert report.failures == (failure,)
        assert report.failed_clips == 1
        assert len(entries(store)) == 8, "the other streams of that clip are there"
    plan = planned(parts(), **STREAMS)["voice"]
    assert store.lookup(clips[0], plan).absence == "a: cannot be decoded after 2 s"
    assert len((store.folder / "failures.jsonl").read_text().splitlines()) == 1
    report = run(store, clips)
    assert (report.made, report.stored, report.failures) == (1, 8, ())
    assert store.lookup(clips[0], plan).absence is None


def test_files_that_are_missing_are_failures_of_their_streams(tmp_path: Path, clips: list[Clip]) -> None:
    clips[0].tracks[0].file.unlink()
    report = run(Store(tmp_path / "store"), clips)
    assert [(failure.clip, failure.stream) for failure in report.failures] == [("a", "voice")]
    assert report.failures[0].reason == f"{clips[0].tracks[0].file}: there is no such file"
    assert report.made == 8


def test_a_bug_costs_one_stream_of_one_clip(tmp_path: Path, clips: list[Clip]) -> None:
    report = run(Store(tmp_path / "store"), clips[:1], voice={"modality": "pulse", "transforms": ["bug"]})
    assert [failure.reason for failure in report.failures] == [
        "transform bug (Refuse): fails: KeyError: 'oops'; report it to the transform's authors; fusion plugins list "
        "says who they are"
    ]
    assert report.made == 2


def test_what_cannot_be_stored_is_a_failure(tmp_path: Path, clips: list[Clip]) -> None:
    catalog = parts()
    catalog.instances["transform"]["smooth"].apply = lambda pieces, span, state: {
        name: replace(run, data=[object()] * len(run)) for name, run in pieces.items()
    }
    report = run(Store(tmp_path / "store"), clips[:1], catalog)
    assert {failure.stream for failure in report.failures} == {"voice", "breath"}
    assert "cannot be stored; end the chain with a transform that makes arrays of them" in report.failures[0].reason


def test_clips_of_two_corpora_may_have_one_id(tmp_path: Path) -> None:
    clips = [clip_in(tmp_path / folder, "a", seconds) for folder, seconds in (("one", "2"), ("two", "3"))]
    store = Store(tmp_path / "store")
    assert run(store, clips).made == 6
    assert len(entries(store)) == 6


def test_clips_of_equal_content_share_entries(tmp_path: Path) -> None:
    clips = [clip_in(tmp_path / folder, "a", kinds=("pulse",)) for folder in ("one", "two")]
    store = Store(tmp_path / "store")
    report = run(store, clips)
    assert report.made == 6
    assert len(entries(store)) == 3


def test_streams_with_equal_chains_share_entries(tmp_path: Path, clips: list[Clip]) -> None:
    store = Store(tmp_path / "store")
    report = run(store, clips, loud={**STREAMS["voice"], "encoder": "other"})
    assert report.made == 12
    assert len(entries(store)) == 9


def test_a_full_disk_stops_the_job_and_the_next_goes_on(
    tmp_path: Path, clips: list[Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Store(tmp_path / "whole")
    run(whole, clips)
    store, write, left = Store(tmp_path / "store"), writer_module.write_all, 12

    def full(file: IO[bytes], data: bytes | memoryview) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(file, data)

    monkeypatch.setattr(writer_module, "write_all", full)
    with pytest.raises(RunError, match=r"the disk is full; free some space and give the same command again"):
        run(store, clips)
    some = entries(store)
    assert 0 < len(some) < 9
    assert not list((store.folder / "temporary").iterdir())
    monkeypatch.setattr(writer_module, "write_all", write)
    assert run(store, clips).stored == len(some)
    assert entries(store) == entries(whole)


def test_a_job_that_is_asked_to_stop_leaves_nothing_unfinished(tmp_path: Path, clips: list[Clip]) -> None:
    store = Store(tmp_path)
    plans = planned(parts(), **STREAMS)
    task = Task(clips[0], {name: store.entry_key(clips[0], plan) for name, plan in plans.items()})
    with pytest.raises(Stopped):
        prepare_clip(task, plans, store, stopped=lambda: True)
    assert entries(store) == {}


def test_shards_hold_clips_that_share_files() -> None:
    def task(name: str, *files: str) -> Task:
        return Task(Clip(name, tuple(Track("sound", Path(file)) for file in files)), {})

    tasks = [task("a", "1"), task("b", "2"), task("c", "1", "3"), task("d", "4"), task("e", "3"), task("f", "5")]
    groups = [[one.clip.id for one in group] for group in shards(tasks, 2)]
    assert groups == [["a", "c", "e"], ["b", "d"], ["f"]]
    assert [[one.clip.id for one in group] for group in shards(tasks, 1)] == [["a", "c", "e"], ["b"], ["d"], ["f"]]
    assert shards([], 3) == []
