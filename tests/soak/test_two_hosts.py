"""Two hosts, as two network namespaces that have nothing but a cable between them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fusion.inference.files import read_json
from fusion.training.run import Record
from tests.training.at_work import RUN
from tests.training.conftest import at_work
from tests.training.test_killing import compare
from tests.training.worlds import STREAMS

__all__ = ["at_work"]

pytestmark = pytest.mark.soak

PATIENCE = 180.0
ADDRESSES = ("10.213.7.1", "10.213.7.2")


def ip(*words: str) -> None:
    program = shutil.which("ip")
    assert program is not None
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False, timeout=20)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")


@pytest.fixture
def hosts() -> Iterator[tuple[str, str]]:
    """Names of two namespaces that reach each other by the interface ``cable``."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("network namespaces need root and iproute2")
    names = (f"avfusion-{os.getpid()}-0", f"avfusion-{os.getpid()}-1")
    try:
        try:
            for name in names:
                ip("netns", "add", name)
            ip("-n", names[0], "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", names[1])
            for name, address in zip(names, ADDRESSES, strict=True):
                ip("-n", name, "addr", "add", f"{address}/30", "dev", "cable")
                ip("-n", name, "link", "set", "cable", "up")
                ip("-n", name, "link", "set", "lo", "up")
        except OSError as error:
            pytest.skip(f"no network namespaces here: {error}")
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def run_on(hosts: tuple[str, str], work: Path, folder: Path, *words: str) -> Path:
    """A job on both hosts, as a person types it on each; the run, which the first host has told of."""
    nodes = []
    for rank, host in enumerate(hosts):
        torchrun = ["-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1", "--node-rank", str(rank)]
        meeting = ["--master-addr", ADDRESSES[0], "--master-port", "29511"]
        environment = {**environment_of(work, folder), "GLOO_SOCKET_IFNAME": "cable"}
        command = ["ip", "netns", "exec", host, sys.executable, *torchrun, *meeting, "-m", "fusion", *words]
        with (folder / f"{rank}.txt").open("w") as said:
            nodes.append(subprocess.Popen(command, env=environment, stdout=said, stderr=subprocess.STDOUT))
    try:
        codes = [node.wait(PATIENCE) for node in nodes]
    finally:
        for node in nodes:
            node.kill()
            node.wait()
    said = [(folder / f"{rank}.txt").read_text() for rank in (0, 1)]
    assert codes == [0, 0], "\n".join(said)
    assert "run: " in said[0]
    assert words[0] not in said[1], "the second host spoke"
    return finished_run(folder)


def environment_of(work: Path, folder: Path) -> dict[str, str]:
    own = {"FUSION_RUNS": str(folder / "runs"), "FUSION_STORE": str(work / "world" / "store"), "OMP_NUM_THREADS": "1"}
    return {**os.environ, **own}


def finished_run(folder: Path) -> Path:
    (run,) = (folder / "runs").glob("tiny/*")
    assert Record(run).read()["status"] == "finished"
    return run


def test_two_hosts_train_what_two_processes_train(at_work: Path, hosts: tuple[str, str], tmp_path: Path) -> None:
    config = at_work / "world" / "configs" / "tiny.yaml"
    run = run_on(hosts, at_work, tmp_path, "finetune", str(config), *RUN, "streams.words=null")
    compare(at_work / "run", run)


def test_two_hosts_pretrain_what_two_processes_pretrain(at_work: Path, hosts: tuple[str, str], tmp_path: Path) -> None:
    """All three streams, one of which some clips lack; dropout and augmentations on."""
    config = at_work / "world" / "configs" / "tiny.yaml"
    words = ["pretrain", str(config), "pretrain.batch=4", "pretrain.epochs=5", "pretrain.average=0.5"]
    apart, here = tmp_path / "apart", tmp_path / "here"
    apart.mkdir()
    run = run_on(hosts, at_work, apart, *words)
    alone = [sys.executable, "-m", "fusion", *words, "--processes", "2"]
    done = subprocess.run(
        alone, env=environment_of(at_work, here), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    other = finished_run(here)
    for name in ("best.safetensors", *(f"streams/{stream}/best.safetensors" for stream in STREAMS)):
        assert (run / "held_out" / name).read_bytes() == (other / "held_out" / name).read_bytes(), name
    assert read_json(run / "held_out" / "result.json") == read_json(other / "held_out" / "result.json")
