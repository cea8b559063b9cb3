"""Several real processes: what they do together, and that they learn what one process learns."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from fusion.inference.files import read_json, read_state
from fusion.training.processes import ALONE, current, joined
from fusion.training.run import Record
from tests.training.at_work import meeting

COUNTS = (2, 4)


def found(folder: Path, name: str, count: int) -> list[Any]:
    """What each process has found."""
    return [pickle.loads((folder / f"{name}-{count}-{rank}.pkl").read_bytes()) for rank in range(count)]


def everything(folder: Path, what: str, count: int) -> list[Any]:
    return [answer[what] for answer in found(folder, "everything", count)]


def test_alone_everything_is_the_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    rows = torch.ones(3, 2, requires_grad=True)
    with joined() as world:
        assert world is ALONE
        assert current() is ALONE
        assert world.gathered(rows, replicated=False) is rows
        world.sum_([rows])
        world.wait()
        assert torch.equal(rows, torch.ones(3, 2))
        assert world.shared(rows) is rows
        assert world.slice_of(7) == slice(0, 7)
        assert world.first


@pytest.mark.parametrize("count", COUNTS)
def test_sums_and_what_is_shared(at_work: Path, count: int) -> None:
    total = count * (count + 1) / 2
    for rank, answer in enumerate(everything(at_work, "sums", count)):
        assert answer["rank"] == rank
        assert answer["current"]
        assert answer["shared"] == {"from": 0}
        assert answer["slice"] == slice(rank * 8 // count, (rank + 1) * 8 // count)
        assert f"{count + 1} windows cannot be dealt out evenly to {count} processes" in answer["uneven"]
        floats, integers, doubles, strided = answer["sums"]
        assert torch.equal(floats, torch.full((2, 3), total))
        assert integers.tolist() == [count * (count - 1) // 2, 10 * count]
        assert doubles.tolist() == [0.5 * count]
        assert torch.equal(strided, torch.arange(6.0).reshape(2, 3).T * total)
        assert answer["flags"].tolist() == [True, True, *[False, True] * (count - 1)]


@pytest.mark.parametrize("count", COUNTS)
def test_gradients_through_gathered_rows(at_work: Path, count: int) -> None:
    rows = (torch.arange(1.0, 2 * 3 * count + 1, dtype=torch.float64).reshape(-1, 3) / 10).requires_grad_()
    meeting(rows, rows).backward()  # type: ignore[no-untyped-call]
    assert rows.grad is not None
    for rank, answer in enumerate(everything(at_work, "sums", count)):
        own = rows.grad[2 * rank : 2 * rank + 2]
        for case in ("replicated", "parts", "absent"):
            whole, gradient = answer[case]
            assert torch.equal(whole, rows.detach()), case
            if case == "absent" and rank == count - 1:
                assert gradient is None
            else:
                assert torch.allclose(gradient, own, rtol=0, atol=1e-12), case


@pytest.mark.parametrize("count", COUNTS)
def test_losses_and_gradients_are_those_of_one_process(at_work: Path, count: int) -> None:
    (alone,) = found(at_work, "tasks", 1)
    answers = everything(at_work, "tasks", count)
    for task, expected in alone.items():
        scale = max(float(gradient.abs().max()) for step in expected["gradients"] for gradient in step.values())
        assert scale > 0
        for answer in answers:
            assert answer[task]["losses"] == pytest.approx(expected["losses"], rel=1e-9, abs=0)
            for step, (got, wanted) in enumerate(zip(answer[task]["gradients"], expected["gradients"], strict=True)):
                assert got.keys() == wanted.keys()
                for name, gradient in wanted.items():
                    assert float((got[name] - gradient).abs().max()) <= 1e-9 * scale, (task, step, name)
        # all processes take the same step, to the bit
        for answer in answers[1:]:
            for got, wanted in zip(answer[task]["gradients"], answers[0][task]["gradients"], strict=True):
                assert all(torch.equal(got[name], gradient) for name, gradient in wanted.items())


def test_what_was_compared_has_gaps(at_work: Path) -> None:
    answers = everything(at_work, "tasks", 4)
    # the last batch leaves nothing for the later processes
    assert [[rows for rows, _ in answer["sound"]["rows"]] for answer in answers] == [[4, 4], [4, 4], [4, 0], [4, 0]]
    # a stream is absent from a whole process's slice while others have it
    absent = [names for answer in answers for _, names in answer["joint"]["rows"]]
    assert {"pictures"} in [set(names) for names in absent]
    assert {"words"} in [set(names) for names in absent]


def test_batch_normalisation_is_refused_where_it_would_learn(at_work: Path) -> None:
    for answer in everything(at_work, "normalisation", 2):
        assert answer["still"] == "trained"
        for kind in ("batch", "sync"):
            assert "batch normalisation (1) would depend on the number of processes; train in one" in answer[kind]


def test_batches_that_cannot_be_dealt_out_are_refused(at_work: Path) -> None:
    for uneven, cut, fine in everything(at_work, "problems", 2):
        assert "finetune.batch   3 windows cannot be dealt out evenly to 2 processes; take a multiple of 2" in uneven
        assert "mixup mixes blocks of 4 windows, which 2 processes would cut through with 4 windows" in cut
        assert "take a multiple of 8" in cut
        assert fine == ""


def test_a_lost_process_is_one_sentence(at_work: Path) -> None:
    said = (at_work / "lost.txt").read_text()
    assert said.startswith("another process of this job has ended (")
    assert said.endswith("); give the same command again to go on")
    assert "\n" not in said


def test_processes_end_with_their_launcher(at_work: Path) -> None:
    assert pickle.loads((at_work / "orphan.pkl").read_bytes()) < 20


def test_a_run_of_two_processes_is_whole(at_work: Path) -> None:
    run = at_work / "run"
    assert found(at_work, "run", 2) == [run, run]
    assert Record(run).read()["status"] == "finished"
    result = read_json(run / "held_out" / "result.json")
    assert set(result["scores"]) == {"sound", "pictures", "late_average", "learned", "tuned"}
    for stage in ("streams/sound", "streams/pictures", "tuned"):
        log = (run / "held_out" / stage / "log.csv").read_text().splitlines()
        assert len(log) == 1 + (2 if stage == "tuned" else 5)
        assert len(list((run / "held_out" / stage / "tensorboard").iterdir())) == 1, "two processes wrote"
    model = read_state(run / "held_out" / "streams" / "sound" / "best.safetensors")
    assert all(bool(torch.isfinite(value).all()) for value in model.values())
