"""Several processes for one command: started, watched and ended together.

Light: what starts and watches them imports nothing that they need.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Any, NoReturn

from fusion.contract.errors import FusionError
from fusion.training.launched import LAUNCHER, LOST

OPTION = "--processes"

#: Seconds between two looks at the processes.
_EVERY = 0.05
#: Seconds that the others have, once one has failed, to notice and to leave in good order; and then to be terminated.
_NOTICE, _TERMINATE = 5.0, 10.0
#: Lines of a process's complaints that are shown where it says nothing for people.
_LINES = 40
#: How an error reaches people (``fusion.cli.app``).
_SENTENCE = "fusion: "


class ProcessEndedError(FusionError):
    """One of several processes ended before its work was done."""

    exit_code = LOST


def launch(processes: int, arguments: Sequence[str]) -> NoReturn:
    """Run this program's command in several processes of this machine, and leave as they do.

    The first one's output is this program's; the others are silent. When one fails, the others are ended too.

    Args:
        processes: How many.
        arguments: The command line without the program's name; ``--processes`` in it is left out.

    Raises:
        ProcessEndedError: A process was killed, or ended without a sentence of its own.
        FusionError: This is one of several processes already.
    """
    if _one_of_several():
        raise FusionError(
            "this is one of several processes already (WORLD_SIZE is set)",
            where=OPTION,
            remedy="leave it to whatever starts them, such as torchrun",
        )
    with ExitStack() as kept:
        complaints = [kept.enter_context(TemporaryFile()) for _ in range(1, processes)]
        failed = _run(_without_option(arguments), [None, *complaints])
        if failed is None:
            sys.exit(0)
        _explain(failed, processes)


def _run(arguments: Sequence[str], complaints: Sequence[IO[bytes] | None]) -> _Worker | None:
    """A process for each place to complain to (None: where this one does); answers the one whose failure it was."""
    reader, writer = os.pipe()
    environment = _environment(len(complaints), reader)
    workers: list[_Worker] = []
    try:
        with _ended_by_signals():
            for rank, place in enumerate(complaints):
                workers.append(_start(rank, arguments, environment, reader, place))
            return _watch(workers)
    except KeyboardInterrupt:
        _end(workers, signal.SIGINT)
        raise
    finally:
        _end(workers, signal.SIGTERM)
        os.close(reader)
        os.close(writer)


@contextmanager
def taking_part() -> Iterator[None]:
    """Join the command's other processes, where there are any; all but the first fall silent."""
    if not _one_of_several():
        yield
        return
    from fusion.cli.console import err, out
    from fusion.training.processes import joined

    with joined() as world:
        out.quiet = err.quiet = not world.first
        yield


@dataclass
class _Worker:
    """A process that was started; what it complains of is kept unless it is the first, whose words are ours."""

    rank: int
    process: subprocess.Popen[bytes]
    complaints: IO[bytes] | None

    @property
    def failed(self) -> bool:
        return self.process.poll() not in (None, 0)

    @property
    def killed(self) -> bool:
        return (self.process.poll() or 0) < 0

    @property
    def at_fault(self) -> bool:
        """Whether it failed by itself rather than because another one did."""
        return self.failed and self.process.returncode != LOST

    @property
    def spoke(self) -> bool:
        """Whether it has said why it failed, where people see it."""
        return self.rank == 0 and self.at_fault and not self.killed


def _one_of_several() -> bool:
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def _start(
    rank: int, arguments: Sequence[str], environment: Mapping[str, str], reader: int, complaints: IO[bytes] | None
) -> _Worker:
    return _Worker(
        rank,
        subprocess.Popen(  # noqa: S603
            # -P: a folder here that is called fusion is not this program
            [sys.executable, "-P", "-m", "fusion", *arguments],
            env={**environment, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdin=None if rank == 0 else subprocess.DEVNULL,
            stdout=None if rank == 0 else subprocess.DEVNULL,
            stderr=complaints,
            pass_fds=[reader],
            # Ctrl-C is for this process, which ends the others in good order.
            start_new_session=True,
        ),
        complaints,
    )


def _environment(processes: int, reader: int) -> dict[str, str]:
    """What torchrun sets too; and threads such that the processes do not stand in each other's way."""
    defaults = {"OMP_NUM_THREADS": str(max(1, _cores() // processes))}
    if sys.platform == "linux":
        # All are on this machine, whatever its name resolves to.
        defaults["GLOO_SOCKET_IFNAME"] = "lo"
    return {
        **defaults,
        **os.environ,
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(_free_port()),
        LAUNCHER: str(reader),
    }


def _cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def _without_option(arguments: Sequence[str]) -> list[str]:
    kept: list[str] = []
    given = iter(arguments)
    for argument in given:
        if argument == OPTION:
            next(given, None)
        elif not argument.startswith(f"{OPTION}="):
            kept.append(argument)
    return kept


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """A request to end this process ends the others first."""

    def leave(number: int, frame: Any) -> NoReturn:
        del frame
        sys.exit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(workers: Sequence[_Worker]) -> _Worker | None:
    """Wait for all to end, or for one to fail; answers the one whose failure it was."""
    while not any(worker.failed for worker in workers):
        if all(worker.process.poll() == 0 for worker in workers):
            return None
        time.sleep(_EVERY)
    killed = next((worker for worker in workers if worker.killed), None)
    _wait(workers, _NOTICE)
    ended = [worker for worker in workers if worker.failed]
    # Where a setting is wrong, all fail alike, and the first one has told people already.
    spoke = next((worker for worker in ended if worker.spoke), None)
    return killed or spoke or next((worker for worker in ended if worker.at_fault), ended[0])


def _wait(workers: Sequence[_Worker], seconds: float) -> bool:
    """Whether all have ended in time."""
    deadline = time.monotonic() + seconds
    while any(worker.process.poll() is None for worker in workers):
        if time.monotonic() > deadline:
            return False
        time.sleep(_EVERY)
    return True


def _end(workers: Sequence[_Worker], number: signal.Signals) -> None:
    """End those that still run: first by asking."""
    running = [worker for worker in workers if worker.process.poll() is None]
    for worker in running:
        worker.process.send_signal(number)
    if not _wait(running, _TERMINATE):
        for worker in running:
            worker.process.kill()
        for worker in running:
            worker.process.wait()
    if running and sys.stderr.isatty():
        # A progress bar that is ended by force leaves the cursor hidden.
        sys.stderr.write("\x1b[?25h")


def _explain(worker: _Worker, processes: int) -> NoReturn:
    """Leave with the failed process's exit code after its own sentence, or with a sentence about it."""
    code = worker.process.returncode
    if worker.spoke:
        sys.exit(code)
    said = _complaints(worker)
    if said:
        sys.stderr.write(said)
        if said.startswith(_SENTENCE):
            sys.exit(code)
    if code < 0:
        how = f"was ended by signal {-code} ({_name(-code)})"
    elif code == LOST:
        how = "has lost the others"
    else:
        how = f"ended with exit status {code}"
    raise ProcessEndedError(
        f"process {worker.rank + 1} of {processes} {how}", remedy="give the same command again to go on"
    )


def _complaints(worker: _Worker) -> str:
    """The sentence that a failed process has left for people; without one, the end of what it wrote."""
    if worker.complaints is None or worker.killed or not worker.at_fault:
        return ""
    worker.complaints.seek(0)
    lines = worker.complaints.read().decode(errors="replace").splitlines(keepends=True)
    starts = [place for place, line in enumerate(lines) if line.startswith(_SENTENCE)]
    return "".join(lines[starts[-1] :] if starts else lines[-_LINES:])


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
