"""One step means the same in one process and in several."""

from __future__ import annotations

import dataclasses
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from contrastive.pairs import PairKind
from contrastive.plan import ClipFacts
from contrastive.step import PairRules, drawn_kinds, encode, step_loss
from fusion.data.batches import ClipTable
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


@pytest.mark.parametrize(
    ("objective", "count"), [("margin", 2), ("infonce", 4), ("supervised_contrastive", 2), ("segments", 2)]
)
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
    clips_with_a_face = len({int(batch.facts.clip[place]) for place in batch.places.tolist() if place >= BATCH // 2})
    assert positives == face + clips + clips_with_a_face
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


def by_hand(objective: str) -> tuple[float, dict[PairKind, int]]:
    """The loss of the step, pair by pair and row by row: an account of the rules that shares no code with them."""
    model, plan = build(objective), planned()
    drawn = objective == "margin"
    batch = batch_of(ALONE, plan, drawn=drawn)
    facts = batch.facts
    there: dict[str, dict[int, torch.Tensor]] = {}
    for name, part in batch.windows.streams.items():
        assert part is not None
        answers = model.embeddings(name, part.tensors)
        places = [int(batch.places[int(place)]) for place in part.places]
        there[name] = dict(zip(places, answers, strict=True))

    def kind(i: int, j: int) -> PairKind:
        if i == j:
            return PairKind.POSITIVE
        if facts.clip[i] == facts.clip[j]:
            return PairKind.SAME_CLIP_SHIFTED  # the plan has no two windows of a clip that are closer
        if facts.content[i] == facts.content[j]:
            return PairKind.NONE
        if min(facts.label[i], facts.label[j]) < 0:
            return PairKind.OTHER_CLIP
        return PairKind.SAME_EMOTION if facts.label[i] == facts.label[j] else PairKind.OTHER_EMOTION

    wanted = None
    if drawn:
        assert batch.pairs is not None
        wanted = set(zip(batch.pairs.row.tolist(), batch.pairs.column.tolist(), strict=True))
    losses, counts = [], dict.fromkeys(PairKind, 0)
    for compared, pair in zip(model.objectives, model.pairs, strict=True):
        views = []
        for side, name in enumerate(pair):
            rows = sorted(there[name])
            if name == "words":
                partner = there[pair[1 - side]]
                rows = [p for p in rows if p in partner]
                rows = [p for p in rows if p == min(q for q in rows if facts.clip[q] == facts.clip[p])]
            views.append({p: compared.project(there[name][p][None], side)[0] for p in rows})
        halves = []
        for one, other in ((0, 1), (1, 0))[: 1 if drawn else 2]:
            total, number = torch.zeros((), dtype=torch.float64), 0
            for i, row in views[one].items():
                kinds = {j: kind(i, j) for j in views[other]}
                if "words" in pair:
                    kinds = {j: k for j, k in kinds.items() if k != PairKind.SAME_CLIP_SHIFTED}
                if wanted is not None:
                    kinds = {j: k for j, k in kinds.items() if (i, j) in wanted}
                else:
                    far = [j for j, k in kinds.items() if k == PairKind.OTHER_EMOTION]
                    far.sort(key=lambda j: -float(row.detach() @ views[other][j].detach()))
                    kinds = {j: k for j, k in kinds.items() if j not in far[3:]}
                kinds = {j: k for j, k in kinds.items() if k != PairKind.NONE}
                if one == 0:
                    for k in kinds.values():
                        counts[k] += 1
                if drawn:
                    for j, k in kinds.items():
                        distance = (row - views[other][j]).norm()
                        total = total + (distance**2 if k == PairKind.POSITIVE else (3.0 - distance).clamp_min(0) ** 2)
                        number += 1
                    continue
                partners = {PairKind.POSITIVE}
                if objective == "supervised_contrastive":
                    partners |= {PairKind.SAME_EMOTION, PairKind.SAME_CLIP_SHIFTED}
                scale = 1 / 0.1 if objective == "supervised_contrastive" else 1 / 0.07
                logits = {j: scale * (row @ views[other][j]) for j in kinds}
                positives = [j for j, k in kinds.items() if k in partners]
                if positives:
                    among = torch.stack(list(logits.values())).exp().sum().log()
                    total = total + sum(among - logits[j] for j in positives) / len(positives)
                    number += 1
            halves.append(total / max(number, 1))
        losses.append(sum(halves) / len(halves))
    return float(sum(losses) / len(losses)), counts


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_step_is_what_the_rules_say_by_hand(objective: str) -> None:
    """Kinds, presence, words once a clip, mining in both directions, means over directions and pairs of streams."""
    with torch.no_grad():
        expected, counts = by_hand(objective)
    found = loss_and_gradients(objective, ALONE)
    assert float(found["loss"]) == pytest.approx(expected, rel=1e-7), "up to a temperature in float32"
    assert found["counts"].tolist() == [counts[kind] for kind in PairKind if kind != PairKind.NONE]


def test_a_batch_without_any_valid_negative_has_no_loss() -> None:
    """Windows of one take only: there is nothing to keep apart."""
    facts = ClipFacts(np.zeros(16, np.int64), np.zeros(16, np.int64), np.full(16, 4000))
    plan = dataclasses.replace(planned(), facts=facts, mix={"positive": 1, "other_emotion": 1})
    model = build("infonce")
    batch = batch_of(ALONE, plan, drawn=False)
    rules = PairRules(None, frozenset(), {}, frozenset())
    encoded = encode(model, batch, object.__new__(ClipTable), ALONE, torch.autocast("cpu", enabled=False))
    result = step_loss(model, encoded, batch, rules, ALONE)
    assert result.loss is None
    assert result.counts[PairKind.POSITIVE] > 0
    assert sum(result.counts.values()) == result.counts[PairKind.POSITIVE]
