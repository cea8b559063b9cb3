"""Plugins that are one Python file, named on a command line: loaded only where somebody asks for them."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from fusion.contract.errors import ComponentError, InputMissing

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class PluginFile:
    """A plugin in one file, as it was when it was read.

    Args:
        path: As it was given.
        sha256: Of its content, hexadecimal.
        source: Its content.
    """

    path: Path
    sha256: str
    source: bytes

    @property
    def name(self) -> str:
        """Of the plugin, and of the module that it becomes."""
        return self.path.stem

    @property
    def version(self) -> str:
        """The beginning of its hash stands where distributions have a version."""
        return self.sha256[:12]


def read_plugin_file(path: Path) -> PluginFile:
    """Read a file that is to be a plugin; nothing of it is run.

    Raises:
        InputMissing: There is no such file.
        ComponentError: It cannot be read, or its name is none that a module can have.
    """
    where = str(path)
    if not path.is_file():
        what = "is a folder; a plugin is one file here" if path.is_dir() else "does not exist"
        raise InputMissing(what, where=where, remedy="name a Python file, or install the package")
    if path.suffix != ".py" or not _NAME.fullmatch(path.stem):
        raise ComponentError(
            "its name is none of a plugin", where=where, remedy="call it by lower case letters, digits, _ and .py"
        )
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ComponentError(f"cannot be read ({error.strerror})", where=where) from error
    return PluginFile(path, hashlib.sha256(source).hexdigest(), source)


def import_plugin_file(file: PluginFile) -> ModuleType:
    """Run the file as a top-level module of its name; its folder is not searched for other modules.

    Raises:
        ComponentError: Another module has the name. Whatever the file raises is passed on.
    """
    loaded = sys.modules.get(file.name)
    spec = importlib.util.spec_from_file_location(file.name, file.path.absolute())
    assert spec is not None
    if loaded is not None and _is(loaded.__file__, file.path):
        return loaded
    other = None if loaded is not None else importlib.util.find_spec(file.name)
    if loaded is not None or (other is not None and not _is(other.origin, file.path)):
        raise ComponentError(f"there is another module called '{file.name}'", remedy="rename the file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.name] = module
    try:
        # What runs is what was hashed, not what the file may hold by now.
        exec(compile(file.source, str(file.path), "exec"), module.__dict__)  # noqa: S102
    except BaseException:
        del sys.modules[file.name]
        raise
    return module


def _is(origin: str | None, path: Path) -> bool:
    return origin is not None and Path(origin).resolve() == path.resolve()


def described(files: Iterable[PluginFile]) -> dict[str, dict[str, str]]:
    """What a run or model records of the files that it needs."""
    return {file.path.name: {"path": str(file.path), "sha256": file.sha256} for file in files}


def require_files(needed: Mapping[str, Mapping[str, str]], given: Sequence[PluginFile], where: str) -> None:
    """Refuse to go on without a file that a run or model needs.

    Args:
        needed: As ``described`` recorded it.
        given: The files of this process.
        where: The run or model, for the message.

    Raises:
        ComponentError: One is not there; the remedy is the option to add.
    """
    names = {file.path.name for file in given}
    missing = {name: record["path"] for name, record in needed.items() if name not in names}
    if missing:
        raise ComponentError(
            f"was made with the single-file plugin {' and '.join(missing)}, which was not given",
            where=where,
            remedy=f"add {' '.join(f'--plugin {path}' for path in missing.values())}",
        )


def changed_files(needed: Mapping[str, Mapping[str, str]], given: Sequence[PluginFile]) -> list[str]:
    """A sentence for each file whose content is another one than a run or model recorded."""
    return [
        f"{file.path.name} has changed since: it was {needed[file.path.name]['sha256'][:12]}, and is {file.version}"
        for file in given
        if file.path.name in needed and needed[file.path.name]["sha256"] != file.sha256
    ]
