"""Streams compared part by part, at one time."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from contrastive.model import PretrainModel
from contrastive.pretrain import pretrain
from contrastive.segments import Segments, at_their_time, changes
from fusion.catalog import catalog
from fusion.contract import ComponentError, ConfigError, StreamOutput
from fusion.data.streams import plan_streams
from fusion.inference.files import read_json, read_state
from tests.contrastive.steps import Perceptron
from tests.training.worlds import World, write_world

SETTINGS = (
    "pretrain.objective={name: infonce, dim: 4}",
    "pretrain.batch=6",
    "pretrain.epochs=2",
    "pretrain.segments=4",
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return write_world(tmp_path_factory.mktemp("segments"))


def answer(sequence: Tensor, mask: list[bool], times: list[float]) -> StreamOutput:
    return StreamOutput(None, sequence[None], torch.tensor([mask]), torch.tensor([times]))


@given(
    st.integers(2, 5),
    st.lists(st.tuples(st.integers(0, 299), st.booleans()), min_size=1, max_size=12),
    st.integers(0, 3),
)
def test_a_part_is_the_mean_of_the_steps_that_lie_in_it(
    count: int, steps: list[tuple[int, bool]], padding: int
) -> None:
    """Of the valid ones, by their times; padding behind, which depends on a window's neighbours, changes nothing."""
    steps.sort()
    sequence = torch.randn(len(steps), 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    times, mask = [at / 100 for at, _ in steps], [valid for _, valid in steps]
    found = Segments(count, 3.0).of(answer(sequence, mask, times), "voice")[0]
    for part in range(count):
        # in hundredths of a second, as whole numbers
        members = [k for k, (at, valid) in enumerate(steps) if valid and at * count // 300 == part]
        expected = sequence[members].mean(dim=0) if members else torch.zeros(3, dtype=torch.float64)
        torch.testing.assert_close(found[part], expected)
    longer = torch.cat([sequence, torch.ones(padding, 3)])
    padded = answer(longer, [*mask, *[False] * padding], [*times, *[3.0] * padding])
    torch.testing.assert_close(Segments(count, 3.0).of(padded, "voice")[0], found)


def test_changes_leave_out_what_stays_and_what_is_not_there() -> None:
    parts = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(1))
    present = torch.tensor([[True] * 5, [True, True, False, True, False]])
    found = changes(parts, present)
    torch.testing.assert_close(changes(parts + torch.randn(2, 1, 3), present), found)
    second = found[1].reshape(5, 3)
    assert not second[[2, 4]].any()
    torch.testing.assert_close(second[[0, 1, 3]], parts[1, [0, 1, 3]] - parts[1, [0, 1, 3]].mean(dim=0))


@pytest.mark.parametrize("name", ["infonce", "supervised_contrastive", "margin"])
def test_all_segments_are_projected_alike(name: str) -> None:
    objective = catalog().build("objective", name, [6, 6])
    parts = torch.randn(3, 5, 6)
    order = torch.randperm(5)
    one, other = objective.project(parts, 0), objective.project(parts[:, order], 0)
    assert one.dim() == 2
    torch.testing.assert_close(one.reshape(3, 5, -1)[:, order], other.reshape(3, 5, -1))
    if name != "margin":
        torch.testing.assert_close(one.norm(dim=1), torch.ones(3))


def test_a_sequence_without_times_has_no_segments() -> None:
    output = StreamOutput(torch.zeros(2, 3), torch.zeros(2, 4, 3), torch.ones(2, 4, dtype=torch.bool))
    with pytest.raises(ComponentError, match=r"stream 'text': its encoder answers no sequence with times"):
        Segments(3, 1.0).of(output, "text")


class Apart(nn.Module):
    """An objective that does not know segments."""

    def project(self, embedding: Tensor, side: int) -> Tensor:
        del side
        return embedding


def test_an_objective_without_segments_is_named() -> None:
    encoders = {"voice": Perceptron(5), "face": Perceptron(7)}
    model = PretrainModel(encoders, [Apart()], [("voice", "face")], Segments(2, 2.0))
    with pytest.raises(ComponentError, match=r"objective of voice and face: projects segments to 3 dimensions"):
        model.projected(0, torch.zeros(1, 2, 2), 0)


def test_augmentations_that_move_a_stream_in_time_are_left_out(world: World) -> None:
    moving = "[gain, {name: time_shift}, time_mask, time_stretch]"
    loaded = world.load(f"streams.sound.augmentations={moving}", streams=("sound", "pictures"))
    plans = plan_streams(loaded.experiment, catalog())
    plan, names = at_their_time(plans["sound"])
    assert names == ["time_shift", "time_stretch"]
    assert [step.name for step in plan.live] == ["gain", "time_mask"]
    assert plan.key == plans["sound"].key
    assert at_their_time(plans["pictures"]) == (plans["pictures"], [])


def test_a_job_compares_segments_and_leaves_the_same_streams(world: World, tmp_path: Path) -> None:
    folder = pretrain(world.load(*SETTINGS), tmp_path)
    state = read_state(folder / "held_out" / "best.safetensors")
    sizes = [tuple(state[f"objectives.0.projections.sides.{side}.weight"].shape) for side in (0, 1)]
    assert sizes == [(4, 8), (4, 2)], "items of the sequences: eight features of sound, two of pictures"
    assert read_json(folder / "held_out" / "result.json")["sound→pictures chance@1"] == 0.5
    tuned = world.train(tmp_path / "tuned", "finetune.epochs=0", "finetune.joint.epochs=0", start=folder)
    ours = read_state(tuned / "held_out" / "streams" / "sound" / "best.safetensors")
    theirs = read_state(folder / "held_out" / "streams" / "sound" / "best.safetensors")
    assert all(torch.equal(ours[key], value) for key, value in theirs.items())


def test_what_has_no_segments_is_refused_before_any_work(world: World, tmp_path: Path) -> None:
    three = world.load(*SETTINGS, streams=("sound", "pictures", "words"))
    with pytest.raises(ConfigError, match=r"pretrain.segments +'words' shows its whole clip in each window, without"):
        pretrain(three, tmp_path / "a")
    with pytest.raises(ConfigError, match=r"pretrain.segments +windows of whole clips have no length in common"):
        pretrain(world.load(*SETTINGS, "window.seconds=clip"), tmp_path / "b")
    assert not (tmp_path / "a").exists()


def test_a_job_trains_on_sound_that_was_not_moved(world: World, tmp_path: Path) -> None:
    weights = []
    for name, listed in {"moved": "[{name: time_shift, share: 0.5}]", "still": "[]"}.items():
        folder = pretrain(world.load(*SETTINGS, f"streams.sound.augmentations={listed}"), tmp_path / name)
        weights.append(read_state(folder / "held_out" / "best.safetensors"))
    assert all(torch.equal(value, weights[1][key]) for key, value in weights[0].items())
