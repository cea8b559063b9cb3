"""One step means the same in one process and in several."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from contrastive.pairs import PairKind
from contrastive.step import drawn_kinds
from fusion.training.processes import ALONE
from tests.contrastive.steps import BATCH, OBJECTIVES, batch_of, build, loss_and_gradients, planned


def in_processes(count: int, objective: str, folder: Path) -> dict[str, torch.Tensor]:
    """The step in processes of their own, which talk over gloo."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    output = folder / f"{objective}_{count}.safetensors"
    running = []
    for rank in range(count):
        own = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1"}
        environment = {**os.environ, **own, "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "tests.contrastive.steps", objective, str(output)]
        running.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
    for process in running:
        _, errors = process.communicate(timeout=100)
        assert process.returncode == 0, errors
    return load_file(output)


@pytest.mark.parametrize(("objective", "count"), [("margin", 2), ("infonce", 4), ("supervised_contrastive", 2)])
def test_loss_and_gradients_do_not_depend_on_the_number_of_processes(
    objective: str, count: int, tmp_path: Path
) -> None:
    """In float64, with a stream that is absent from half of the batch: from whole processes."""
    alone = loss_and_gradients(objective, ALONE)
    several = in_processes(count, objective, tmp_path)
    assert alone["counts"].tolist() == several["counts"].tolist()
    largest = max(float(value.abs().max()) for name, value in alone.items() if name not in ("loss", "counts"))
    assert largest > 0
    for name, value in alone.items():
        if name != "counts":
            assert float((value - several[name]).abs().max()) <= 1e-9 * largest, name


def test_a_second_window_of_a_clip_has_no_partner_among_words() -> None:
    plan = planned()
    alone = loss_and_gradients("infonce", ALONE)
    batch = batch_of(ALONE, plan, drawn=False)
    clips = len(set(batch.facts.clip.tolist()))
    face = sum(1 for place in batch.places.tolist() if place >= BATCH // 2)
    voice = len(batch.places)
    positives = int(alone["counts"][int(PairKind.POSITIVE) - 1])
    # voice+face: windows that have both; voice+words and face+words: one a clip
    faces_of_first_windows = sum(1 for place in batch.places.tolist() if place >= BATCH // 2 and place % 2 == 0)
    assert positives == face + clips + faces_of_first_windows
    assert voice > clips


def test_drawn_pairs_become_a_matrix() -> None:
    pairs = planned().planned(0, 0).pairs
    assert pairs is not None
    whole = drawn_kinds(pairs, slice(0, BATCH), BATCH)
    assert torch.equal(torch.cat([drawn_kinds(pairs, slice(k, k + 4), BATCH) for k in range(0, BATCH, 4)]), whole)
    assert all(int(whole[r, c]) == k for r, c, k in zip(pairs.row, pairs.column, pairs.kind, strict=True))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_all_encoders_learn(objective: str) -> None:
    found = loss_and_gradients(objective, ALONE)
    model = build(objective)
    assert set(found) - {"loss", "counts"} == {name for name, _ in model.named_parameters()}
    for name, value in found.items():
        if name.startswith("encoders") and name.endswith("weight"):
            assert value.any(), name
