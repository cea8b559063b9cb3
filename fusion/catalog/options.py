"""Options of components: the dataclass that a plugin declared, filled from a config and checked by pydantic.

pydantic is imported by the functions, since listing plugins needs none of it.
"""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from fusion.contract.errors import Problem

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError


def nested(options: type) -> dict[str, str]:
    """By field, the kind of the component that the field names (made by ``fusion.contract.component``)."""
    return {
        field.name: field.metadata["component"]
        for field in dataclasses.fields(options)
        if "component" in field.metadata
    }


def validated(options: type, values: Mapping[str, Any], owner: str) -> tuple[Any, list[Problem]]:
    """An instance of the dataclass, or every problem with the values.

    Args:
        options: The dataclass.
        values: Options by name, as a config has them.
        owner: Name of the component, for messages.

    Returns:
        ``(instance, [])`` or ``(None, problems)``, keys relative to the component: ``""`` for an unknown option
        (it belongs to the component as a whole), else the option's path.
    """
    from pydantic import ValidationError

    known = {field.name for field in dataclasses.fields(options) if field.init}
    problems = [
        Problem("", unknown_key(key, known, f"option '{key}' of {owner}")) for key in values if key not in known
    ]
    try:
        instance = adapter(options).validate_python({key: values[key] for key in values if key in known})
    except ValidationError as error:
        return None, problems + pydantic_problems(error, options, owner)
    return (None, problems) if problems else (instance, [])


@functools.cache
def adapter(options: type) -> TypeAdapter[Any]:
    """The dataclass as pydantic sees it, unknown keys forbidden also in dataclasses inside it."""
    from pydantic import TypeAdapter

    _forbid_extras(options, set())
    return TypeAdapter(options)


def unknown_key(key: str, known: typing.Iterable[str], what: str | None = None) -> str:
    """The sentence ``unknown option 'band' of log_mel; did you mean 'bands'?``."""
    names = sorted(known)
    close = get_close_matches(str(key), names, 1)
    if close:
        return f"unknown {what or f'key {key!r}'}; did you mean '{close[0]}'?"
    return f"unknown {what or f'key {key!r}'}   (known: {', '.join(names) or 'none'})"


def pydantic_problems(error: ValidationError, root: type, owner: str | None = None) -> list[Problem]:
    """The errors of pydantic in our words, each with the path of its key."""
    problems = []
    for detail in error.errors(include_url=False):
        path = [part for part in detail["loc"] if not _is_union_tag(part)]
        kind = detail["type"]
        if kind in {"extra_forbidden", "unexpected_keyword_argument"}:
            known = _fields_at(root, path[:-1])
            problems.append(Problem(dotted(path[:-1]), unknown_key(str(path[-1]), known)))
        elif kind in {"missing", "missing_argument", "missing_keyword_only_argument"}:
            whose = f" by {owner}" if owner and len(path) == 1 else ""
            problems.append(Problem(dotted(path), f"required{whose}"))
        elif kind in {"value_error", "assertion_error"}:
            problems.append(Problem(dotted(path), str(detail.get("ctx", {}).get("error", detail["msg"]))))
        else:
            given = f", not {detail['input']!r}" if _is_plain(detail["input"]) else ""
            # A config has lists, whatever a dataclass keeps them in.
            message = _uncapitalised(detail["msg"]).replace("valid tuple", "valid list")
            problems.append(Problem(dotted(path), message + given))
    return list(dict.fromkeys(problems))


def dotted(path: Sequence[Any]) -> str:
    """A key's path as people write it."""
    return ".".join(str(part) for part in path)


def _uncapitalised(text: str) -> str:
    return text[:1].lower() + text[1:]


def _is_plain(value: object) -> bool:
    return isinstance(value, bool | int | float | str) or value is None


def _is_union_tag(part: object) -> bool:
    """Whether a part of a path is no key.

    In its paths pydantic also names the member of a union (``literal['clip']``, ``function-before[...]``).
    """
    return isinstance(part, str) and ("[" in part or part in {"str", "int", "float", "bool", "fraction"})


def _forbid_extras(annotation: Any, seen: set[type]) -> None:
    """Tell pydantic to refuse unknown keys of this dataclass and of those in its fields, at any depth."""
    for argument in typing.get_args(annotation):
        _forbid_extras(argument, seen)
    if not (isinstance(annotation, type) and dataclasses.is_dataclass(annotation)) or annotation in seen:
        return
    seen.add(annotation)
    if "__pydantic_config__" not in vars(annotation):
        annotation.__pydantic_config__ = {"extra": "forbid"}  # type: ignore[attr-defined]
    for hint in typing.get_type_hints(annotation).values():
        _forbid_extras(hint, seen)


def _fields_at(root: Any, path: Sequence[Any]) -> set[str]:
    """Names of the fields of the model or dataclass that lies at a path of keys below ``root``."""
    if not path:
        found: set[str] = set()
        for member in (root, *typing.get_args(root)):
            if isinstance(member, type) and dataclasses.is_dataclass(member):
                found |= {field.name for field in dataclasses.fields(member)}
            elif isinstance(member, type):
                found |= set(getattr(member, "model_fields", {}))
        return found
    head, *rest = path
    if isinstance(root, type) and (dataclasses.is_dataclass(root) or hasattr(root, "model_fields")):
        hint = typing.get_type_hints(root).get(head)
        return _fields_at(hint, rest) if hint is not None else set()
    arguments = [argument for argument in typing.get_args(root) if argument not in {type(None), Ellipsis}]
    found = set()
    for argument in arguments:
        holder = isinstance(argument, type) and (
            dataclasses.is_dataclass(argument) or hasattr(argument, "model_fields")
        )
        # an item of a container takes one part of the path; a member of a union takes none
        container = typing.get_origin(root) in {tuple, list, dict, Mapping, Sequence}
        found |= _fields_at(argument, rest if container else path) if holder or not container else set()
    return found
