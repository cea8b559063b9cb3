"""Reading config files: safe YAML, with inheritance from other files at any place."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fusion.config.merging import merged
from fusion.contract.errors import ConfigError, InputMissing, Problem

INHERITS = "inherits"
#: Largest config file, in bytes: a config is written by hand.
LARGEST_CONFIG = 1_000_000


class _Loader(yaml.SafeLoader):
    """Safe YAML with the scalars of YAML 1.2: ``3e-3`` is a number, ``no``, ``1:30`` and dates are text.

    Keys given twice, and anchors (``&``, ``*``: small files that grow without bound), are errors.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.constructor.ConstructorError(None, None, "aliases are not allowed", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise yaml.constructor.ConstructorError(None, None, "a key is plain text", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag in {"tag:yaml.org,2002:null", "tag:yaml.org,2002:merge"}]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), "tTfF")
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), "-+0123456789")
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$|^[-+]?\.(?:inf|Inf|INF)$"),
    "-+0123456789.",
)


def parsed(text: str) -> Any:
    """One YAML document as plain values; raises ``yaml.YAMLError``."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader with fewer scalars


def read_mapping(path: Path) -> dict[str, Any]:
    """A config file with everything it inherits laid under it.

    ``inherits`` stands in any mapping and names a file or a list of files, relative to the file it is written in; the
    later ones are laid over the earlier ones, and the mapping's own keys over all.

    Args:
        path: The config file.

    Raises:
        InputMissing: There is no such file.
        ConfigError: A file is no YAML mapping, inherits from itself, or from a file that is not there or outside the
            config's own folder, its ``configs`` folder and the working directory.
    """
    path = Path(path)
    if not path.is_file():
        raise InputMissing("there is no such config", where=str(path), remedy="check the path")
    resolved = path.resolve()
    return _File(resolved, str(path), _roots(resolved)).read()


def configs_folder(path: Path) -> Path | None:
    """The nearest folder named ``configs`` above a file, if there is one."""
    return next((folder for folder in Path(path).resolve().parents if folder.name == "configs"), None)


def _roots(path: Path) -> tuple[Path, ...]:
    """The folders that inheritance may reach."""
    roots = [path.parent]
    configs = configs_folder(path)
    if configs is not None:
        roots.append(configs)
    if path.is_relative_to(Path.cwd()):
        roots.append(Path.cwd())
    return tuple(roots)


@dataclass(frozen=True)
class _File:
    """One file on the way through what it inherits.

    Args:
        path: The file, resolved.
        shown: How messages call it: the config's path, and the way from there.
        roots: The folders that inheritance may reach.
        above: The files that led here.
    """

    path: Path
    shown: str
    roots: tuple[Path, ...]
    above: tuple[Path, ...] = ()

    def read(self) -> dict[str, Any]:
        """The file's mapping with everything it inherits."""
        if self.path.stat().st_size > LARGEST_CONFIG:
            raise self._refused("", f"larger than {LARGEST_CONFIG:,} bytes: this is no config")
        try:
            content = parsed(self.path.read_text(encoding="utf-8-sig"))
        except UnicodeDecodeError as error:
            raise self._refused("", f"byte {error.start} is not UTF-8; save the file as UTF-8") from error
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f"line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
            message = str(getattr(error, "problem", None) or error).splitlines()[0]
            raise self._refused(where, message) from error
        if content is None:
            return {}
        if not isinstance(content, dict):
            raise self._refused("", "a config is a mapping: lines of 'key: value'")
        return self._expanded(content, "")

    def _refused(self, key: str, message: str) -> ConfigError:
        return ConfigError(self.shown, [Problem(key, message)])

    def _expanded(self, content: Mapping[Any, Any], key: str) -> dict[str, Any]:
        """A mapping with its own ``inherits`` and those of the mappings in it resolved."""
        base: Any = {}
        own: dict[str, Any] = {}
        for name, value in content.items():
            below = f"{key}.{name}".lstrip(".")
            if not isinstance(name, str):
                raise self._refused(below, "a key is text; put it into quotes")
            if name == INHERITS:
                for written in value if isinstance(value, list) else [value]:
                    base = merged(base, self._inherited(written, below))
            else:
                own[name] = self._value(value, below)
        result: dict[str, Any] = merged(base, own)
        return result

    def _value(self, value: Any, key: str) -> Any:
        if isinstance(value, dict):
            return self._expanded(value, key)
        if isinstance(value, list):
            return [self._value(item, f"{key}.{place}") for place, item in enumerate(value)]
        return value

    def _inherited(self, written: Any, key: str) -> dict[str, Any]:
        """What the file named by an ``inherits`` holds."""
        if not isinstance(written, str) or not written:
            raise self._refused(key, "write the path of a config, relative to this one, or a list of them")
        if Path(written).is_absolute():
            raise self._refused(key, f"'{written}' is absolute; write a path relative to this file")
        target = (self.path.parent / written).resolve()
        if not any(target.is_relative_to(root) for root in self.roots):
            raise self._refused(
                key,
                f"'{written}' lies outside {self.roots[-1]}; inherit from files below the config's folder, a folder "
                "named configs, or the working directory",
            )
        above = (*self.above, self.path)
        if target in above:
            circle = " -> ".join(step.name for step in (*above[above.index(target) :], target))
            raise self._refused(key, f"the configs inherit from each other in a circle: {circle}")
        if not target.is_file():
            raise self._refused(key, f"there is no file '{written}' (looked for {target})")
        return _File(target, f"{self.shown} -> {written}", self.roots, above).read()
