"""Looking at what may hang, crash or print: each in a process of its own, with a time limit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any

#: Most of what a probed process printed that is shown.
_SHOWN = 120


@dataclass(frozen=True)
class Probed:
    """What came of a process.

    Args:
        answer: What it answered; None where it gave no answer.
        failure: Why not: it hung, was killed by a signal, or left.
        printed: Whether it wrote to standard output or standard error.
    """

    answer: Any = None
    failure: str | None = None
    printed: bool = False


def probe(question: str, arguments: Sequence[str] = (), *, seconds: float) -> Probed:
    """Ask ``fusion.doctor.answering`` in a new process; it is killed, with its children, after ``seconds``."""
    with TemporaryFile() as place, TemporaryFile() as out, TemporaryFile() as err:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [
                sys.executable,
                "-P",  # as for the program fusion, modules of the working directory are not found
                "-W",
                "ignore",
                "-m",
                "fusion.doctor.answering",
                str(place.fileno()),
                question,
                *arguments,
            ],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            pass_fds=[place.fileno()],
            start_new_session=True,
        )
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            return Probed(
                failure=f"does not come to an end within {seconds:g} s", printed=_length(out) + _length(err) > 0
            )
        finally:
            _kill_session(process)
        place.seek(0)
        try:
            answer = json.load(place)
        except ValueError:
            return Probed(failure=_left(process.returncode, _last_line(err)), printed=_length(out) + _length(err) > 0)
        return Probed(answer, printed=_length(out) + _length(err) > 0)


def _kill_session(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait()


def _left(code: int, said: str) -> str:
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return f"ends its process by {name}"
    return f"ends its process with exit status {code}" + (f" ({said})" if said and code else "")


def _last_line(file: Any) -> str:
    file.seek(0)
    lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[-1][:_SHOWN] if lines else ""


def _length(file: Any) -> int:
    return int(os.fstat(file.fileno()).st_size)
