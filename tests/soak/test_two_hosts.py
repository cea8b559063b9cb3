"""Two hosts, as two network namespaces that have nothing but a cable between them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fusion.training.run import Record
from tests.training.at_work import RUN
from tests.training.conftest import at_work
from tests.training.test_killing import compare

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


def test_two_hosts_train_what_two_processes_train(at_work: Path, hosts: tuple[str, str], tmp_path: Path) -> None:
    config = at_work / "world" / "configs" / "tiny.yaml"
    nodes = []
    for rank, host in enumerate(hosts):
        torchrun = ["-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1", "--node-rank", str(rank)]
        meeting = ["--master-addr", ADDRESSES[0], "--master-port", "29511"]
        program = ["-m", "fusion", "finetune", str(config), *RUN, "streams.words=null"]
        environment = {
            **os.environ,
            "FUSION_RUNS": str(tmp_path / "runs"),
            "FUSION_STORE": str(at_work / "world" / "store"),
            "GLOO_SOCKET_IFNAME": "cable",
            "OMP_NUM_THREADS": "1",
        }
        command = ["ip", "netns", "exec", host, sys.executable, *torchrun, *meeting, *program]
        with (tmp_path / f"{rank}.txt").open("w") as said:
            nodes.append(subprocess.Popen(command, env=environment, stdout=said, stderr=subprocess.STDOUT))
    try:
        codes = [node.wait(PATIENCE) for node in nodes]
    finally:
        for node in nodes:
            node.kill()
            node.wait()
    said = [(tmp_path / f"{rank}.txt").read_text() for rank in (0, 1)]
    assert codes == [0, 0], "\n".join(said)
    (run,) = (tmp_path / "runs").glob("tiny/finetune-*")
    assert Record(run).read()["status"] == "finished"
    assert "run: " in said[0]
    assert "finetune" not in said[1], "the second host spoke"
    compare(at_work / "run", run)
