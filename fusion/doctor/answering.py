"""The other side of ``fusion.doctor.probing``: answers one question into a descriptor, as JSON."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: What clips usually come in, and what the generated ones are written with.
READ = ("h264", "hevc", "mpeg4", "vp8", "vp9", "av1", "mjpeg", "aac", "mp3", "opus", "vorbis", "flac", "pcm_s16le")
WRITTEN = ("libx264", "aac")


def plugin(name: str) -> dict[str, Any]:
    """The state of one installed plugin, loaded with the engine alone."""
    from fusion.catalog.discovery import Choice, discover

    found = discover(Choice(frozenset({"engine", name}), Choice.from_environment().blocked))
    return dataclasses.asdict(next(state for state in found.plugins if state.name == name))


def file(path: str) -> dict[str, Any]:
    """The state of a single-file plugin; its failure stands in ``error``."""
    from fusion.catalog.discovery import Choice, PluginState, discover
    from fusion.catalog.single_files import read_plugin_file
    from fusion.contract import FusionError

    try:
        found = discover(Choice(frozenset({"engine"})), [read_plugin_file(Path(path))])
    except FusionError as error:
        return dataclasses.asdict(PluginState(Path(path).stem, "", path, {}, "failed", str(error)))
    return dataclasses.asdict(found.plugins[-1])


def module(name: str) -> str:
    """Import a module; answers its version."""
    import importlib

    return str(getattr(importlib.import_module(name), "__version__", ""))


def devices() -> dict[str, Any]:
    """What torch can compute on."""
    import torch

    cuda = [
        {
            "name": torch.cuda.get_device_name(place),
            "gigabytes": round(torch.cuda.get_device_properties(place).total_memory / 2**30, 1),
            "bfloat16": torch.cuda.get_device_capability(place) >= (8, 0),
        }
        for place in range(torch.cuda.device_count())
    ]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"cuda": cuda, "mps": torch.backends.mps.is_available(), "cores": cores, "threads": torch.get_num_threads()}


def codecs() -> dict[str, Any]:
    """Which codecs PyAV's build can read and write."""
    import av

    def has(name: str, mode: Any) -> bool:
        try:
            av.Codec(name, mode)
        except av.error.FFmpegError:
            return False
        return True

    return {
        "library": ".".join(str(part) for part in av.library_versions["libavcodec"]),
        "read": {name: has(name, "r") for name in READ},
        "written": {name: has(name, "w") for name in WRITTEN},
    }


_QUESTIONS: dict[str, Callable[..., Any]] = {
    "plugin": plugin, "file": file, "module": module, "devices": devices, "codecs": codecs,
}  # fmt: skip


def main(descriptor: str, question: str, *arguments: str) -> None:
    """Answer; what raises leaves the process with a traceback and no answer."""
    answer = json.dumps(_QUESTIONS[question](*arguments))
    os.write(int(descriptor), answer.encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
