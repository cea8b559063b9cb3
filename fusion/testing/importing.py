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
import importlib.util, json, os, random, sys

heavy, files, jobs = json.loads(sys.stdin.read())
deeds, own = [], []


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


def load(module):
    # A plugin in one file is found by its path: its folder is not searched.
    if module not in files or module in sys.modules:
        return importlib.import_module(module)
    spec = importlib.util.spec_from_file_location(module, files[module])
    sys.modules[module] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[module])


def watched(modules):
    report = {}
    for module in modules:
        deeds.clear()
        before, known, error = set(sys.modules), states(), None
        try:
            load(module)
        except BaseException as raised:
            error = f"{type(raised).__name__}: {' '.join(str(raised).split())}"
        after = states()
        changed = [f"changes the global state of {name}" for name in known if known[name] != after[name]]
        loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
        report[module] = {"error": error, "deeds": deeds[:3] + changed, "heavy": sorted(loaded & set(heavy))}
    return report


def told(plugin, modules, alone):
    # Each plugin's modules are imported in a process of their own; where one is asked about, this is it.
    if alone or not os.fork():
        own[:] = {name.partition(".")[0] for name in modules}
        print("\\n" + json.dumps([plugin, watched(modules)]), flush=True)
        if not alone:
            os._exit(0)
    else:
        os.wait()


sys.addaudithook(watch)
alone = len(jobs) == 1 or not hasattr(os, "fork")
for plugin, light, _ in jobs:
    told(plugin, light, alone)
if not alone:
    import torch  # once for all that follow
for plugin, _, rest in jobs:
    told(plugin, rest, alone)
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
    """What importing a plugin's modules does: its own and those of options first, then all else.

    They are imported in a process of their own, once; the bench's other plugins with them.

    Raises:
        Fault: The process ends, or takes longer than LIMIT seconds.
    """
    if plugin not in bench.imports:
        watched = sorted({subject.registration.plugin for subject in bench.subjects} | {plugin})
        bench.imports.update(_watched([name for name in watched if name not in bench.imports], bench.catalog))
    report: Report | Fault = bench.imports[plugin]
    if isinstance(report, Fault):
        raise report
    return report


def _watched(plugins: list[str], catalog: Catalog) -> dict[str, Report | Fault]:
    jobs = {plugin: _modules(plugin, catalog) for plugin in plugins}
    # What the process finds is what this one finds.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    files = {file.name: str(file.path.absolute()) for file in catalog.files}
    given = json.dumps([HEAVY, files, [[plugin, *modules] for plugin, modules in jobs.items()]])
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter, on the plugins that are asked about
            [sys.executable, "-c", _SCRIPT], input=given, env=environment, capture_output=True, text=True, check=False,
            timeout=LIMIT,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return dict.fromkeys(plugins, Fault(f"importing its plugin's modules takes longer than {LIMIT} s"))
    found: dict[str, dict[str, Imported]] = {plugin: {} for plugin in plugins}
    for line in done.stdout.splitlines():
        if line.startswith("["):
            plugin, report = json.loads(line)
            for name, values in report.items():
                found[plugin][name] = Imported(values["error"], tuple(values["deeds"]), tuple(values["heavy"]))
    reports: dict[str, Report | Fault] = {}
    for plugin, (light, rest) in jobs.items():
        if found[plugin].keys() >= {*light, *rest}:
            reports[plugin] = Report(_module_of(plugin), found[plugin])
        else:
            last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
            reports[plugin] = Fault(f"importing its plugin's modules ends the process: {last}")
    return reports


def _modules(plugin: str, catalog: Catalog) -> tuple[list[str], list[str]]:
    """A plugin's own module with those of options, and all others."""
    registrations = [found for kind in KINDS for found in catalog.registrations(kind) if found.plugin == plugin]
    own = [f"{_module_of(plugin)}:"] if _module_of(plugin) else []
    paths = [*own, *(found.options for found in registrations)]
    light = dict.fromkeys(path.partition(":")[0] for path in paths if path)
    others = [path for found in registrations for path in (found.target, found.examples)]
    rest = dict.fromkeys(path.partition(":")[0] for path in others if path)
    return list(light), [module for module in rest if module not in light]


def _module_of(plugin: str) -> str:
    """The module of an installed plugin; empty where it is not installed."""
    points = importlib.metadata.entry_points(group=ENTRY_POINTS, name=plugin)
    return next((point.module for point in points), "")
