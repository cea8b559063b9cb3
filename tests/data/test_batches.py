from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fusion.catalog import catalog
from fusion.config.models import WindowSettings
from fusion.contract import DataError, RunError
from fusion.data.batches import ClipTable, WindowBatch, evaluation_batches, make_batch, training_batches
from fusion.data.plan import TrainingPlan, evaluation_windows
from fusion.data.streams import plan_streams
from fusion.store.store import Store
from fusion.training.described import describe_stream
from fusion.training.finetune import Materials, gather
from fusion.training.report import Silent
from tests.training.worlds import World, write_world

ALL = ("sound", "pictures", "words")


@pytest.fixture(scope="module")
def materials(tmp_path_factory: pytest.TempPathFactory) -> Materials:
    world: World = write_world(tmp_path_factory.mktemp("world"))
    return gather(world.load(streams=ALL), catalog(), Silent())


@pytest.fixture(scope="module")
def table(materials: Materials) -> ClipTable:
    clips = [materials.clips[name] for name in sorted(materials.clips)]
    return ClipTable(clips, materials.plans, materials.store, materials.target)


@pytest.fixture(scope="module")
def fitted(table: ClipTable, materials: Materials) -> dict[str, object]:
    return {name: describe_stream(table, name, materials.loaded.experiment.window).fitted for name in ALL}


def equal(first: WindowBatch, second: WindowBatch) -> bool:
    if (
        first.windows != second.windows
        or not torch.equal(first.present, second.present)
        or first.absent != second.absent
    ):
        return False
    for name, one in first.streams.items():
        other = second.streams[name]
        if one is None or other is None:
            if one is not other:
                return False
        elif (
            not torch.equal(one.places, other.places)
            or one.tensors.keys() != other.tensors.keys()
            or not all(torch.equal(one.tensors[key], other.tensors[key]) for key in one.tensors)
        ):
            return False
    return torch.equal(first.targets, second.targets)


def test_batches_do_not_depend_on_workers_nor_on_where_one_begins(
    table: ClipTable, fitted: dict[str, object], materials: Materials
) -> None:
    plan = TrainingPlan(7, table.durations, materials.loaded.experiment.window, 5)

    def batches(first: tuple[int, int], workers: int) -> dict[tuple[int, int], WindowBatch]:
        made = training_batches(table, plan, fitted, first=first, epochs=2, workers=workers)  # type: ignore[arg-type]
        return {(epoch, step): batch for epoch, step, batch in made}

    whole = batches((0, 0), 0)
    assert list(whole) == [(epoch, step) for epoch in range(2) for step in range(3)]
    assert not equal(whole[0, 0], whole[1, 0])
    for other in (batches((0, 0), 2), batches((1, 1), 0), batches((1, 1), 1)):
        assert all(equal(batch, whole[address]) for address, batch in other.items())


def test_absent_streams_are_marked_with_their_reason(table: ClipTable, fitted: dict[str, object]) -> None:
    windows = [window for window in evaluation_windows(table.durations, _window()) if window.number == 0][1:4]
    batch = make_batch(table, windows, fitted)  # type: ignore[arg-type]
    assert batch.present.tolist() == [[True, True, True], [True, False, True], [True, True, False]]
    assert batch.absent.keys() == {(1, "pictures"), (2, "words")}
    assert batch.streams["pictures"].places.tolist() == [0, 2]  # type: ignore[union-attr]
    assert batch.targets.tolist() == [[0, 1], [1, 0], [0, 1]]
    nobody = make_batch(table, windows[1:2], fitted)  # type: ignore[arg-type]
    assert nobody.streams["pictures"] is None
    with pytest.raises(StopIteration):
        next(evaluation_batches(table, [], fitted, 3))  # type: ignore[arg-type]


def test_augmentations_change_training_only(table: ClipTable, fitted: dict[str, object]) -> None:
    windows = evaluation_windows(table.durations, _window())[:4]
    still, same = make_batch(table, windows, fitted), make_batch(table, windows, fitted)  # type: ignore[arg-type]
    assert equal(still, same)
    first = make_batch(table, windows, fitted, training=True, address=(1, "x"))  # type: ignore[arg-type]
    again = make_batch(table, windows, fitted, training=True, address=(1, "x"))  # type: ignore[arg-type]
    other = make_batch(table, windows, fitted, training=True, address=(2, "x"))  # type: ignore[arg-type]
    assert equal(first, again)
    assert not equal(first, other)
    assert not equal(first, still)


def test_some_clips_and_some_streams(table: ClipTable) -> None:
    some = table.subset(["words"], [4, 2])
    assert [clip.id for clip in some.clips] == [table.clips[4].id, table.clips[2].id]
    assert some.durations == (table.durations[4], table.durations[2])
    np.testing.assert_array_equal(some.targets, table.targets[[4, 2]])
    assert list(some.plans) == ["words"]
    assert some.stored(1, "words") is table.stored(2, "words")


def test_a_clip_that_was_not_prepared_is_said(materials: Materials, tmp_path: Path) -> None:
    plans = plan_streams(materials.loaded.experiment, catalog())
    with pytest.raises(RunError, match="is not prepared; give the command fusion prepare"):
        ClipTable([materials.clips["c00"]], plans, Store(tmp_path), None)


def test_a_wrong_label_names_its_clip(materials: Materials) -> None:
    clip = replace(materials.clips["c00"], labels={"emotion": "odd"})
    with pytest.raises(DataError, match=r"clip c00, label 'emotion': 'odd' is not among the target's classes"):
        ClipTable([clip], materials.plans, materials.store, materials.target)


def _window() -> WindowSettings:

    return WindowSettings.model_validate({"seconds": 1.0})
