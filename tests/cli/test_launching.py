"""The launcher, with programs in place of the real one that fail in every way; real training is killed elsewhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.light

#: The program that is launched does what its environment says for each rank.
PROGRAM = """
import json, os, signal, sys, time
from pathlib import Path
rank = os.environ["RANK"]
names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "OMP_NUM_THREADS")
note = {"arguments": sys.argv[1:], "pid": os.getpid(), **{name: os.environ.get(name) for name in names}}
Path(os.environ["NOTES"], rank + ".part").write_text(json.dumps(note))
Path(os.environ["NOTES"], rank + ".part").rename(Path(os.environ["NOTES"], rank))
print("out", rank, flush=True)
exec(json.loads(os.environ["DEEDS"])[int(rank)])
"""
#: As the program's own main, with less patience.
DRIVER = """
import os, sys
from fusion.cli import launching
from fusion.contract.errors import FusionError
os.environ["PYTHONPATH"] = os.environ["INSTEAD"]
launching._NOTICE, launching._TERMINATE = 1.0, 1.0
try:
    launching.launch(int(sys.argv[1]), sys.argv[2:])
except FusionError as error:
    print(f"fusion: {error}", file=sys.stderr)
    sys.exit(error.exit_code)
"""
WAIT = "time.sleep(60)"
LOST = f"time.sleep(0.3); sys.exit({os.EX_TEMPFAIL})"
AGAIN = "give the same command again to go on"


def say(sentence: str, code: int) -> str:
    return f"print('a warning', file=sys.stderr); print('fusion: {sentence}', file=sys.stderr); sys.exit({code})"


class Launched:
    """A launcher at work on programs that do these deeds."""

    def __init__(self, folder: Path, deeds: list[str], *arguments: str, **environment: str) -> None:
        package, self.notes = folder / "instead" / "fusion", folder / "notes"
        package.mkdir(parents=True)
        self.notes.mkdir()
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(PROGRAM)
        self.count = len(deeds)
        own = {"INSTEAD": str(package.parent), "NOTES": str(self.notes), "DEEDS": json.dumps(deeds)}
        kept = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(self.count), *arguments],
            env={**kept, **own, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ended(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err

    def note(self, rank: int) -> dict[str, object]:
        deadline = time.monotonic() + 20
        while not (self.notes / str(rank)).exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        found: dict[str, object] = json.loads((self.notes / str(rank)).read_text())
        return found

    def gone(self) -> bool:
        pids = [int(str(self.note(rank)["pid"])) for rank in range(self.count)]
        return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_the_first_one_speaks_and_all_know_their_place(tmp_path: Path) -> None:
    words = ["finetune", "--processes", "2", "a.yaml", "x=--processes=3"]
    launched = Launched(tmp_path, ["pass"] * 2, *words, "--processes=2")
    assert launched.ended() == (0, "out 0\n", "")
    for rank in (0, 1):
        note = launched.note(rank)
        assert note["arguments"] == ["finetune", "a.yaml", "x=--processes=3"]
        assert (note["RANK"], note["LOCAL_RANK"]) == (str(rank), str(rank))
        assert (note["WORLD_SIZE"], note["LOCAL_WORLD_SIZE"], note["MASTER_ADDR"]) == ("2", "2", "127.0.0.1")
        assert note["OMP_NUM_THREADS"] == str(max(1, len(os.sched_getaffinity(0)) // 2))
    assert launched.note(0)["MASTER_PORT"] == launched.note(1)["MASTER_PORT"]


def test_threads_stay_as_they_were_set(tmp_path: Path) -> None:
    launched = Launched(tmp_path, ["pass"] * 2, OMP_NUM_THREADS="7")
    assert launched.ended()[0] == 0
    assert launched.note(1)["OMP_NUM_THREADS"] == "7"


KILL = "os.kill(os.getpid(), signal.SIGKILL)"
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN); " + WAIT


@pytest.mark.parametrize(
    ("deeds", "code", "said"),
    [
        ([WAIT, KILL], 75, f"fusion: process 2 of 2 was ended by signal 9 (SIGKILL); {AGAIN}\n"),
        ([KILL, LOST, WAIT], 75, f"fusion: process 1 of 3 was ended by signal 9 (SIGKILL); {AGAIN}\n"),
        ([DEAF, KILL], 75, f"fusion: process 2 of 2 was ended by signal 9 (SIGKILL); {AGAIN}\n"),
        ([LOST, say("b.yaml: no", 65)], 65, "fusion: b.yaml: no\n"),
        ([say("b.yaml: no", 65), LOST], 65, "a warning\nfusion: b.yaml: no\n"),
        ([f"time.sleep(0.2); {say('b.yaml: no', 65)}", say("b.yaml: no", 65)], 65, "a warning\nfusion: b.yaml: no\n"),
        ([LOST, "sys.exit(3)"], 75, f"fusion: process 2 of 2 ended with exit status 3; {AGAIN}\n"),
        ([LOST, LOST], 75, f"fusion: process 1 of 2 has lost the others; {AGAIN}\n"),
    ],
    ids=["killed", "the first killed", "deaf", "other", "first", "alike", "silent", "lost"],
)
def test_a_failure_is_told_once_and_ends_all(tmp_path: Path, deeds: list[str], code: int, said: str) -> None:
    launched = Launched(tmp_path, deeds)
    assert launched.ended() == (code, "out 0\n", said)
    assert launched.gone()


def test_a_mistake_in_the_program_is_shown(tmp_path: Path) -> None:
    code, _, said = Launched(tmp_path, [LOST, "1 / 0"]).ended()
    assert "ZeroDivisionError" in said
    assert said.endswith(f"fusion: process 2 of 2 ended with exit status 1; {AGAIN}\n")
    assert code == 75


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_what_ends_the_launcher_ends_all(tmp_path: Path, number: signal.Signals, code: int) -> None:
    launched = Launched(tmp_path, [f"signal.signal(signal.SIGINT, signal.SIG_DFL); {WAIT}"] * 2)
    launched.note(0), launched.note(1)
    launched.process.send_signal(number)
    assert launched.ended()[0] == code
    assert launched.gone()


def test_among_several_none_launches_more(tmp_path: Path) -> None:
    code, _, said = Launched(tmp_path, ["pass"] * 2, WORLD_SIZE="2").ended()
    assert code == 1
    assert said.startswith("fusion: --processes: this is one of several processes already (WORLD_SIZE is set); leave")


def test_launching_loads_nothing_heavy() -> None:
    code = "import sys, fusion.cli.launching; print(*{'torch', 'numpy', 'pydantic', 'rich'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_the_real_program_is_told_apart_from_a_folder_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "fusion").mkdir()
    (tmp_path / "fusion" / "__main__.py").write_text("print('somebody else')")
    code = "from fusion.cli.launching import launch; launch(2, ['--version'])"
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("fusion ")
    assert done.stdout.count("\n") == 1
