"""What happens when a plugin's modules are imported, watched in a process of its own."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from fusion.catalog import KINDS, Catalog
from fusion.contract import ENTRY_POINTS
from fusion.testing.kit import Bench, Fault

#: Packages that take long to import; neither listing plugins nor reading a config may do so.
HEAVY = ("torch", "torchvision", "torchaudio", "transformers", "cv2", "av", "pydantic", "scipy", "sklearn", "pandas")
#: Seconds after which an import counts as work.
LIMIT = 120

_SCRIPT = """
import importlib, json, os, random, sys

heavy, modules, own = json.loads(sys.stdin.read())
deeds = []


def ours():
    # Whose code is it? That of the nearest module being imported, or of the plugin's functions before that.
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.partition(".")[0] in own:
            return True
        if frame.f_code.co_name == "<module>":
            return False
        frame = frame.f_back
    return False


def watch(event, arguments):
    if event == "socket.connect" and ours():
        deeds.append(f"opens a connection to {arguments[1]}")
    elif event in ("subprocess.Popen", "os.system", "os.posix_spawn", "os.fork") and ours():
        deeds.append("starts a process")
    elif event == "open" and isinstance(arguments[0], str) and isinstance(arguments[2], int):
        if arguments[2] & (os.O_WRONLY | os.O_RDWR) and "__pycache__" not in arguments[0] and ours():
            deeds.append(f"writes {arguments[0]}")


def states():
    found = {"random": random.getstate()}
    numpy, torch = (sys.modules.get(name) for name in ("numpy", "torch"))
    if hasattr(numpy, "random"):
        name, keys, *rest = numpy.random.get_state()
        found["numpy.random"] = (name, keys.tobytes(), *rest)
    if hasattr(torch, "random"):
        found["torch"] = torch.random.get_rng_state().tolist()
    return found


sys.addaudithook(watch)
report = {}
for module in modules:
    deeds.clear()
    before, known, error = set(sys.modules), states(), None
    try:
        importlib.import_module(module)
    except BaseException as raised:
        error = f"{type(raised).__name__}: {' '.join(str(raised).split())}"
    after = states()
    changed = [f"changes the global state of {name}" for name in known if known[name] != after[name]]
    loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
    report[module] = {"error": error, "deeds": deeds[:3] + changed, "heavy": sorted(loaded & set(heavy))}
print("\\n" + json.dumps(report))
"""


@dataclass(frozen=True)
class Imported:
    """What importing one module did.

    Args:
        error: What it raised.
        deeds: What it did besides, as clauses ("writes /tmp/x").
        heavy: Heavy packages that came with it.
    """

    error: str | None
    deeds: tuple[str, ...]
    heavy: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """Of one plugin: its own module, and by module of its components what importing it did."""

    plugin: str
    modules: Mapping[str, Imported]


def imports_of(plugin: str, bench: Bench) -> Report:
    """Import a plugin's modules in a process of its own: its own first, then options, then all else; once a plugin.

    Raises:
        Fault: The process ends, or takes longer than LIMIT seconds.
    """
    key = ("imports", plugin)
    if key not in bench.kept:
        bench.kept[key] = _watched(plugin, bench.catalog)
    report: Report | Fault = bench.kept[key]
    if isinstance(report, Fault):
        raise report
    return report


def _watched(plugin: str, catalog: Catalog) -> Report | Fault:
    registrations = [found for kind in KINDS for found in catalog.registrations(kind) if found.plugin == plugin]
    module = _module_of(plugin)
    options = [found.options for found in registrations]
    others = [path for found in registrations for path in (found.target, found.examples)]
    paths = [*([module] if module else []), *(path.partition(":")[0] for path in [*options, *others] if path)]
    modules = list(dict.fromkeys(paths))
    own = sorted({name.partition(".")[0] for name in modules})
    # What the process finds is what this one finds; variables that tests set for themselves do not matter to imports.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter, on the plugin that is asked about
            [sys.executable, "-c", _SCRIPT], input=json.dumps([HEAVY, modules, own]), env=environment,
            capture_output=True, text=True, check=False, timeout=LIMIT,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Fault(f"importing the modules of plugin '{plugin}' takes longer than {LIMIT} s")
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return Fault(f"importing the modules of plugin '{plugin}' ends the process: {last}")
    content = json.loads(done.stdout.splitlines()[-1])
    found = {
        name: Imported(values["error"], tuple(values["deeds"]), tuple(values["heavy"]))
        for name, values in content.items()
    }
    return Report(module, found)


def _module_of(plugin: str) -> str:
    """The module of an installed plugin; empty where it is not installed."""
    points = importlib.metadata.entry_points(group=ENTRY_POINTS, name=plugin)
    return next((point.module for point in points), "")
