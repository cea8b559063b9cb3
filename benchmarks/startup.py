"""Start-up figures: what importing the engine and listing commands or plugins costs.

    python benchmarks/startup.py

Every round starts each command once in a fresh process, so that all see the same machine; medians of ten rounds after
one that warms the disk's cache and writes the bytecode, as an installed package has it (into a folder of its own).
Writes benchmarks/startup.md and ends with 1 where a limit is passed.
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 10
IMPORT_LIMIT = 60.0
ABOVE_LIMIT = 150.0

_INSIDE = "import time; start = time.perf_counter(); {}; print((time.perf_counter() - start) * 1000)"
_MAIN = "from fusion.cli.app import main; main({})"

#: Whole processes, by row.
COMMANDS = {
    "nothing": "pass",
    "import pluggy, typer, rich": "import pluggy, typer, rich",
    "fusion --help": _MAIN.format(["--help"]),
    "fusion plugins list": _MAIN.format(["plugins", "list"]),
}


def output_of(code: str) -> str:
    """What a fresh process prints."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def whole(code: str) -> tuple[float, float]:
    """Milliseconds of a fresh process, by the clock and of the processor."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    output_of(code)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (time.perf_counter() - start) * 1000, processor * 1000


def inside(code: str) -> float:
    """Milliseconds that a statement takes in a fresh process, Python's own start left out."""
    return float(output_of(_INSIDE.format(code)))


def loads_heavy(code: str) -> list[str]:
    """Which of torch and pydantic a command loads."""
    silent = (
        "import sys, contextlib, io\nwith contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):"
    )
    return output_of(f"{silent}\n    {code}\nprint(*[n for n in ('torch', 'pydantic') if n in sys.modules])").split()


def main() -> None:
    """Measure with bytecode in a folder of its own, so that the figures do not depend on who ran before."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        page, passed = measured()
    Path(__file__).with_suffix(".md").write_text(page, encoding="utf-8")
    print(page)
    sys.exit(0 if passed else 1)


def measured() -> tuple[str, bool]:
    """The page, and whether every limit is kept."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    imports: list[float] = []
    for number in range(ROUNDS + 1):
        row = {name: whole(code) for name, code in COMMANDS.items()}
        imported = inside("import fusion")
        if number:
            imports.append(imported)
            for name, value in row.items():
                times[name].append(value)
    base, base_processor = _medians(times["import pluggy, typer, rich"])
    lines = [
        "# Start-up",
        "",
        f"`python benchmarks/startup.py`: "
        f"{platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}; "
        f"medians of {ROUNDS}, every round one fresh process of each row. The machine's load was "
        f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} processors: limits are meant for one that is otherwise idle.",
        "",
        "| row | ms | above pluggy, typer and rich | limit | processor ms | above | loads torch or pydantic |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
        f"| `import fusion` (inside the process) | {statistics.median(imports):.1f} |  | {IMPORT_LIMIT:.0f} |  |  | "
        f"{', '.join(loads_heavy('import fusion')) or 'no'} |",
    ]
    passed = statistics.median(imports) <= IMPORT_LIMIT and not loads_heavy("import fusion")
    for name, code in COMMANDS.items():
        median, processor = _medians(times[name])
        if name.startswith("fusion"):
            heavy = loads_heavy(code)
            lines.append(
                f"| `{name}` | {median:.0f} | {median - base:.0f} | {ABOVE_LIMIT:.0f} | {processor:.0f} | "
                f"{processor - base_processor:.0f} | {', '.join(heavy) or 'no'} |"
            )
            passed = passed and median - base <= ABOVE_LIMIT and not heavy
        else:
            lines.append(f"| {name} | {median:.0f} |  |  | {processor:.0f} |  |  |")
    return "\n".join(lines) + "\n", passed


def _medians(rounds: list[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(wall for wall, _ in rounds), statistics.median(processor for _, processor in rounds)


if __name__ == "__main__":
    main()
